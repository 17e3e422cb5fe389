"""Images of your own: how they are told, and the table that lists them, one a line; folders.py reads folders."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from dien_lightning.checks import amount
from dien_lightning.data.crops import Crop, make_splits
from dien_lightning.data.files import locate, read_text
from dien_lightning.data.names import is_nobody
from dien_lightning.data.records import SPLITS, Splits

OWN = {
    "folder": "a folder of images: any, for a target; one sub-folder per identity, for a source",
    "csv": "a table with the columns path, pid, camid, split",
}
COLUMNS = ("path", "pid", "camid", "split")
_OTHERS_CALL_IT = {  # open-metric-learning's, torchreid's and others' names
    "path": "image img image_path img_path file filename file_name filepath file_path image_name img_name name",
    "pid": "label person person_id personid identity target subject vehicle_id id class class_id",
    "camid": "camera cam cam_id camera_id cameraid",
    "split": "is_query is_gallery set subset partition role phase fold",
}


def read_table(root: str | Path, *, labeled: bool = True) -> Splits:
    """Read a table of images, one a line: path, pid, camid, split, with these names in the first line.

    Paths are relative to the table. An empty pid, or a word for unknown, means that nobody knows; without the column
    `camid` all images come from one camera; without the column `split` all of them train. Identities and cameras may be
    numbers or names. Columns are separated by commas, semicolons, tabs or bars.

    Args:
        root: the .csv or .tsv file, or a folder that holds one.
        labeled: with False the training records are made without identities, whatever the table says.

    Raises:
        FileNotFoundError: if there is no table, or it names a file that is missing.
        ValueError: if it is no table, a column is missing or called otherwise, or a split is unknown.
    """
    table = _find_table(Path(root))
    columns, rows = read_rows(table)
    notes = check_columns(table, columns)
    if "split" in columns and (number := sum(not row.get("split") for _, row in rows)):
        notes.append(f"{amount(number, 'line has', 'lines have')} no split in {table}, which means training.")
    crops = []
    for line, row in rows:
        split = (row.get("split") or "train").strip().lower()
        if split not in SPLITS:
            raise ValueError(f"{table}, line {line}: split={split!r} must be one of {', '.join(SPLITS)}.")
        path, camera = (row.get("path") or "").strip(), row.get("camid")
        if not path:
            raise ValueError(f"{table}, line {line} names no path; name the image file, or leave the line out.")
        known = None if is_nobody(camera) else camera
        crops.append(Crop(locate(path, table.parent), split, row.get("pid"), known, told=f"{table}, line {line}"))
    if not crops:
        raise ValueError(f"{table} lists no image.")
    return make_splits("csv", table, crops, labeled=labeled, compare=True, notes=notes)


def table_files(folder: Path) -> list[Path]:
    """The .csv and .tsv files in a folder, sorted, without what drawn people wear; none where it is no folder."""
    from dien_lightning.pedestrians.dataset import ATTRIBUTES, MANIFEST  # noqa: PLC0415  (it draws; few tables need it)

    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    tables = [path for path in inside if path.suffix.lower() in (".csv", ".tsv") and path.is_file()]
    return [path for path in tables if path.name != ATTRIBUTES or not (folder / MANIFEST).is_file()]


def is_table(path: Path) -> bool:
    """Whether a table lists images: one of its columns is `path`."""
    try:
        return "path" in _names(_lines(path)[0])
    except ValueError:
        return False


def read_rows(table: Path) -> tuple[Sequence[str], list[tuple[int, dict[str, str | None]]]]:
    """A table's columns, and its rows, each with the number of its line in the file; empty lines are left out.

    Raises:
        ValueError: it is no table, or a line has more cells than there are columns.
    """
    lines, separator = _lines(table)
    columns = _names(lines)
    for number, cells in lines:
        if any(cells[len(columns) :]):
            raise ValueError(
                f"{table}, line {number} has {len(cells)} cells, and the first line names {len(columns)} columns; put "
                f"a cell that holds {separator!r} into quotes."
            )
    return columns, [(number, dict(zip(columns, cells, strict=False))) for number, cells in lines[1:] if any(cells)]


def _lines(table: Path) -> tuple[list[tuple[int, list[str]]], str]:
    """A table's lines, each with its number and its cells, and what separates these."""
    try:
        text, before = read_text(table), 0
        if text.startswith("sep="):  # how Excel names its separator
            text, before = text.partition("\n")[2], 1
        separator = max(",;\t|", key=text.partition("\n")[0].count)
        reader, lines, number = csv.reader(io.StringIO(text, newline=""), delimiter=separator), [], before + 1
        for cells in reader:
            lines.append((number, cells))
            number = before + reader.line_num + 1  # a cell in quotes may go on over several lines
        return lines, separator
    except (csv.Error, UnicodeError) as error:
        raise ValueError(f"{table} cannot be read as a table ({error}); save it as CSV in UTF-8.") from None


def _names(lines: Sequence[tuple[int, Sequence[str]]]) -> list[str]:
    return [name.strip().lower() for name in lines[0][1]] if lines else []


def check_columns(table: Path, columns: Sequence[str]) -> list[str]:
    """Refuse columns that are called otherwise; say which are not read."""
    unread = [name for name in columns if name not in COLUMNS]
    meant = {}
    for name in unread:
        bare = name.replace(" ", "_").replace("-", "_")
        column = next((column for column, others in _OTHERS_CALL_IT.items() if bare in others.split()), None)
        column = column or next(iter(get_close_matches(bare, COLUMNS, n=1, cutoff=0.84)), None)
        if column and (column not in columns or bare.startswith("is_")):
            meant[name] = column
    if meant:
        raise ValueError(
            f"{table} has the columns {', '.join(meant)}, which are not read; did you mean "
            f"{', '.join(dict.fromkeys(meant.values()))}? Rename them: {', '.join(COLUMNS)} are read."
        )
    if "path" not in columns:
        raise ValueError(f"{table} has no column 'path' in its first line; {', '.join(COLUMNS)} were expected.")
    if twice := [name for name, number in Counter(columns).items() if name in COLUMNS and number > 1]:
        raise ValueError(f"{table} has the column {twice[0]!r} twice; leave one of them out.")
    return [f"The columns {', '.join(unread)} of {table} are not read."] if unread else []


def _find_table(root: Path) -> Path:
    if root.is_file():
        return root
    if not root.is_dir():
        raise FileNotFoundError(
            f"{root} does not exist; name a .csv or .tsv file (data.source_root or data.target_root)."
        )
    found = table_files(root)
    tables = [path for path in found if is_table(path)] or found
    if len(tables) != 1:
        raise FileNotFoundError(
            f"{root} holds {len(tables)} .csv or .tsv files; name one (data.source_root or data.target_root)."
        )
    return tables[0]
