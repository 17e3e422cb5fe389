"""What pseudo-labels cost: Jaccard distances and DBSCAN, sparse as here against dense as the field's projects have it.

    python benchmarks/clustering.py                          # both, at Market-1501's training size
    python benchmarks/clustering.py images=4000 threads=1
    python benchmarks/clustering.py images=32621 only=sparse  # MSMT17's, where dense takes three matrices of 4.3 GB
    python benchmarks/clustering.py images=500000 only=neighbors rows=8192 [width=2048]

Dense is the same definition with whole matrices of N x N float32 in NumPy and a loop over images, written here anew.
Each runs in a process of its own: its peak memory is measured beyond the embeddings. Those are people with a place each
in 64 dimensions, cameras that shift them and noise, turned into 2,048, or `width`.

`neighbors` is the step whose work grows with the square of the images: the nearest of each of the first `rows` images
among all, by `nearest_images`, exactly. What all images would take is extrapolated from the time of these rows.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from arguments import take
from omegaconf import DictConfig
from sklearn.cluster import DBSCAN

from dien_lightning.clustering import pseudo_labels
from dien_lightning.retrieval.neighbors import nearest_images

LATENT, CAMERAS, IMAGES_OF_ONE = 64, 6, 17
K1, K2, EPS, MIN_SAMPLES = 30, 6, 0.6, 4


def draw(number: int, width: int) -> torch.Tensor:
    """L2-normalised embeddings, of 17 images a person as in Market-1501."""
    torch.manual_seed(0)
    people = max(1, number // IMAGES_OF_ONE)
    places, shifts = torch.randn(people, LATENT), 0.5 * torch.randn(CAMERAS, LATENT)
    latent = places[torch.randint(0, people, (number,))] + shifts[torch.randint(0, CAMERAS, (number,))]
    latent += 0.8 * torch.randn(number, LATENT)
    embedding = latent @ torch.randn(LATENT, width)
    return torch.nn.functional.normalize(embedding, dim=1, out=embedding)


def reciprocal(ranking: np.ndarray, image: int, k: int) -> np.ndarray:
    """Those of an image's k neighbours, itself among them, that have it among theirs."""
    forward = ranking[image, : k + 1]
    return forward[(ranking[forward, : k + 1] == image).any(axis=1)]


def dense_distances(images: np.ndarray) -> np.ndarray:
    """The definition with whole matrices."""
    number = len(images)
    squared = 2 - 2 * (images @ images.T)
    np.fill_diagonal(squared, -1)  # itself first, whatever rounding says
    ranking = np.argsort(squared, axis=1)[:, : K1 + 1].astype(np.int32)
    np.fill_diagonal(squared, 0)
    weights = np.zeros((number, number), np.float32)
    for image in range(number):
        own = members = reciprocal(ranking, image, K1)
        for other in own:
            theirs = reciprocal(ranking, other, round(K1 / 2))
            if 3 * len(np.intersect1d(theirs, own)) > 2 * len(theirs):
                members = np.append(members, theirs)
        members = np.unique(members)
        near = np.exp(-squared[image, members])
        weights[image, members] = near / near.sum()
    del squared
    averaged = np.zeros_like(weights)
    for image in range(number):
        averaged[image] = weights[ranking[image, :K2]].mean(axis=0)
    del weights
    who_has = [np.flatnonzero(averaged[:, column]) for column in range(number)]
    distances = np.zeros((number, number), np.float32)
    for image in range(number):
        shared = np.zeros(number, np.float32)
        for column in np.flatnonzero(averaged[image]):
            shared[who_has[column]] += np.minimum(averaged[image, column], averaged[who_has[column], column])
        distances[image] = np.maximum(1 - shared / (2 - shared), 0)
    return distances


def dense(images: torch.Tensor) -> np.ndarray:
    """Labels by whole matrices."""
    return DBSCAN(eps=EPS, min_samples=MIN_SAMPLES, metric="precomputed").fit_predict(dense_distances(images.numpy()))


def sparse(images: torch.Tensor) -> np.ndarray:
    """Labels by this library."""
    return pseudo_labels(images, eps=EPS, min_samples=MIN_SAMPLES, k1=K1, k2=K2).numpy()


def neighbors(images: torch.Tensor, rows: int, timer: Callable[[], float]) -> str:
    """What the first rows take, what comes once before them, and so all rows."""
    ends = []
    for number in (1, rows):
        begin = timer()
        nearest_images(images, K1 + 1, torch.arange(number))
        ends.append(timer() - begin)
    before, took = ends[0], ends[1] - ends[0]
    whole = before + took * len(images) / rows
    return (
        f"{rows:,} of {len(images):,} rows in {took:.1f} s, once before {before:.1f} s: all would take {whole:,.0f} s"
    )


def measure(which: str, options: DictConfig) -> None:
    """One run in this process: what was found, seconds, and peak memory beyond the embeddings."""
    images = draw(options.images, options.width)
    sparse(images[:100])  # what is imported and set up at the first call
    status = Path("/proc/self/statm")
    before = int(status.read_text().split()[1]) * resource.getpagesize()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the drawing
    timer = {"wall": time.perf_counter, "cpu": time.process_time}[options.clock]
    begin = timer()
    if which == "neighbors":
        print(neighbors(images, options.rows, timer))
    else:
        np.save(options.file, {"dense": dense, "sparse": sparse}[which](images))
    took = timer() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    print(f"{took:.3f} {peak / 1e6:.0f}")


def main() -> None:
    """Both, each in its own process, or one that was asked for."""
    options = take(images=12_936, width=2048, threads=2, clock="wall", only=None, rows=8192, measure=None, file=None)
    if options.measure:
        torch.set_num_threads(options.threads)
        measure(options.measure, options)
        return
    found: dict[str, tuple[float, float]] = {}
    labels = {}
    threads = str(options.threads)
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    for which in [options.only] if options.only else ["dense", "sparse"]:
        file = f"/tmp/clustering_{os.getpid()}_{which}.npy"
        command = [sys.executable, __file__, *sys.argv[1:], f"measure={which}", f"file={file}"]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
        seconds, megabytes = found[which] = tuple(map(float, said.splitlines()[-1].split()))
        if which == "neighbors":
            about = said.splitlines()[0]
        else:
            labels[which] = np.load(file)
            Path(file).unlink()
            about = f"{labels[which].max() + 1} clusters, {(labels[which] < 0).mean():.1%} outliers"
        print(f"| {which} | {seconds:.1f} s | {megabytes:,.0f} MB | {about} |")
    own = options.images * options.width * 4 / 1e6
    print(
        f"{options.images:,} x {options.width}, {threads} threads, {options.clock} clock, beyond the embeddings' "
        f"{own:,.0f} MB"
    )
    if len(found) == 2:
        ratios = [found["dense"][place] / found["sparse"][place] for place in (0, 1)]
        other = int((labels["dense"] != labels["sparse"]).sum())
        print(f"{ratios[0]:.1f} times as fast, {ratios[1]:.1f} times less memory, {other} labels differ")


if __name__ == "__main__":
    main()
