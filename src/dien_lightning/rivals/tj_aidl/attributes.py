"""Attributes of people, from a table or from Lin et al.'s files, as numbers that a classifier learns."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.io import loadmat
from torch import Tensor

from dien_lightning.checks import first_line

_MOST_VALUES = 20  # age and color have up to a dozen; a name or a height has more
_OF_SETS = {"market_attribute": "market1501", "duke_attribute": "dukemtmcreid"}  # variable, beginning of a set's name


class AttributeTable(NamedTuple):
    """What a file says of people.

    Attributes:
        path: of the file.
        columns: the attributes' names.
        people: the value of each attribute, by pid.
        of_set: catalogue name of the set it belongs to, where the file says it; else empty.
    """

    path: Path
    columns: tuple[str, ...]
    people: dict[int, tuple[str, ...]]
    of_set: str = ""


class Attributes(NamedTuple):
    """Attributes as numbers.

    Attributes:
        names: of the m binary attributes, such as "hat=yes" or "upper_color=red".
        values: (C, m), 0 or 1, for the people that were asked for, in their order.
    """

    names: tuple[str, ...]
    values: Tensor


def read_attributes(path: Path) -> AttributeTable:
    """Read attributes of people from a table or a MATLAB file.

    A table (.csv) has a column `pid`; each other column is an attribute, whose values are words or numbers. A MATLAB
    file (.mat) is `market_attribute.mat` or `duke_attribute.mat` (Lin et al., Improving Person Re-identification by
    Attribute and Identity Learning, 2019): parts `train` and `test`, each with `image_index`, the pids, and a vector of
    whole numbers for each attribute.

    Args:
        path: of the file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is torn, or holds something else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"attributes={path} is not a file; name a table (.csv) or Lin et al.'s .mat.")
    return _read_matlab(path) if path.suffix.lower() == ".mat" else _read_table(path)


def binary_attributes(table: AttributeTable, pids: Sequence[int], name: str = "") -> Attributes:
    """The attributes of some people as zeros and ones.

    An attribute of two values is one number, one of more a number for each value; what has one value for all of these
    people tells nobody apart and is left out.

    Args:
        table: of `read_attributes`.
        pids: the people, as their data set numbers them.
        name: of that data set in the catalogue, for a file that says whose it is.

    Raises:
        ValueError: the file is another set's, or says nothing of somebody, or nothing that tells them apart.

    Example:
        >>> table = AttributeTable(Path("x.csv"), ("hat", "hair"), {3: ("no", "long"), 5: ("yes", "long")})
        >>> binary_attributes(table, [5, 3])
        Attributes(names=('hat=yes',), values=tensor([[1.],
                [0.]]))
    """
    is_published = any(name.startswith(known) for known in _OF_SETS.values())
    if table.of_set and is_published and not name.startswith(table.of_set):
        raise ValueError(f"attributes={table.path} is of {table.of_set}, and the source is {name}; give its own file.")
    if missing := [pid for pid in pids if pid not in table.people]:
        raise ValueError(
            f"attributes={table.path} says nothing of {len(missing)} of the {len(pids)} people that the source trains, "
            f"such as pid {missing[0]}: add them, or give the file of this data set."
        )
    names, columns = [], []
    for place, column in enumerate(table.columns):
        words = [table.people[pid][place] for pid in pids]
        values = sorted(set(words))
        if len(values) > _MOST_VALUES:
            raise ValueError(
                f"attributes={table.path} has {len(values)} different values of {column}, such as {values[0]!r}; an "
                f"attribute has at most {_MOST_VALUES}: leave the column out, or put its values into groups."
            )
        for value in values[1:] if len(values) <= 2 else values:
            names.append(f"{column}={value}")
            columns.append([float(word == value) for word in words])
    if not names:
        raise ValueError(f"attributes={table.path} tells no two people of the source apart; add columns.")
    return Attributes(tuple(names), torch.tensor(columns).T.contiguous())


def _read_table(path: Path) -> AttributeTable:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file, strict=True)
            lines = [(rows.line_num, row) for row in rows if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"attributes={path} is no table of UTF-8 text ({first_line(error)}); save it anew.") from None
    header = [cell.strip() for cell in lines[0][1]] if lines else []
    if header.count("pid") != 1 or len(header) < 2 or len(set(header)) != len(header) or "" in header:
        raise ValueError(
            f"attributes={path} must begin with a line of different names, pid and the attributes; it begins with "
            f"{','.join(header)[:60]!r}."
        )
    place = header.index("pid")
    people: dict[int, tuple[str, ...]] = {}
    for number, row in lines[1:]:
        cells = [cell.strip() for cell in row]
        if len(cells) != len(header) or "" in cells:
            raise ValueError(f"attributes={path}, line {number} has not a value for each of {', '.join(header)}.")
        pid = _whole(cells.pop(place), f"attributes={path}, line {number}: pid")
        if pid in people:
            raise ValueError(f"attributes={path}, line {number} tells of pid {pid} a second time; keep one line.")
        people[pid] = tuple(cells)
    return AttributeTable(path, tuple(name for name in header if name != "pid"), people)


def _read_matlab(path: Path) -> AttributeTable:
    try:
        content: dict[str, Any] = loadmat(str(path), simplify_cells=True)
    except Exception as error:  # SciPy raises whatever the bytes provoke
        raise ValueError(f"attributes={path} cannot be read as a MATLAB file ({first_line(error)}).") from None
    variable = next((name for name in _OF_SETS if isinstance(content.get(name), dict)), None)
    parts = [] if variable is None else [content[variable].get(part) for part in ("train", "test")]
    if variable is None or not all(isinstance(part, dict) and "image_index" in part for part in parts):
        raise ValueError(
            f"attributes={path} holds no {' or '.join(_OF_SETS)} with train, test and their image_index, as Lin et al. "
            f"publish it."
        )
    columns = tuple(sorted(set(parts[0]) - {"image_index"}))
    people: dict[int, tuple[str, ...]] = {}
    for part in parts:
        pids = [_whole(pid, f"attributes={path}: image_index") for pid in np.atleast_1d(part["image_index"]).tolist()]
        vectors = {name: np.atleast_1d(value) for name, value in part.items() if name != "image_index"}
        fits = all(vector.shape == (len(pids),) and vector.dtype.kind in "iuf" for vector in vectors.values())
        if tuple(sorted(vectors)) != columns or not fits:
            raise ValueError(f"attributes={path} has not a number for each of {len(pids)} people and each attribute.")
        rows = zip(*(vectors[name].tolist() for name in columns), strict=True)
        people |= {pid: tuple(f"{value:g}" for value in row) for pid, row in zip(pids, rows, strict=True)}
    return AttributeTable(path, columns, people, _OF_SETS[variable])


def _whole(text: Any, what: str) -> int:
    try:
        return int(text)
    except (TypeError, ValueError):
        raise ValueError(f"{what}={text!r} must be a whole number.") from None
