"""The files that commands leave: JSON, CSV and text, written in one step each."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dien_lightning.atomic import atomic_write


def read_json(path: Path) -> Any:
    """What a JSON file holds that a command left.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is torn.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing: the command that writes it has not ended.") from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path} is torn, or no JSON: {error}. If a run left it, delete it and repeat the run."
        ) from None


def write_text(path: Path, content: str) -> None:
    """Write a file in one step: a reader sees the old one or the new one, never half of it.

    Raises:
        OSError: it cannot be written; what it held before stays.
    """
    with atomic_write(path) as draft:
        draft.write_text(content, encoding="utf-8", errors="surrogateescape")  # file names may be any bytes


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file in one step, see `write_text`."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table as a CSV file in one step, see `write_text`."""
    table = io.StringIO(newline="")
    csv.writer(table).writerows([header, *rows])
    write_text(path, table.getvalue())
