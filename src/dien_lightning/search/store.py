"""A store of embeddings on LanceDB: adds are atomic, searches exact unless they are asked not to be."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import lancedb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from lancedb.index import IvfSq
from torch import Tensor

from dien_lightning.atomic import one_process_at_a_time
from dien_lightning.checks import check_int, first_line
from dien_lightning.data.listing import ListedImage
from dien_lightning.search.about import KEY, About, check_same_network, read_about
from dien_lightning.search.changed import check_unchanged
from dien_lightning.search.embeddings_file import EmbeddingsFile, column_types, embedding_of
from dien_lightning.search.exact import Block, Nearest, nearest
from dien_lightning.search.filters import Filter, quoted
from dien_lightning.search.same_file import FOLDERS, match_files, own_names

LEAST_INDEXED = 1000
"""Images from which on an index is made; LanceDB makes an empty one of fewer than 256, which comes alive later."""
_TABLE, _RECALL = "images", "recall"
_ROWS = 2048  # read at once
_SMALL_FRAGMENTS = 64  # files of many small adds, from which on they are joined
_CANDIDATES, _PROBES, _REFINE = 20, 32, 10  # of an approximate search: further rows, cells, exact looks per row


class Added(NamedTuple):
    """What an add did: how many images are new, and how many were there already."""

    new: int
    known: int


class Recall(NamedTuple):
    """What the index finds of what exact search finds, in [0, 1], higher is better.

    Attributes:
        at1: of the nearest image.
        at10: of the ten nearest.
        queries: stored images that it was measured with.
        images: in the store when it was.
    """

    at1: float
    at10: float
    queries: int
    images: int


class Store:
    """Embeddings of one network in a folder, or at an address that LanceDB takes, such as s3://bucket/crops.

    Many may read at a time, and each sees every finished add; one may add: in a folder a lock sees to that, at an
    address you have to.

    Args:
        place: of the store.

    Attributes:
        about: whose embeddings they are.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: something else is there.
    """

    def __init__(self, place: str | os.PathLike[str]) -> None:
        self.place = _address(place)
        if "://" not in self.place and not Path(self.place).is_dir():
            raise FileNotFoundError(f"store={self.place} is not there; make it with dien store create.")
        try:
            # Each read asks whether anybody has added since.
            self._table: Any = lancedb.connect(self.place, read_consistency_interval=timedelta(0)).open_table(_TABLE)
        except (ValueError, FileNotFoundError, RuntimeError, OSError) as error:
            raise ValueError(f"store={self.place} is no store of embeddings ({first_line(error)[:120]}).") from None
        self.about, _ = read_about(f"store={self.place}", (self._table.schema.metadata or {}).get(KEY))

    @classmethod
    def create(cls, place: str | os.PathLike[str], about: About) -> Store:
        """Make an empty store for embeddings such as these.

        Raises:
            ValueError: there is one already, or a file.
        """
        address = _address(place)
        if Path(address).is_file():
            raise ValueError(f"store={address} is a file; name a folder that is not there yet.")
        if "://" not in address and Path(address).exists() and any(Path(address).iterdir()):
            raise ValueError(
                f"store={address} is there already; add to it, name another place, or remove it if making it failed."
            )
        columns = column_types(about)
        schema = pa.schema([pa.field("number", pa.int64()), *columns], metadata=columns.metadata)
        lancedb.connect(address).create_table(_TABLE, schema=schema)
        return cls(place)

    def __len__(self) -> int:
        return int(self._table.count_rows())

    @property
    def recall(self) -> Recall | None:
        """Of the index; None where there is none."""
        kept = (self._table.schema.field("embedding").metadata or {}).get(_RECALL.encode())
        return None if kept is None else Recall(**json.loads(kept))

    def add(self, file: EmbeddingsFile) -> Added:
        """Add the images of a file that are not there yet, all of them in one step or none.

        Raises:
            ValueError: they are of another network, one has no direction, a path that is there shows another picture
                now, or the file is torn.
        """
        check_same_network(f"store={self.place}", self.about, file.about)
        if file.about.dtype != self.about.dtype:
            raise ValueError(f"store={self.place} holds {self.about.dtype}, and {file.path} {file.about.dtype}.")
        file.check()  # before anything is written
        with one_process_at_a_time(Path(self.place)):
            known, new = self._table.search().select(["path"]).with_row_id(True).to_arrow(), 0
            check_unchanged(self.place, self._table, known, file)

            def rows() -> Iterator[pa.RecordBatch]:
                nonlocal new
                for table in file.tables():
                    kept = table.filter(pc.invert(pc.is_in(table["path"], value_set=known["path"])))
                    numbers = pa.array(range(len(known) + new, len(known) + new + len(kept)), pa.int64())
                    new += len(kept)
                    yield from kept.add_column(0, "number", numbers).cast(self._table.schema).to_batches()

            self._table.add(pa.RecordBatchReader.from_batches(self._table.schema, rows()))
            if self._table.stats()["fragment_stats"]["num_small_fragments"] >= _SMALL_FRAGMENTS:
                self._table.optimize(cleanup_older_than=timedelta(days=1))
        return Added(new, len(file) - new)

    def blocks(self, chosen: Filter) -> Iterator[Block]:
        """The images that pass, in blocks."""
        for batch in self._rows(["number", "camera", "embedding"], chosen.sql()):
            yield _block(pa.Table.from_batches([batch]))

    def images(self, numbers: Sequence[int]) -> list[ListedImage]:
        """The images of these numbers, in this order."""
        if not len(numbers):
            return []
        wanted = f"number IN ({', '.join(str(int(number)) for number in numbers)})"
        rows = (row for batch in self._rows(["number", "path", "camera", "time"], wanted) for row in batch.to_pylist())
        found = {row.pop("number"): ListedImage(**row) for row in rows}
        return [found[number] for number in numbers]

    def numbers_of(self, paths: Sequence[str]) -> dict[str, int]:
        """The numbers of those of these images that are there; one that is reached by another name is there, too."""
        wanted, listed = own_names(paths), dict[str, int]()
        for start in range(0, len(wanted), _ROWS):
            named = f"regexp_replace(path, '{FOLDERS}', '') IN ({quoted(wanted[start : start + _ROWS])})"
            for batch in self._rows(["number", "path"], named):
                listed |= zip(batch["path"].to_pylist(), batch["number"].to_pylist(), strict=True)
        return match_files(paths, listed)

    def embedding_of(self, number: int) -> Tensor:  # -> (D,)
        """One image's embedding, as it is stored.

        Raises:
            KeyError: the store has none of that number.
        """
        for batch in self._rows(["embedding"], f"number = {int(number)}"):
            return embedding_of(pa.Table.from_batches([batch]))[0]
        raise KeyError(number)

    def cameras(self) -> list[str]:
        """The cameras' names, sorted."""
        names = (batch["camera"].unique().drop_null().to_pylist() for batch in self._rows(["camera"]))
        return sorted(set[str]().union(*names))

    def build_index(self, queries: int = 200, seed: int = 0) -> Recall:
        """Index the store for `approximate`, and measure what that finds of what exact search finds.

        Args:
            queries: stored images to measure with, each left out of its own lists.
            seed: of their drawing.

        Raises:
            ValueError: there are fewer than 1,000 images.
        """
        check_int("queries", queries, 1, "they measure the recall")
        number = len(self)
        if number < LEAST_INDEXED:
            raise ValueError(f"store={self.place} holds {number} images; an index is for {LEAST_INDEXED:,} and more.")
        # 5,000 x 2,048 numbers took 1.2 s; product quantization took 300 s, and missed a fifth of the ten nearest.
        self._table.create_index("embedding", config=IvfSq(distance_type="cosine"))
        drawn = sorted(np.random.default_rng(seed).permutation(number)[:queries].tolist())
        asked = pa.Table.from_batches(list(self._rows(["number", "embedding"], f"number IN ({str(drawn)[1:-1]})")))
        hidden, query = asked["number"].to_pylist(), embedding_of(asked).float()
        exact = nearest(query, self.blocks(Filter()), 10, hidden=hidden)
        found = self.approximate(query, 10, hidden=hidden)
        # By distance: of equal ones, either is right.
        at1, at10 = ((found.distances[:, :k] <= exact.distances[:, k - 1 : k]).double().mean() for k in (1, 10))
        recall = Recall(round(float(at1), 4), round(float(at10), 4), len(drawn), number)
        self._table.update_field_metadata({"path": "embedding", "metadata": {_RECALL: json.dumps(recall._asdict())}})
        return recall

    def approximate(
        self,
        query: Tensor,
        k: int,
        chosen: Filter | None = None,
        *,
        without: Sequence[str | None] = (),
        hidden: Sequence[int] = (),
    ) -> Nearest:
        """As `nearest` among the images that the index thinks near; it may miss some, see `recall`.

        Raises:
            ValueError: there is no index.
        """
        if not self._table.list_indices():
            raise ValueError(f"store={self.place} has no index: dien store index makes one; exact search needs none.")
        lists = []
        for place, row in enumerate(query):
            said = [text for text in [(chosen or Filter()).sql()] if text]
            if without and (camera := without[place]) is not None:
                said.append(f"(camera IS NULL OR camera != {quoted([camera])})")
            said += [f"number != {hidden[place]}"] if hidden else []
            asking = self._table.search(row.numpy().astype(self.about.dtype), vector_column_name="embedding")
            asking = asking.distance_type("cosine").nprobes(_PROBES).refine_factor(_REFINE).limit(k + _CANDIDATES)
            asking = asking.where(" AND ".join(said), prefilter=True) if said else asking
            near = asking.select(["number", "camera", "embedding", "_distance"]).to_arrow()
            lists.append(nearest(row[None], [_block(near)] if len(near) else [], k))
        return Nearest(*(torch.cat(parts) for parts in zip(*lists, strict=True)))

    def _rows(self, columns: list[str], where: str | None = None) -> Iterator[pa.RecordBatch]:
        asking = self._table.search().select(columns)
        return (asking.where(where) if where else asking).to_batches(_ROWS)


def _block(rows: pa.Table) -> Block:
    return Block(rows["number"].to_numpy(), np.array(rows["camera"].to_pylist(), dtype=object), embedding_of(rows))


def _address(place: str | os.PathLike[str]) -> str:
    text = os.fspath(place)
    return text if "://" in text else os.path.expanduser(text)
