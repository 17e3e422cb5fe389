"""What a person said of two pictures, same or not, kept in a file: labelled pairs for a calibration."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import NamedTuple

from dien_lightning.atomic import one_process_at_a_time


class Mark(NamedTuple):
    """One judgement.

    Attributes:
        query: file of the picture that was asked with.
        image: file of the gallery's picture.
        same: "yes", "no", or "" where an earlier mark was taken back.
        distance: between the two, Euclidean, of embeddings of length 1.
        fingerprint: of the network whose distance it is.
        domain: whose statistics it took.
        query_camera: who took the query; empty where nobody knows.
        camera: who took the image.
    """

    query: str
    image: str
    same: str
    distance: float
    fingerprint: str
    domain: str
    query_camera: str = ""
    camera: str = ""


def append_mark(path: Path, mark: Mark) -> None:
    """Add a mark to the file, to stay there whatever comes; a later one of the same pair is the one that counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    with one_process_at_a_time(path.parent), path.open("a", encoding="utf-8", newline="") as file:
        if not file.tell():
            writer.writerow(Mark._fields)
        writer.writerow(mark)
        file.write(text.getvalue())
        file.flush()
        os.fsync(file.fileno())


def read_marks(path: str | os.PathLike[str]) -> list[Mark]:
    """The marks that count, in the order of their pairs' first; a last line that a kill cut off is left out.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it holds something else.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"marks={path} is not a file; name the marks.csv that dien serve keeps.")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    rows = list(csv.reader(whole))
    if not rows or tuple(rows[0]) != Mark._fields:
        raise ValueError(f"marks={path} holds no marks; name the marks.csv that dien serve keeps.")
    counting: dict[tuple[str, str], Mark] = {}
    for number, row in enumerate(rows[1:], start=2):
        try:
            named = dict(zip(Mark._fields, row, strict=True))
            mark = Mark(**{**named, "distance": float(named["distance"])})  # type: ignore[arg-type]  # texts but one
        except ValueError:
            raise ValueError(f"marks={path}, line {number} is no mark; remove the line.") from None
        counting[mark.query, mark.image] = mark
    return [mark for mark in counting.values() if mark.same]
