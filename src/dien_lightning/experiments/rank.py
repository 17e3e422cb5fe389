"""Rank images of your own by a trained network: for each query, the gallery images that look most like the same person.

dien rank checkpoint=FILE query=FILE|DIR gallery=DIR output=DIR [top=10] [shown=50] [batch_size=64]
    [camera_pattern=REGEX] [same_camera=drop|keep] [alike=0] [on_error=raise|skip] [threads=N]

Writes output/ranks.csv (query, rank, image, distance) and output/ranks.html, a page that shows the first queries with
their lists: `shown` of them, or as many as 3 MB hold. No identities are needed. Distances are Euclidean on
L2-normalised embeddings: 0 is the same, 2 the opposite.

A query's list leaves out its own file and the copies of it, byte for byte. It leaves out the query's own camera, too,
where cameras are known: by `camera_pattern`, as for training, searched in the path below the folder that holds queries
and gallery; or because that folder is a data set of the catalogue. `alike=0.05` leaves out images that differ from the
query by less than a twentieth of the grey scale, at 16 x 8 pixels: frames of one moment. `on_error=skip` ranks without
the images that cannot be read, and counts them.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dien_lightning import embed_images
from dien_lightning.checks import amount, check_choice, check_int, check_range
from dien_lightning.data.dataset import ON_ERROR
from dien_lightning.data.files import image_files, is_image
from dien_lightning.data.folders import camera_expression, read_name
from dien_lightning.data.images import read_picture
from dien_lightning.data.names import number_names, spelled
from dien_lightning.data.reading import cameras_by_layout
from dien_lightning.data.scanning import scan_files
from dien_lightning.experiments.files import write_csv, write_text
from dien_lightning.experiments.options import MISSING, take_all
from dien_lightning.experiments.reports.page import Block, PageTooLargeError, Section, render_page
from dien_lightning.experiments.reports.pictures import Grid, Picture, picture_uri
from dien_lightning.experiments.run_folder import check_writable
from dien_lightning.experiments.threads import use_threads
from dien_lightning.network import load_network
from dien_lightning.retrieval import EvaluationSets, rank_gallery


@dataclass
class Options:
    """As in the lines above."""

    checkpoint: str = MISSING
    query: str = MISSING
    gallery: str = MISSING
    output: str = MISSING
    top: int = 10
    shown: int = 50
    batch_size: int = 64
    camera_pattern: str | None = None
    same_camera: str = "drop"
    alike: float = 0.0
    on_error: str = "raise"
    threads: int | None = None

    def __post_init__(self) -> None:
        for name in ("top", "shown", "batch_size"):
            check_int(name, getattr(self, name), 1, "see --help")
        check_choice("same_camera", self.same_camera, ("drop", "keep"))
        check_choice("on_error", self.on_error, ON_ERROR)
        check_range("alike", self.alike, 0, 1)


class Found(NamedTuple):
    """A gallery image in a query's list."""

    path: str
    distance: float


def main() -> None:
    """Embed, rank, write."""
    options = take_all(Options, sys.argv[1:])
    output = Path(options.output)
    check_writable("output", output, output)
    use_threads(options.threads)
    network = load_network(options.checkpoint)
    query, gallery = (find_images(name, getattr(options, name)) for name in ("query", "gallery"))
    digests, unreadable = read_files([*query, *gallery], options.on_error)
    query, gallery = ([path for path in paths if path in digests] for paths in (query, gallery))
    if not query or not gallery:
        raise ValueError(f"None of the images of the {'gallery' if query else 'query'} can be read.")
    cameras, known_by = find_cameras([*query, *gallery], options)
    hidden = find_copies(query, gallery, digests, options.alike)
    queries, images = (
        embed_images(network, paths, batch_size=options.batch_size, progress=True) for paths in (query, gallery)
    )
    lists = rank(queries, images, cameras, hidden, top=options.top)
    if not any(lists):
        raise ValueError("Nothing is left of the gallery: each query's own camera took it, or it holds copies alone.")
    ranked = {
        path: [Found(gallery[i], distance) for i, distance in found] for path, found in zip(query, lists, strict=True)
    }
    rows = [
        (path, place, image, f"{d:.4f}")
        for path, found in ranked.items()
        for place, (image, d) in enumerate(found, start=1)
    ]
    write_csv(output / "ranks.csv", ("query", "rank", "image", "distance"), rows)
    left_out = [f"each query's own camera (by {known_by}; same_camera=keep keeps it)"] if cameras else []
    if any(hidden):
        alike = f" and what looks alike (alike={options.alike:g})" if options.alike else ""
        left_out.append(f"each query's own file and copies of it{alike}, {sum(map(len, hidden))} in all lists")
    left_out += [f"{unreadable} that cannot be read"] if unreadable else []
    asked = amount(len(query), "query", "queries")
    told = "; left out: ".join(
        [f"{asked} ranked against {amount(len(gallery), 'image')}", *filter(None, [", ".join(left_out)])]
    )
    html, number = page(dict(itertools.islice(ranked.items(), options.shown)), options.top, told)
    write_text(output / "ranks.html", html)
    asked = amount(number, "query", "queries")
    fewer = "" if number == min(len(ranked), options.shown) else f", of {asked}: it holds no more"
    print(f"{told}. The page: {output / 'ranks.html'}{fewer}")


def find_images(name: str, place: str) -> list[str]:
    """A folder's images, or the one that is named.

    Raises:
        FileNotFoundError: if there are none.
    """
    path = Path(place)
    if not path.exists():
        raise FileNotFoundError(f"{name}={place} does not exist; name a folder of crops.")
    if path.is_file() and not (name == "query" and is_image(path)):
        raise FileNotFoundError(f"{name}={place} is no folder of crops{', nor an image' if name == 'query' else ''}.")
    found = [place] if path.is_file() else image_files(path)
    if not found:
        raise FileNotFoundError(f"{name}={place} holds no image; name a folder of crops.")
    return found


def read_files(paths: Sequence[str], on_error: str) -> tuple[dict[str, bytes], int]:
    """A digest for each image that can be read, and how many cannot.

    Raises:
        ValueError: one cannot, and `on_error` is "raise".
    """
    paths = list(dict.fromkeys(paths))
    states = scan_files(paths, min(os.cpu_count() or 1, 1 + len(paths) // 128))
    faults = [state for state in states if state.fault is not None]
    if faults and on_error == "raise":
        raise ValueError(
            f"{faults[0].path} ({faults[0].fault}): {len(faults)} of {len(paths)} images cannot be read; replace or "
            "remove them, or rank the others: on_error=skip."
        )
    return {state.path: state.digest for state in states if state.fault is None and state.digest}, len(faults)


def find_cameras(paths: Sequence[str], options: Options) -> tuple[list[int], str]:
    """The camera of each of these images, and what tells it; none where nothing does, or where it does not matter."""
    if options.same_camera == "keep":
        return [], ""
    gallery, query = Path(options.gallery).absolute(), Path(options.query).absolute()
    root = Path(os.path.commonpath([gallery, query.parent if query.is_file() else query]))
    if pattern := options.camera_pattern:
        expression = camera_expression(pattern)
        names = [read_name("camera_pattern", expression, os.path.abspath(path), root) for path in paths]
        numbers = number_names(names)
        return [numbers[spelled(name)] for name in names], f"camera_pattern={pattern}"
    found, name = cameras_by_layout(paths, root) if root in (gallery, gallery.parent) else ([], "")
    if len(set(found)) > 1:
        return found, f"the layout of {name}"
    return [], ""


def find_copies(
    query: Sequence[str], gallery: Sequence[str], digests: Mapping[str, bytes], alike: float
) -> list[set[int]]:
    """For each query the numbers of the gallery images that have the same bytes, or look alike."""
    places: dict[bytes, set[int]] = {}
    for index, path in enumerate(gallery):
        places.setdefault(digests[path], set()).add(index)
    hidden = [set(places.get(digests[path], ())) for path in query]
    if alike:
        small = np.stack([thumbnail(path) for path in gallery])  # (G, 16, 8)
        for path, own in zip(query, hidden, strict=True):
            own.update(np.flatnonzero(np.abs(small - thumbnail(path)).mean((1, 2)) < alike).tolist())
    return hidden


def thumbnail(path: str) -> np.ndarray:  # -> (16, 8), grey, 0..1
    """A crop as it is compared with others of the same moment."""
    return np.asarray(read_picture(path).convert("L").resize((8, 16)), dtype=np.float32) / 255


def rank(
    query: Tensor, gallery: Tensor, cameras: Sequence[int], hidden: Sequence[set[int]], *, top: int
) -> list[list[tuple[int, float]]]:
    """For each query the nearest gallery images and their distances.

    Args:
        query: (Q, D).
        gallery: (G, D).
        cameras: of queries and gallery: a query's own is left out; empty where nobody knows.
        hidden: for each query, other images to leave out.
        top: the longest list.
    """
    # The protocol leaves out what has person and camera in common: here each camera, or each image, is a person.
    people = torch.tensor(cameras) if cameras else torch.arange(len(query) + len(gallery))
    first, rest = people.split([len(query), len(gallery)])
    sets = EvaluationSets(
        query=query, query_pids=first, query_camids=first, gallery=gallery, gallery_pids=rest, gallery_camids=rest
    )
    nearest = rank_gallery(sets, k=top + max(map(len, hidden)))
    rows = zip(nearest.indices.tolist(), nearest.distances.tolist(), hidden, strict=True)
    return [
        [(i, d) for i, d in zip(indices, distances, strict=True) if i >= 0 and i not in own][:top]
        for indices, distances, own in rows
    ]


def page(shown: Mapping[str, Sequence[Found]], top: int, told: str) -> tuple[str, int]:
    """The first queries with their lists, on the page that all reports have, and how many of them it holds."""
    rows, names = [], []
    for query, found in shown.items():
        places = [(f"{place} · {d:.2f}", path) for place, (path, d) in enumerate(found, start=1)]
        pictures = (Picture(picture_uri(path), f"{label}: {path}") for label, path in [("query", query), *places])
        rows.append(tuple(pictures))
        names.append((query, places))
    caption = (
        "Each query and the images nearest to it; a near image is not a proof that it shows the same person. Names and "
        "distances, from 0 (the same) to 2 (the opposite), stand below."
    )
    headings, number = ("query", *map(str, range(1, top + 1))), len(shown)
    while True:
        grid = Grid("Who looks like whom", caption, headings, tuple(rows[:number]))
        lists = Section("Lists", [Block("grid", grid), Block("details", names[:number])])
        try:
            return render_page("Ranked lists", f"{told}. Shown: {number}.", [lists]), number
        except PageTooLargeError as error:
            if number == 1:
                raise ValueError(f"ranks.csv is written, but no page holds a list of top={top}: lower it.") from error
            number = max(1, min(number - 1, int(number / error.excess)))
