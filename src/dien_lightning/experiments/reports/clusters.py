"""Self-training's clusters on a page: their number from round to round, a few of them as pictures."""

from __future__ import annotations

from pathlib import Path

from dien_lightning.experiments.clusters import LENGTH, Member, read_clusters
from dien_lightning.experiments.reports.curves import cluster_gallery
from dien_lightning.experiments.reports.page import Block, Section
from dien_lightning.experiments.reports.pictures import Grid, Picture, picture_uri
from dien_lightning.types import UNLABELED


def clusters_section(run_dir: Path) -> Section:
    """How the clusters of a run went, and what they look like.

    Raises:
        FileNotFoundError: it is no run of self-training, or an image has been moved.
        ValueError: a file is torn.
    """
    found = read_clusters(run_dir)
    intro = (
        f"Self-training takes groups of alike target images for people. In the last round there were {found.number}, "
        f"and {found.outliers:.0%} of the images were in none."
    )
    if found.purity is not None:
        intro += (
            f" Labels, which training never saw, say afterwards: the clustered images show {found.people} people, and "
            f"{found.purity:.0%} of them show the one that most of their cluster show."
        )
    headings = tuple(str(place) for place in range(1, LENGTH + 1))
    caption = "A row is a cluster, of at most eight images, drawn once by a fixed seed."
    grids = [Grid("A few clusters", caption, headings, tuple(map(_pictures, found.shown)))]
    if found.left_out:
        caption = "Images in no cluster; they are not trained on in that round, unless the source is beside them."
        grids.append(Grid("A few outliers", caption, headings[: len(found.left_out)], (_pictures(found.left_out),)))
    return Section(
        "Clusters", [Block("gallery", cluster_gallery(run_dir)), *(Block("grid", grid) for grid in grids)], intro
    )


def _pictures(members: tuple[Member, ...]) -> tuple[Picture, ...]:
    return tuple(
        Picture(
            picture_uri(member.path),
            f"camera {member.camid}" + ("" if member.pid == UNLABELED else f", person {member.pid}"),
        )
        for member in members
    )
