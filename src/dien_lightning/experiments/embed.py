"""Embed crops by a trained network into one file, to be searched, stored and compared.

dien embed checkpoint=FILE images=DIR|LIST|TABLE|IMAGE output=FILE [domain=source|target] [dtype=float16|float32]
    [camera_pattern=REGEX] [time_pattern=REGEX] [flip=false] [precision=auto] [batch_size=64] [num_workers=N]
    [accelerator=auto] [devices=1] [num_nodes=1] [threads=N]

`images` is a folder of crops at any depth (those of a video's frames, for instance), a .txt file with a path a line, or
a .csv with the columns path and, where they are known, camid and time. `camera_pattern` and `time_pattern` are searched
in the path below the folder, and their first group is the camera and the time: a date, or a frame's number. A folder of
the catalogue's data sets tells its cameras itself.

Writes Parquet, in the images' order: path, camera, time, embedding of length 1; its metadata names the network by its
fingerprint. Images that cannot be read are left out, counted and listed. The same command goes on after a kill, does
nothing where the file is there, and refuses it where an image has changed since; devices=2 shares the work between
processes.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import torch

from dien_lightning.checks import amount, check_choice, check_int
from dien_lightning.data.listing import list_images
from dien_lightning.data.loaders import default_num_workers
from dien_lightning.data.scanning import unreadable_in_words
from dien_lightning.experiments.command import run
from dien_lightning.experiments.options import MISSING, take_all
from dien_lightning.experiments.threads import use_threads
from dien_lightning.network import DOMAINS, load_network
from dien_lightning.processes import is_first_process
from dien_lightning.search import EmbeddingsFile, embed_files


@dataclass
class Options:
    """As in the lines above."""

    checkpoint: str = MISSING
    images: str = MISSING
    output: str = MISSING
    domain: str | None = None
    dtype: str = "float16"
    camera_pattern: str | None = None
    time_pattern: str | None = None
    flip: bool = False
    precision: str = "auto"
    batch_size: int = 64
    num_workers: int | None = None
    accelerator: str = "auto"
    devices: int = 1
    num_nodes: int = 1
    threads: int | None = None

    def __post_init__(self) -> None:
        for name in ("batch_size", "devices", "num_nodes"):
            check_int(name, getattr(self, name), 1, "see --help")
        if self.domain is not None:
            check_choice("domain", self.domain, DOMAINS)


def main() -> None:
    """List, embed, say what was left out."""
    options = take_all(Options, sys.argv[1:])
    use_threads(options.threads, options.devices)
    network = load_network(options.checkpoint)
    patterns = {name: getattr(options, name) for name in ("camera_pattern", "time_pattern")}
    root = os.path.abspath(os.path.expanduser(options.images))  # as the gallery is to name it, without ..
    images = list_images(root, **patterns)
    workers = options.num_workers
    if workers is None:  # without a GPU, they would take the cores that the network computes on
        workers = default_num_workers() if torch.cuda.is_available() and options.accelerator != "cpu" else 0
    processes = options.devices * options.num_nodes
    embedded = embed_files(
        network,
        images,
        options.output,
        domain=options.domain,  # type: ignore[arg-type]  # checked by Options
        dtype=options.dtype,
        precision=options.precision,
        flip=options.flip,
        batch_size=options.batch_size,
        num_workers=workers,
        told={"checkpoint": options.checkpoint, "root": root, **patterns},
        accelerator=options.accelerator,
        devices=options.devices,
        num_nodes=options.num_nodes,
        strategy="ddp" if processes > 1 else "auto",
    )
    if is_first_process():
        print(describe(embedded))


def describe(embedded: EmbeddingsFile) -> str:
    """What there is, and what is not."""
    about = embedded.about
    said = f"{embedded.path}: {amount(len(embedded), 'embedding')} of width {about.width} ({about.dtype}, "
    said += f"with the {about.domain}'s statistics)"
    if embedded.unreadable:
        said += f"; {unreadable_in_words(embedded.unreadable)}"
    return f"{said}. Search in it: dien search gallery={embedded.path} query=IMAGE"


if __name__ == "__main__":  # processes that Lightning starts
    run(main)
