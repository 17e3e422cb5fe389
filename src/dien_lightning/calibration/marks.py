"""Marks of pairs, "same" or not, as `dien serve` keeps them: a file, and the people whom they tell apart."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

COLUMNS = ("image_a", "image_b", "same")
_ALSO = {"query": "image_a", "image": "image_b", "query_camera": "camera_a", "camera": "camera_b"}  # in `dien serve`
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class Mark(NamedTuple):
    """What somebody said of two images, and the cameras that took them, empty where nobody knows."""

    image_a: str
    image_b: str
    same: bool
    camera_a: str = ""
    camera_b: str = ""

    @property
    def is_of_one_camera(self) -> bool:
        """Whether both cameras are known to be the same."""
        return self.camera_a != "" and self.camera_a == self.camera_b


def read_marks(path: str | os.PathLike[str]) -> list[Mark]:
    """Read a table with the columns image_a, image_b and same (yes or no), or JSON lines with these three names.

    The columns camera_a and camera_b are read where they are there, others are passed over; `dien serve` calls these
    five query, image, same, query_camera and camera. Of two marks of one pair the later one holds, and one that says
    nothing takes the earlier one back.

    Args:
        path: of the file, UTF-8.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it holds something else; names the line.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "marks.csv")
        >>> _ = file.write_text("image_a,image_b,same\\na.jpg,b.jpg,yes\\nb.jpg,a.jpg,no\\n")
        >>> read_marks(file)
        [Mark(image_a='b.jpg', image_b='a.jpg', same=False, camera_a='', camera_b='')]
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"marks={path} is not a file; give a table with the columns {', '.join(COLUMNS)}.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = _json_lines(path, text) if text.lstrip().startswith("{") else _table(path, text)
    except (csv.Error, UnicodeError) as error:
        raise ValueError(f"marks={path} cannot be read ({error}); save it as CSV in UTF-8.") from None
    found: dict[frozenset[str], Mark] = {}
    for line, row in rows:
        named = {_ALSO.get(name, name): value for name, value in row.items()}
        texts = [named.get(name) for name in (*COLUMNS, "camera_a", "camera_b")]
        a, b, word, *cameras = ("" if text is None else str(text).strip() for text in texts)
        if not a or not b or a == b or word.lower() not in ("", *_WORDS):
            raise ValueError(
                f"marks={path}, line {line}: image_a={a!r}, image_b={b!r}, same={word!r} must be two images, and yes "
                "or no."
            )
        found.pop(pair := frozenset((a, b)), None)
        if word:
            found[pair] = Mark(a, b, _WORDS[word.lower()], *cameras)
    if not found:
        raise ValueError(f"marks={path} marks no pair.")
    return list(found.values())


def people_of_marks(marks: Sequence[Mark]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Who is on each image, as far as marks say: what "yes" joins, also by way of others, is one person.

    Returns:
        The images (M,), their places in each mark's pair (N, 2), and the people of these (N, 2).

    Raises:
        ValueError: a pair is marked "no" that other marks join.

    Example:
        >>> marks = [Mark("a", "b", True), Mark("b", "c", True), Mark("c", "d", False)]
        >>> images, pairs, people = people_of_marks(marks)
        >>> images, people.tolist()
        (['a', 'b', 'c', 'd'], [[0, 0], [0, 0], [0, 1]])
    """
    images = sorted({image for mark in marks for image in (mark.image_a, mark.image_b)})
    number = {image: place for place, image in enumerate(images)}
    pairs = np.array([(number[mark.image_a], number[mark.image_b]) for mark in marks])  # (N, 2)
    joined = pairs[[mark.same for mark in marks]]
    graph = coo_array((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), shape=(len(images), len(images)))
    people = connected_components(graph, directed=False)[1][pairs]  # (N, 2)
    for mark, (one, other) in zip(marks, people, strict=True):
        if not mark.same and one == other:
            raise ValueError(
                f"{mark.image_a} and {mark.image_b} are marked as two people, and other marks join them; mark one of "
                "these pairs anew."
            )
    return images, pairs, people


def _table(path: Path, text: str) -> list[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    there = {_ALSO.get(name, name) for name in reader.fieldnames or []}
    missing = [name for name in COLUMNS if name not in there]
    if missing:
        raise ValueError(f"marks={path} has no column {missing[0]} in its first line; {', '.join(COLUMNS)} are read.")
    return [(reader.line_num, row) for row in reader]


def _json_lines(path: Path, text: str) -> list[tuple[int, dict[str, Any]]]:
    rows = []
    for line, content in enumerate(text.splitlines(), start=1):
        if content.strip():
            try:
                row = json.loads(content)
            except ValueError as error:
                raise ValueError(f"marks={path}, line {line} is no JSON ({error}).") from None
            rows.append((line, row if isinstance(row, dict) else {}))
    return rows
