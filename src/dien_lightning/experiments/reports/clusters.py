"""Self-training's clusters on a page: their number from round to round, their sizes, a few of them as pictures."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from matplotlib.ticker import MaxNLocator

from dien_lightning.checks import amount
from dien_lightning.data.own import OWN
from dien_lightning.experiments.clusters import LENGTH, Member, read_clusters
from dien_lightning.experiments.reports.curves import cluster_gallery
from dien_lightning.experiments.reports.page import Block, Section, page_footer, render_page, run_details
from dien_lightning.experiments.reports.pictures import Grid, Picture, picture_uri
from dien_lightning.experiments.reports.plots import SERIES, Gallery, Plot, new_plot, page_style, to_svg
from dien_lightning.experiments.reports.table_page import run_sections
from dien_lightning.experiments.results import Results
from dien_lightning.types import UNLABELED


def clusters_page(run: Results) -> str:
    """The page of one finished run of self-training: clusters, curves, and ranked lists where the target has labels.

    Raises:
        FileNotFoundError: a file of the run is missing, or an image has been moved.
        ValueError: a file is torn.
    """
    target = str(run.setting("data.target_root" if run.setting("data.target") in tuple(OWN) else "data.target"))
    lead = (
        f"A network took clusters of its own embeddings of {target} for people and trained on them, round by round; no "
        "label of these images was used."
    )
    if run.target:
        lead += f" Afterwards its target rank-1 is {run.target['rank1']:.1%}, mAP {run.target['mAP']:.1%}."
    lead += " The pictures show whom these cameras saw: keep this page as you keep them."
    pictured = {"self-training": run}
    sections = [
        clusters_section(run.path.parent),
        *run_sections(pictured, ""),
        Section("How it was measured", [Block("details", run_details(pictured))]),
    ]
    return render_page(f"Self-training on {target}".replace("_", " "), lead, sections, page_footer([run]))


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
    galleries = [cluster_gallery(run_dir), *([_sizes(found.sizes)] if found.sizes else [])]
    blocks = [Block("gallery", gallery) for gallery in galleries]
    return Section("Clusters", [*blocks, *(Block("grid", grid) for grid in grids)], intro)


def _sizes(sizes: Sequence[int]) -> Gallery:
    said = (
        f"Images in each of {amount(len(sizes), 'cluster')} of the last round, the largest first: {sizes[0]} in the "
        f"largest, {statistics.median(sizes):g} in the middle one, {sizes[-1]} in the smallest."
    )
    with page_style():
        figure, axes = new_plot(width=5.2)
        axes.stairs(sizes, fill=True, color=SERIES[0])
        axes.set_title("Images in each cluster")
        axes.set_xlabel("clusters, largest first")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(5, integer=True))
        axes.margins(x=0.01)
        return Gallery("Sizes", said, (Plot(to_svg(figure, "clusters/sizes"), said),))


def _pictures(members: tuple[Member, ...]) -> tuple[Picture, ...]:
    return tuple(
        Picture(
            picture_uri(member.path),
            f"camera {member.camid}" + ("" if member.pid == UNLABELED else f", person {member.pid}"),
        )
        for member in members
    )
