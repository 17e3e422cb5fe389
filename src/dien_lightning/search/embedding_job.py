"""Crops to a file of embeddings: by Lightning on any number of processes, and on from where a kill stopped it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor
from torch.nn.functional import normalize
from torch.utils.data import DataLoader

from dien_lightning.atomic import atomic_write
from dien_lightning.checks import amount, check_bool, check_choice, check_int
from dien_lightning.data.listing import ListedImage
from dien_lightning.data.loaders import worker_options
from dien_lightning.network import DIEN, Domain, fingerprint
from dien_lightning.processes import Processes, is_first_process
from dien_lightning.search.about import DTYPES, About
from dien_lightning.search.batches import Batches
from dien_lightning.search.embeddings_file import EmbeddingsFile, as_table, write_embeddings
from dien_lightning.search.exact import check_directions
from dien_lightning.training.embedding import autocast, embed, resolve_precision
from dien_lightning.training.interrupt import cluster, interrupts_passed_on

PART = 512
"""Images in a part: what a kill may cost each process."""
_UNREADABLE = b"unreadable"
_PLACES = ("checkpoint", "root")  # of what is told


def embed_files(
    network: DIEN,
    images: Sequence[ListedImage],
    output: str | os.PathLike[str],
    *,
    domain: Domain | None = None,
    dtype: str = "float16",
    precision: str = "auto",
    flip: bool = False,
    batch_size: int = 64,
    num_workers: int = 0,
    told: dict[str, str | None] | None = None,
    **trainer: Any,
) -> EmbeddingsFile:
    """Embed image files into one Parquet file, in their order.

    Parts of 512 images are written beside it, in OUTPUT.parts/, and joined at the end. A call that was killed leaves
    them, and the same call goes on. Of several processes each takes every so many-th part. Images that cannot be read
    are left out, and listed in the file.

    Args:
        network: from `load_network`, for instance.
        images: from `list_images`; the file has their whole paths, which hold wherever it is searched from.
        output: the file; where it is there already, of the same images, none changed since, and the same network,
            nothing is done.
        domain: whose batch-norm statistics; None is the target's where there are any, else the source's.
        dtype: what is stored, "float16" or "float32".
        precision: of the computation, see `resolve_precision`.
        flip: average with mirror images.
        batch_size: images that are embedded at once, at most 512.
        num_workers: processes that read images, for each that embeds.
        told: what else `About` says: checkpoint and root, as whole paths too, camera_pattern, time_pattern.
        **trainer: of Lightning's `Trainer`: accelerator, devices, num_nodes, strategy, enable_progress_bar.

    Raises:
        ValueError: an argument; an image twice; a domain without statistics; no image that can be read; an output or
            parts of other images or another network.
        OSError: the file cannot be written.
    """
    check_choice("dtype", dtype, DTYPES)
    check_bool("flip", flip)
    check_int("batch_size", batch_size, 1, "it is the number of images that are embedded at once")
    if not len(images):
        raise ValueError("No images were given to embed; list_images gives those of a folder.")
    here, told = os.getcwd(), told or {}
    images = [image._replace(path=os.path.join(here, image.path)) for image in images]
    path, number = Counter(image.path for image in images).most_common(1)[0]
    if number > 1:
        raise ValueError(f"images names {path} twice; name each image once.")
    places = {name: os.path.abspath(os.path.expanduser(place)) for name in _PLACES if (place := told.get(name))}
    domain = domain or network.statistics_for("target")
    network.check_statistics(domain)  # like `autocast` below it refuses before anything is written
    about = About(
        fingerprint=fingerprint(network),
        domain=domain,
        width=network.embedding_dim,
        dtype=dtype,
        flip=flip,
        precision=resolve_precision(precision, trainer.get("accelerator", "auto")),
        **(told | places),
    )
    autocast(network, about.precision)  # refuses what the network does not compute in
    job = _Job(about, images, Path(output).expanduser())
    if job.output.exists():
        return job.finished()
    job.begin()
    if missing := job.missing():
        left = "" if len(missing) == job.number else f", {job.number - len(missing)} of them there"
        rank_zero_info(f"Embedding {amount(len(images), 'image')} in {amount(job.number, 'part')}{left}.")
        quiet: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False}
        runner = Trainer(**quiet, use_distributed_sampler=False, plugins=cluster(), **trainer)
        module = _Embedding(network, job, min(batch_size, PART), num_workers)
        with interrupts_passed_on(runner):
            runner.predict(module, return_predictions=False)
    elif is_first_process():
        job.join()
    return EmbeddingsFile(job.output)


class _Job:
    """Images, what the file of their embeddings says, and that file, in parts."""

    def __init__(self, about: About, images: Sequence[ListedImage], output: Path) -> None:
        lines = "\n".join(f"{image.path}\t{image.camera}\t{image.time}\t{_version(image.path)}" for image in images)
        self.listed = hashlib.blake2b(lines.encode(errors="surrogateescape"), digest_size=16).hexdigest()
        self.about, self.images, self.output = about, images, output
        self.folder = output.with_name(output.name + ".parts")
        self.number = -(-len(images) // PART)

    def finished(self) -> EmbeddingsFile:
        """The file, if it is what this job would make."""
        known = EmbeddingsFile(self.output)
        if (known.listed, known.about) != (self.listed, self.about):
            is_same = known.listed == self.listed
            others = (
                "another network, or made in another way" if is_same else "other images, or some have changed since"
            )
            raise ValueError(f"{self.output} is there, of {others}; name another output, or remove it.")
        shutil.rmtree(self.folder, ignore_errors=True)  # a kill between the file and this
        rank_zero_info(f"{self.output} is there already, of these images and this network; nothing was to be done.")
        return known

    def begin(self) -> None:
        """Make the folder of parts, or see that what it holds is this job's."""
        note, text = self.folder / "job.json", self.about.to_json(listed=self.listed)
        if note.is_file():
            if json.loads(note.read_text(encoding="utf-8")) != json.loads(text):
                raise ValueError(
                    f"{self.folder} holds parts of other images, or of another network or way, or images have changed "
                    "since; remove it to start afresh, or name another output."
                )
        elif is_first_process():
            with atomic_write(note) as draft:
                draft.write_text(text, encoding="utf-8")

    def missing(self) -> list[int]:
        """The parts that are not there yet."""
        return [part for part in range(self.number) if not self._part(part).is_file()]

    def rows(self, part: int) -> range:
        """The images of a part."""
        return range(part * PART, min((part + 1) * PART, len(self.images)))

    def write(self, part: int, read: Sequence[int], embedding: Tensor) -> None:
        """Write a part, whole or not at all: the images that could be read, and their embeddings (N, D)."""
        paths = [self.images[i].path for i in read]
        check_directions(embedding.double().square().sum(1), "the embedding of", paths)
        table = as_table(self.about, [self.images[i] for i in read], embedding)
        unreadable = [self.images[i].path for i in sorted({*self.rows(part)} - {*read})]
        with atomic_write(self._part(part)) as draft:
            pq.write_table(table.replace_schema_metadata({_UNREADABLE: json.dumps(unreadable)}), draft)

    def join(self) -> None:
        """Make one file of all parts, and remove them."""
        if missing := self.missing():
            raise ValueError(f"Part {missing[0]} of {self.number} is missing; run the same command again.")
        parts = [self._part(part) for part in range(self.number)]  # each read for itself: a system opens so many files
        unreadable = [path for part in parts for path in json.loads(pq.read_schema(part).metadata[_UNREADABLE])]
        if len(unreadable) == len(self.images):
            shutil.rmtree(self.folder)
            raise ValueError(f"None of {amount(len(unreadable), 'image')} can be read, the first is {unreadable[0]}.")

        def tables() -> Iterator[pa.Table]:
            for part in parts:
                yield pq.read_table(part).replace_schema_metadata(None)

        write_embeddings(self.output, self.about, tables(), unreadable=unreadable, listed=self.listed)
        shutil.rmtree(self.folder)

    def _part(self, number: int) -> Path:
        return self.folder / f"{number:06d}.parquet"


def _version(path: str) -> str:
    """A file's size and the time of its last change, by which another picture of the same name is told from it."""
    try:
        state = os.stat(path)
    except OSError:
        return "not there"
    return f"{state.st_size} {state.st_mtime_ns}"


class _Embedding(LightningModule):
    """Embeds this process's share of a job; Lightning starts the processes and says which this is."""

    allow_zero_length_dataloader_with_multiple_devices = True  # a process may find its share done

    def __init__(self, network: DIEN, job: _Job, batch_size: int, num_workers: int) -> None:
        super().__init__()
        self.network, self._job = network, job
        self._batch_size, self._num_workers = batch_size, num_workers
        self._read: list[int] = []
        self._embedded: list[Tensor] = []

    def predict_dataloader(self) -> DataLoader[tuple[Tensor, list[int], int]]:
        here = Processes()
        # By a part's number, not by its place among those that are missing, which each process sees at its own time.
        parts = [part for part in self._job.missing() if part % here.world_size == here.rank]
        rows, size = map(self._job.rows, parts), self._batch_size
        batches = [each[start : start + size] for each in rows for start in range(0, len(each), size)]
        paths, image_size = [image.path for image in self._job.images], self.network.hyperparameters["image_size"]
        return DataLoader(Batches(batches, paths, image_size), batch_size=None, **worker_options(self._num_workers))

    def predict_step(self, batch: tuple[Tensor, list[int], int]) -> int:
        images, read, last = batch
        if read:
            about = self._job.about
            how: dict[str, Any] = {"domain": about.domain, "precision": about.precision, "flip": about.flip}
            self._embedded.append(normalize(embed(self.network, images, **how).embedding, dim=1).cpu())
        self._read += read
        part = last // PART
        if last == self._job.rows(part)[-1]:
            self._job.write(part, self._read, torch.cat([torch.empty(0, self._job.about.width), *self._embedded]))
            self._read, self._embedded = [], []
        return len(read)

    def on_predict_batch_end(self, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        if self.trainer.received_sigterm:  # Lightning remembers it, and predicts on
            raise KeyboardInterrupt

    def on_predict_end(self) -> None:
        self.trainer.strategy.barrier()
        if self.trainer.is_global_zero:
            self._job.join()
        self.trainer.strategy.barrier()
