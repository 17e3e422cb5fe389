"""Rank images of your own by a trained network: for each query, the gallery images that look most like the same person.

python scripts/rank.py checkpoint=FILE query=DIR gallery=DIR output=DIR [top=10] [shown=50] [batch_size=64]

Writes output/ranks.csv (query, rank, image, distance) and output/ranks.html, a page that shows the first queries with
their lists. No identities are needed; a query is never found in its own list. Distances are Euclidean on L2-normalised
embeddings: 0 is the same, 2 the opposite.
"""

from __future__ import annotations

import base64
import csv
import html
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from dien_lightning import embed_images
from dien_lightning.checks import check_int
from dien_lightning.data.files import image_files
from dien_lightning.data.images import read_picture
from dien_lightning.experiments.command import run
from dien_lightning.experiments.options import MISSING, take_all
from dien_lightning.experiments.results import write_text
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


STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem; color: #1b1b1b }
h1 { font-size: 1.5rem; margin: 0 }
h2 { font-size: .9rem; margin: 1.5rem 0 .4rem; overflow-wrap: anywhere }
.list { display: flex; flex-wrap: wrap; gap: .5rem }
figure { margin: 0; font-size: .75rem; text-align: center; color: #555 }
figure.query { margin-right: .75rem; font-weight: bold }
img { display: block; width: 64px; height: 128px; border-radius: 3px; background: #ddd }
.query img { outline: 3px solid #1b6ec2 }
"""


def main() -> None:
    """Embed, rank, write."""
    options = parse(sys.argv[1:])
    network = load_network(options.checkpoint)
    paths = {name: find_images(name, getattr(options, name)) for name in ("query", "gallery")}
    embedded = {
        name: embed_images(network, found, batch_size=options.batch_size, progress=True)
        for name, found in paths.items()
    }
    lists = rank(embedded["query"], embedded["gallery"], paths["query"], paths["gallery"], options.top)
    output = Path(options.output)
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["query", "rank", "image", "distance"])
    for query, ranked in zip(paths["query"], lists, strict=True):
        writer.writerows([query, place, image, f"{d:.4f}"] for place, (image, d) in enumerate(ranked, start=1))
    write_text(output / "ranks.csv", table.getvalue())
    shown = list(zip(paths["query"], lists, strict=True))[: options.shown]
    html_page = page(shown, len(paths["query"]), len(paths["gallery"]))
    write_text(output / "ranks.html", html_page)
    print(f"{len(paths['query'])} queries ranked against {len(paths['gallery'])} images: {output / 'ranks.html'}")


def parse(arguments: list[str]) -> Options:
    """Read the command line.

    Raises:
        ValueError: if an option is unknown, missing or not allowed.
    """
    options = take_all(Options, arguments)
    for name in ("top", "shown", "batch_size"):
        check_int(name, getattr(options, name), 1, "see --help")
    return options


def find_images(name: str, folder: str) -> list[str]:
    """List a folder's images.

    Raises:
        FileNotFoundError: if there are none.
    """
    found = image_files(Path(folder))
    if not found:
        raise FileNotFoundError(f"{name}={folder} holds no image; name a folder of crops.")
    return found


def rank(
    query: Tensor, gallery: Tensor, query_paths: Sequence[str], gallery_paths: Sequence[str], top: int
) -> list[list[tuple[str, float]]]:
    """For each query the nearest images and their distances, the query's own file left out."""
    people = torch.arange(len(query) + len(gallery))  # each image a person of its own: nothing is left out
    sets = EvaluationSets(
        query=query,
        query_pids=people[: len(query)],
        query_camids=torch.zeros(len(query)),
        gallery=gallery,
        gallery_pids=people[len(query) :],
        gallery_camids=torch.zeros(len(gallery)),
    )
    nearest = rank_gallery(sets, k=top + 1)
    lists = []
    for path, indices, distances in zip(query_paths, nearest.indices.tolist(), nearest.distances.tolist(), strict=True):
        found = [(gallery_paths[i], distance) for i, distance in zip(indices, distances, strict=True) if i >= 0]
        own = os.path.realpath(path)
        lists.append([(other, distance) for other, distance in found if os.path.realpath(other) != own][:top])
    return lists


def page(shown: Sequence[tuple[str, list[tuple[str, float]]]], num_queries: int, num_gallery: int) -> str:
    """A page that carries its pictures itself."""
    rows = []
    for query, ranked in shown:
        figures = [f'<figure class="query">{picture(query)}<figcaption>query</figcaption></figure>']
        figures += [
            f"<figure>{picture(image)}<figcaption>{place} · {distance:.2f}</figcaption></figure>"
            for place, (image, distance) in enumerate(ranked, start=1)
        ]
        rows.append(f'<h2>{html.escape(query)}</h2><div class="list">{"".join(figures)}</div>')
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Ranked lists</title><style>{STYLE}</style>"
        f"<h1>Who looks like whom</h1><p>{len(shown)} of {num_queries} queries, each with the nearest of "
        f"{num_gallery} images: place · distance, from 0 (the same) to 2 (the opposite). A near image is not "
        f"a proof that it shows the same person.</p>{''.join(rows)}</html>\n"
    )


def picture(path: str) -> str:
    """A small copy of an image, inside the page."""
    buffer = io.BytesIO()
    read_picture(path).resize((128, 256)).save(buffer, "JPEG")  # twice the size shown, for dense screens
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(path)}" title="{html.escape(path)}" src="data:image/jpeg;base64,{data}">'


if __name__ == "__main__":
    run(main)
