"""The demo's tables and page: what adaptation gained, how training went, what the networks find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dien_lightning.experiments.reports.clusters import clusters_section
from dien_lightning.experiments.reports.loops import passes_galleries
from dien_lightning.experiments.reports.page import Block, Section, Tile, page_footer, render_page, run_details
from dien_lightning.experiments.reports.table1_rows import CONTROL
from dien_lightning.experiments.reports.table_page import run_sections
from dien_lightning.experiments.reports.tables import ABSENT, Column, Row, Summary, Table, name_seeds
from dien_lightning.experiments.results import CHOICES, FIGURES, Results

_STATISTICS = "target_with_target_statistics"
_SHORT = ("rank1", "mAP")
SECOND = "DIEN + self-training"


def demo_page(base: Sequence[Results], dien: Sequence[Results], second: Sequence[Results]) -> str:
    """The page for finished runs, one of each network for every seed; curves, lists and clusters are the first seed's.

    Args:
        base: runs that never saw the target.
        dien: runs of the whole network.
        second: runs of self-training on the networks of `dien`.

    Raises:
        FileNotFoundError: a run folder lacks its curves or rankings, or a ranked image has been moved.
        ValueError: a file is torn.
    """
    networks = {"Base": base, "DIEN": dien, SECOND: second}
    first = {label: runs[0] for label, runs in networks.items()}
    source, target = (str(base[0].setting(f"data.{side}", side)) for side in ("source", "target"))
    elsewhere = "" if base[0].protocol.get("same_camera") == "keep" else " from another camera"
    sections = [
        Section(
            "Result",
            [Block("tiles", headline(base, dien, second)), Block("table", demo_table(base, dien, second))],
            f"Rank-1 is the share of queries whose first gallery image shows the same person{elsewhere}. "
            "The control is Base with nothing but batch-norm statistics of the target's training images: whatever "
            "DIEN gains over it, the losses and the attention earned. Self-training goes on with DIEN's network: it "
            "takes clusters of the target's own embeddings for people, and trains on them.",
        ),
        *run_sections(first, f" of seed {base[0].seed}" if len(base) > 1 else ""),
    ]
    if passes := passes_galleries({"DIEN": {"DIEN": dien}}):
        sections.append(
            Section(
                "Passes",
                [Block("gallery", gallery) for gallery in passes],
                "DIEN looks at an image T + 1 times; each pass re-weights an early map by what the pass before saw.",
            )
        )
    sections.append(clusters_section(second[0].path.parent))
    if choices := choices_table(networks):
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
        f"{target}, where nobody labelled anything. Base saw the source alone; DIEN also saw the target, unlabelled, "
        "and self-training went on with it on the target alone."
    )
    title = f"From {source} to {target}".replace("_", " ")
    return render_page(title, lead, sections, page_footer([*base, *dien, *second]))


def headline(base: Sequence[Results], dien: Sequence[Results], second: Sequence[Results]) -> list[Tile]:
    """Target rank-1 of each network in large type, with its gain over the one before."""
    last, own, plain = (Summary.over(runs, "target.rank1") for runs in (second, dien, base))
    control = Summary.over(base, f"{_STATISTICS}.rank1")
    gains = [_difference(own, plain, "Base"), *([_difference(own, control, "the control")] if control.runs else [])]
    percent = f"{control.percent()} %" if control.runs else ABSENT
    return [
        Tile("Base, target rank-1", f"{plain.percent()} %", "trained on the source alone"),
        Tile("Control, target rank-1", percent, "Base + the target's batch-norm statistics"),
        Tile("DIEN, target rank-1", f"{own.percent()} %", ", ".join(gains), strong=True),
        Tile(f"{SECOND}, target rank-1", f"{last.percent()} %", _difference(last, own, "DIEN"), strong=True),
    ]


def demo_table(base: Sequence[Results], dien: Sequence[Results], second: Sequence[Results]) -> Table:
    """The networks on the target and on held-out identities of the source; mean and spread over the seeds.

    Args:
        base: runs that never saw the target, one for each seed.
        dien: runs of the whole network.
        second: runs of self-training on these.

    Returns:
        Rows Base, Base + target statistics (the control), DIEN, DIEN + self-training; percent.
    """
    columns = [Column(label, "Target") for label in FIGURES.values()]
    columns += [Column(FIGURES[name], "Held-out source") for name in _SHORT]
    loops = dien[0].setting("network.attention_loops")
    kinds = {
        "Base": (base, "target"),
        CONTROL: (base, _STATISTICS),
        f"DIEN (T = {loops})": (dien, "target"),
        SECOND: (second, "target"),
    }
    rows = []
    for label, (runs, where) in kinds.items():
        names = [*(f"{where}.{name}" for name in FIGURES), *(f"source.{name}" for name in _SHORT)]
        cells = tuple(Summary.over(runs, name).percent() for name in names)
        rows.append(Row(label, cells, strong=runs is dien or runs is second))
    seeds = name_seeds([*base, *dien], "mean ± sample standard deviation over ")
    source, target = (base[0].setting(f"data.{side}") for side in ("source", "target"))
    return Table(f"{source} (source) → {target} (target), in percent, {seeds}.", "", columns, rows)


def choices_table(runs: Mapping[str, Sequence[Results]]) -> Table | None:
    """What each way to choose the epoch gave on the target, mean and spread over the seeds.

    Args:
        runs: by the network's label, one run for each seed.

    Returns:
        Rows last, source mAP, label-free, oracle; percent. None where the runs kept no choices.
    """
    known = {label: [run for run in own if run.checkpoints] for label, own in runs.items()}
    known = {label: own for label, own in known.items() if own}
    if not known:
        return None
    headings = ("Epochs trained", *(f"Target {FIGURES[name]}" for name in _SHORT))
    columns = [Column(heading, label) for label in known for heading in headings]
    rows = []
    for choice, title in CHOICES.items():
        cells: list[str] = []
        for own in known.values():
            epochs = (run.figure(f"checkpoints.{choice}.epochs") for run in own)
            cells.append(", ".join(str(number) for number in epochs if number is not None) or ABSENT)
            cells += [Summary.over(own, f"checkpoints.{choice}.target.{name}").percent() for name in _SHORT]
        rows.append(Row(title, tuple(cells), strong=choice == "last"))
    seeds = name_seeds(run for own in known.values() for run in own)
    return Table(f"Which epoch's network, in percent, {seeds}.", "chosen", columns, rows)


def _difference(own: Summary, other: Summary, name: str) -> str:
    points = 100 * (own.mean - other.mean)
    return f"{abs(points):.1f} points {'over' if points >= 0 else 'below'} {name}"
