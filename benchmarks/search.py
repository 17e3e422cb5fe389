"""What exact search in a million images takes: memory and time, from a file and from a store.

python benchmarks/search.py [images=1000000] [width=2048] [queries=1] [store=200000] [folder=outputs/benchmark_search]

Draws unit vectors in chunks into a float16 file (4.1 GB for a million of width 2048; deleted at the end), and searches
it in a fresh process that reports its own peak. `store` images of it go into a store, whose exact search runs in
another process; then it is indexed, and an approximate search is timed beside the recall that was measured. One thread.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import torch
from torch.nn.functional import normalize

from dien_lightning.data.listing import ListedImage
from dien_lightning.experiments.options import take_all
from dien_lightning.search import About, EmbeddingsFile, Filter, nearest
from dien_lightning.search.embeddings_file import as_table, write_embeddings

CHUNK = 4096
SEARCH = """
import json, sys, time, torch
from dien_lightning.search import Filter, nearest
from dien_lightning.search.answers import open_gallery
torch.set_num_threads(1)
gallery = open_gallery(sys.argv[1])
query = torch.nn.functional.normalize(torch.randn(int(sys.argv[2]), gallery.about.width), dim=1)
import dien_lightning.search.store

def memory(name):  # MiB: RssAnon is the process's own, RssFile what it maps, which the system takes back at need
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith(name + ":"))

own = []
def watched(blocks):
    for block in blocks:
        own.append(memory("RssAnon"))
        yield block

before = memory("RssAnon")
wall, cpu = time.perf_counter(), time.process_time()
found = nearest(query, watched(gallery.blocks(Filter())), 10, without=["1"] * len(query))
images = gallery.images(sorted(set(found.numbers.flatten().tolist())))
said = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "before": before}
said["own"], said["mapped"] = max(own), memory("RssFile")
wall = time.perf_counter()
gallery.images([len(gallery) // 2])
said["look_up"] = time.perf_counter() - wall
print(json.dumps(said))
"""


@dataclass
class Options:
    """As in the lines above."""

    images: int = 1_000_000
    width: int = 2048
    queries: int = 1
    store: int = 200_000
    folder: str = "outputs/benchmark_search"


def main() -> None:
    """Draw, search, index, delete."""
    options = take_all(Options, sys.argv[1:])
    torch.set_num_threads(1)
    folder = Path(options.folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        file = draw(folder / "gallery.parquet", options.images, options.width)
        print(f"{options.images:,} images of width {options.width}: {file.stat().st_size / 2**20:,.0f} MiB on disk")
        search(file, options.queries)
        file.unlink()
        if options.store:
            measure_store(folder, options)
    finally:
        shutil.rmtree(folder)


def draw(path: Path, images: int, width: int) -> Path:
    """Random unit vectors of four cameras, in float16."""
    about = About(fingerprint="drawn", domain="target", width=width)
    generator = torch.Generator().manual_seed(0)

    def tables() -> Iterator[pa.Table]:
        for start in range(0, images, CHUNK):
            numbers = range(start, min(images, start + CHUNK))
            rows = normalize(torch.randn(len(numbers), width, generator=generator), dim=1)
            yield as_table(about, [ListedImage(f"/crops/{i:07d}.jpg", str(i % 4), float(i)) for i in numbers], rows)

    write_embeddings(path, about, tables())
    return path


def search(place: Path, queries: int) -> None:
    """Exact search in a process of its own."""
    command = [sys.executable, "-c", SEARCH, str(place), str(queries)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(
        f"exact, {queries} queries, {'file' if place.suffix else 'store'}: {said['cpu']:.1f} s of one core, "
        f"{said['wall']:.1f} s by the clock; {said['own'] - said['before']:,.0f} MiB of its own at most beyond the "
        f"{said['before']:,.0f} MiB of Python, torch and Arrow, and {said['mapped']:,.0f} MiB of mapped files, which "
        f"the system takes back at need; looking one image up {1000 * said['look_up']:.0f} ms"
    )


def measure_store(folder: Path, options: Options) -> None:
    """A store: filling, exact search, index, approximate search."""
    from dien_lightning.search.store import Store

    file = EmbeddingsFile(draw(folder / "part.parquet", options.store, options.width))
    store = Store.create(folder / "store", file.about)
    started = time.perf_counter()
    store.add(file)
    print(f"store: {options.store:,} images added in {time.perf_counter() - started:.1f} s")
    search(folder / "store", options.queries)
    started = time.perf_counter()
    recall = store.build_index(queries=50)
    print(f"index and recall: {time.perf_counter() - started:.0f} s; {recall}")
    query = normalize(torch.randn(options.queries, options.width), dim=1)
    started = time.perf_counter()
    store.approximate(query, 10)
    approximate = time.perf_counter() - started
    started = time.perf_counter()
    nearest(query, store.blocks(Filter()), 10)
    exact = time.perf_counter() - started
    print(f"approximate {1000 * approximate:.0f} ms, exact {1000 * exact:.0f} ms, {options.queries} queries")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak of filling and indexing: {peak:,.0f} MiB ({os.cpu_count()} cores)")


if __name__ == "__main__":
    main()
