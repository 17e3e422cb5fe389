"""A file of embeddings: Parquet, read through a memory map a few rows at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from torch import Tensor

from dien_lightning.atomic import atomic_write
from dien_lightning.checks import first_line
from dien_lightning.data.listing import ListedImage
from dien_lightning.search.about import KEY, About, read_about
from dien_lightning.search.exact import Block, check_directions
from dien_lightning.search.filters import Filter
from dien_lightning.search.same_file import FOLDERS, match_files, own_names

ROWS = 2048
"""Images in a row group, which is what is read at once: 8 MB with D = 2048."""
_COLUMNS = ("path", "camera", "time", "embedding")


class EmbeddingsFile:
    """What `embed_files` wrote; nothing but its footer is read before it is asked for.

    Args:
        path: of the Parquet file.

    Attributes:
        about: whose embeddings they are.
        unreadable: images that could not be read, and so have none.
        listed: a digest of the images that were listed, in their order, and of their files' sizes and times.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is torn, holds something else, or no image.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser()
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path} is not a file; name one that dien embed wrote.")
        try:
            self._file = pq.ParquetFile(self.path, memory_map=True, page_checksum_verification=True)
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from None
        schema = self._file.schema_arrow
        if missing := [name for name in _COLUMNS if name not in schema.names]:
            raise ValueError(f"{self.path} has no column {missing[0]}; make it with dien embed.")
        self.about, more = read_about(str(self.path), (schema.metadata or {}).get(KEY))
        if schema.field("embedding").type != column_types(self.about).field("embedding").type:
            raise ValueError(f"{self.path} holds other embeddings than it says; make it with dien embed.")
        if not len(self):
            raise ValueError(f"{self.path} holds no image: there is nothing to be found in it.")
        self.unreadable: list[str] = more.get("unreadable", [])
        self.listed: str = more.get("listed", "")
        self._is_checked = False

    def __len__(self) -> int:
        return self._file.metadata.num_rows

    def tables(self, columns: Sequence[str] = _COLUMNS) -> Iterator[pa.Table]:
        """These columns of one row group after the other.

        Raises:
            ValueError: the file is torn there.
        """
        for group in range(self._file.num_row_groups):
            yield self._read(group, columns)

    def check(self) -> None:
        """See that each row can be read and has a direction; once, for all of the file is read.

        Raises:
            ValueError: the first that has none, or the file is torn.
        """
        if not self._is_checked:
            for table in self.tables():
                squares = embedding_of(table).double().square().sum(1)
                check_directions(squares, "the embedding of", table["path"].to_pylist())
            self._is_checked = True

    def blocks(self, chosen: Filter) -> Iterator[Block]:
        """The images that pass, in blocks.

        Raises:
            ValueError: the file is torn.
        """
        start = 0
        for table in self.tables(_COLUMNS[1:]):
            cameras = np.array(table["camera"].to_pylist(), dtype=object)
            kept = np.flatnonzero(chosen.passes(cameras, table["time"].to_numpy()))
            if len(kept):
                rows = embedding_of(table)
                rows = rows if len(kept) == len(rows) else rows[torch.from_numpy(kept)]
                yield Block(start + kept, cameras[kept], rows)
            start += len(table)

    def images(self, numbers: Sequence[int]) -> list[ListedImage]:
        """The images of these numbers, in this order."""
        ends = np.cumsum([self._file.metadata.row_group(i).num_rows for i in range(self._file.num_row_groups)])
        groups = np.searchsorted(ends, numbers, side="right")
        tables = {int(group): self._read(int(group), _COLUMNS[:3]) for group in np.unique(groups)}
        found = []
        for number, group in zip(numbers, groups.tolist(), strict=True):
            row = number - (int(ends[group - 1]) if group else 0)
            found.append(ListedImage(**tables[group].slice(row, 1).to_pylist()[0]))
        return found

    def numbers_of(self, paths: Sequence[str]) -> dict[str, int]:
        """The numbers of those of these images that are there; one that is reached by another name is there, too."""
        wanted = pa.array(own_names(paths), pa.string())
        listed: dict[str, int] = {}
        start = 0
        for table in self.tables(["path"]):
            names = pc.replace_substring_regex(table["path"], FOLDERS, "")
            for row in np.flatnonzero(pc.is_in(names, value_set=wanted).to_numpy()).tolist():
                listed[table["path"][row].as_py()] = start + row
            start += len(table)
        return match_files(paths, listed)

    def cameras(self) -> list[str]:
        """The cameras' names, sorted."""
        names = (table["camera"].unique().drop_null().to_pylist() for table in self.tables(["camera"]))
        return sorted(set[str]().union(*names))

    def embedding(self) -> Tensor:  # (N, D)
        """All embeddings in memory."""
        return torch.cat([embedding_of(table) for table in self.tables(["embedding"])])

    def _read(self, group: int, columns: Sequence[str]) -> pa.Table:
        try:
            return self._file.read_row_group(group, columns=list(columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> ValueError:
        return ValueError(
            f"{self.path} cannot be read as Parquet ({first_line(error)[:120]}): it is damaged or something else; make "
            f"it again with dien embed."
        )


def column_types(about: About, **more: Any) -> pa.Schema:
    """The columns of such a file."""
    number = pa.field("item", pa.float16() if about.dtype == "float16" else pa.float32(), nullable=False)
    fields = [("path", pa.string()), ("camera", pa.string()), ("time", pa.float64())]
    fields.append(("embedding", pa.list_(number, about.width)))
    return pa.schema(fields, metadata={KEY: about.to_json(**more).encode()})


def as_table(about: About, images: Sequence[ListedImage], embedding: Tensor) -> pa.Table:
    """Images and their embeddings (N, D) as rows of such a file."""
    schema = column_types(about)
    numbers = embedding.cpu().to(getattr(torch, about.dtype)).contiguous().numpy().reshape(-1)
    columns = [pa.array([getattr(image, name) for image in images], schema.field(name).type) for name in _COLUMNS[:3]]
    columns.append(pa.FixedSizeListArray.from_arrays(pa.array(numbers), type=schema.field("embedding").type))
    return pa.table(columns, schema=schema)


def embedding_of(table: pa.Table) -> Tensor:  # -> (N, D)
    """The embeddings of some rows, as they are stored."""
    column = table["embedding"]
    # A copy, since torch takes no memory that may not be written to, as a file's.
    numbers = np.concatenate([chunk.flatten().to_numpy() for chunk in column.chunks])
    return torch.from_numpy(numbers).view(-1, column.type.list_size)


def write_embeddings(path: Path, about: About, tables: Iterator[pa.Table], **more: Any) -> None:
    """Write such a file in one step.

    Args:
        path: replaced if it is there.
        about: whose embeddings they are.
        tables: of `as_table`, in order.
        **more: what else the file says, `unreadable` and `listed`.
    """
    with atomic_write(path) as draft:
        schema = column_types(about, **more)
        options: Any = {"compression": {"path": "zstd", "camera": "zstd", "time": "zstd"}, "write_statistics": False}
        options["write_page_checksum"] = True
        with pq.ParquetWriter(draft, schema, use_dictionary=["camera"], **options) as writer:
            for table in _in_groups(tables):
                writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=ROWS)


def _in_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows, ROWS at a time."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        while sum(map(len, waiting)) >= ROWS:
            joined = pa.concat_tables(waiting)
            yield joined.slice(0, ROWS)
            waiting = [joined.slice(ROWS)]
    if sum(map(len, waiting)):
        yield pa.concat_tables(waiting)
