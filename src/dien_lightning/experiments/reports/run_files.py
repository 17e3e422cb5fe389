"""What a run leaves beside its results: curves, ranked lists, any JSON; said where it is torn or missing."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple


class RankedImage(NamedTuple):
    """One gallery image of a ranked list; smaller distance is closer."""

    path: str
    pid: int
    camid: int
    match: bool
    distance: float


class RankedQuery(NamedTuple):
    """One query with the gallery images nearest to it, nearest first."""

    path: str
    pid: int
    camid: int
    gallery: tuple[RankedImage, ...]


def read_curves(run_dir: str | Path) -> dict[str, list[tuple[int, float]]]:
    """Every column of a run's `metrics.csv` as (step, value) pairs, in the order of the steps.

    Raises:
        FileNotFoundError: the run kept no `metrics.csv`.
        ValueError: it has no `step` column, or a cell is no number.
    """
    path = Path(run_dir) / "metrics.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: it is written by scripts/train.py while it trains.")
    curves: dict[str, list[tuple[int, float]]] = {}
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        if "step" not in (reader.fieldnames or ()):
            raise ValueError(f"{path} has no column 'step': it is not a run's metrics.csv.")
        for line, row in enumerate(reader, start=2):
            try:
                step = int(row["step"])
                values = {name: float(cell) for name, cell in row.items() if cell and name not in ("step", "epoch")}
            except (TypeError, ValueError) as error:
                raise ValueError(f"{path}, line {line}, is torn: {error}.") from None
            for name, value in values.items():
                curves.setdefault(name, []).append((step, value))
    return {name: sorted(curve) for name, curve in curves.items()}


def read_rankings(run_dir: str | Path) -> list[RankedQuery]:
    """The ranked lists a run kept in `rankings.json`.

    Raises:
        FileNotFoundError: the run kept none.
        ValueError: the file is torn.
    """
    path = Path(run_dir) / "rankings.json"
    rankings = read_json(path)
    try:
        return [
            RankedQuery(
                path=query["path"],
                pid=int(query["pid"]),
                camid=int(query["camid"]),
                gallery=tuple(
                    RankedImage(
                        image["path"],
                        int(image["pid"]),
                        int(image["camid"]),
                        bool(image["match"]),
                        float(image["distance"]),
                    )
                    for image in query["gallery"]
                ),
            )
            for query in rankings["queries"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a run's rankings: {type(error).__name__} at {error}.") from None


def read_json(path: Path) -> Any:
    """A file that a run left.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is torn.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing: it is written at the end of scripts/train.py.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is torn: {error}. Delete it and repeat the run.") from None
