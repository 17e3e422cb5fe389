"""The demo's page: what adaptation gained, how training went, what the two networks find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dien_lightning.experiments.reports.choices import choices_table
from dien_lightning.experiments.reports.curves import curve_galleries
from dien_lightning.experiments.reports.demo_table import demo_table, seeds_phrase
from dien_lightning.experiments.reports.loops import passes_galleries
from dien_lightning.experiments.reports.page import Block, Section, Tile, render_page
from dien_lightning.experiments.reports.ranked import shown_queries
from dien_lightning.experiments.reports.records import RunRecord
from dien_lightning.experiments.reports.run_files import read_curves, read_rankings
from dien_lightning.experiments.reports.tables import Summary


def demo_page(base: Sequence[RunRecord], dien: Sequence[RunRecord]) -> str:
    """The page for finished runs of Base and DIEN, one of each for every seed; curves and lists are the first seed's.

    Raises:
        FileNotFoundError: a run folder lacks its curves or rankings, or a ranked image has been moved.
        ValueError: a file is torn.
    """
    first = {"Base": base[0], "DIEN": dien[0]}
    folders = {label: run.path.parent for label, run in first.items()}
    source, target = (base[0].setting(f"data.{side}", side) for side in ("source", "target"))
    shown = f" Of seed {base[0].seed}." if len(base) > 1 else ""
    lists = shown_queries({label: read_rankings(folder) for label, folder in folders.items()})
    curves = curve_galleries({label: read_curves(folder) for label, folder in folders.items()})
    sections = [
        Section(
            "Result",
            [Block("tiles", headline(base, dien)), Block("table", demo_table(base, dien))],
            "Rank-1 is the share of queries whose first gallery image shows the same person from another camera. "
            "The control is Base with nothing but batch-norm statistics of the target's training images: whatever "
            "DIEN gains over it, the losses and the attention earned.",
        ),
        Section(
            "Ranked lists",
            [Block("ranked", lists)],
            f"Queries of {target}, drawn once by a fixed seed, and the ten gallery images nearest to each, nearest "
            f"first. Images of the same person from the query's own camera do not count and are left out.{shown}",
        ),
        Section("Training", [Block("gallery", gallery) for gallery in curves], shown.strip()),
    ]
    if passes := passes_galleries({"DIEN": {"DIEN": dien}}):
        sections.append(
            Section(
                "Passes",
                [Block("gallery", gallery) for gallery in passes],
                "DIEN looks at an image T + 1 times; each pass re-weights an early map by what the pass before saw.",
            )
        )
    if choices := choices_table({"Base": base, "DIEN": dien}):
        sections.append(
            Section(
                "Which epoch",
                [Block("table", choices)],
                "All figures above are those of the last epoch. An epoch chosen by the mAP of held-out source people, "
                "or by how many of the target's unlabelled training images are their nearest neighbour's nearest "
                "neighbour (label-free), needs no target label either. The oracle needs them all: it is no result, and "
                "says what a perfect choice would gain.",
            )
        )
    sections.append(Section("How it was measured", [Block("details", run_details(first))]))
    lead = (
        f"A network learned people from {source}, where identities are labelled, and had to find other people in "
        f"{target}, where nobody labelled anything. Base saw the source alone; DIEN also saw the target, unlabelled."
    )
    return render_page(f"From {_name(source)} to {_name(target)}", lead, sections, page_footer([*base, *dien]))


def headline(base: Sequence[RunRecord], dien: Sequence[RunRecord]) -> list[Tile]:
    """Target rank-1 of Base, control and DIEN in large type, with DIEN's gain over both."""
    own = Summary.of(run.target.rank1 for run in dien)
    plain = Summary.of(run.target.rank1 for run in base)
    control = Summary.of(run.target_statistics and run.target_statistics.rank1 for run in base)
    gains = [f"{_difference(own.mean - plain.mean)} Base"]
    if control.runs:
        gains.append(f"{_difference(own.mean - control.mean)} the control")
    return [
        Tile("Base, target rank-1", f"{plain.percent()} %", "trained on the source alone"),
        Tile(
            "Control, target rank-1",
            f"{control.percent()} %" if control.runs else control.percent(),
            "Base + the target's batch-norm statistics",
        ),
        Tile("DIEN, target rank-1", f"{own.percent()} %", ", ".join(gains), strong=True),
    ]


def run_details(runs: Mapping[str, RunRecord]) -> list[tuple[str, list[tuple[str, str]]]]:
    """For each run what repeats it: command, protocol, settings; for the page's folding blocks."""
    entries = []
    for label, run in runs.items():
        facts = [("command", run.command), ("commit", run.commit), ("seed", str(run.seed))]
        facts += [("training and evaluation", f"{run.seconds / 60:.1f} minutes")]
        facts += [("evaluation", f"{run.images_per_second:.0f} images / s")]
        entries.append((f"{label}: command and protocol", facts + _pairs(run.protocol)))
        entries.append((f"{label}: settings", _pairs(run.settings)))
    return entries


def page_footer(runs: Sequence[RunRecord]) -> str:
    """Where the figures come from, in one line."""
    commits = ", ".join(sorted({run.commit for run in runs if run.commit})) or "unknown"
    folders = ", ".join(sorted({str(_shorter(run.path.parent)) for run in runs}))
    return f"Figures from {folders} ({seeds_phrase(runs)}), commit {commits}. Percent throughout."


def _difference(points: float) -> str:
    return f"{100 * abs(points):.1f} points {'over' if points >= 0 else 'below'}"


def _shorter(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _name(dataset: Any) -> str:
    return str(dataset).replace("_", " ")


def _pairs(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            pairs += _pairs(value, f"{prefix}{name}.")
        else:
            pairs.append((prefix + name, f"{value:.6g}" if isinstance(value, float) else str(value)))
    return pairs
