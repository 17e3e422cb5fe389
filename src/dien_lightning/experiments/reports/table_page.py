"""The report of Table I: tables, figure 3, sweeps, and what the caller drew from a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dien_lightning.experiments.reports.commands import commands_table
from dien_lightning.experiments.reports.curves import curve_galleries
from dien_lightning.experiments.reports.demo_page import page_footer, run_details
from dien_lightning.experiments.reports.demo_table import CONTROL, seeds_phrase
from dien_lightning.experiments.reports.labels import direction_label, directions_of, full_label, short_label
from dien_lightning.experiments.reports.loops import figure_3, loops_of
from dien_lightning.experiments.reports.order import order_table
from dien_lightning.experiments.reports.page import Block, Section, Tile, render_page
from dien_lightning.experiments.reports.plots import Gallery
from dien_lightning.experiments.reports.ranked import shown_queries
from dien_lightning.experiments.reports.records import RunRecord
from dien_lightning.experiments.reports.run_files import read_curves, read_rankings
from dien_lightning.experiments.reports.summaries import control_figure, summarize, target_figure
from dien_lightning.experiments.reports.sweeps import sweep_galleries
from dien_lightning.experiments.reports.table1 import BASE, gains_table, main_table, published_tables
from dien_lightning.experiments.reports.tables import Summary, Table, name_seeds, to_markdown

GLOSSARY = (
    f"DC is the domain classifier with reversed gradient; CCCDTL the triplet loss over both domains with a centre "
    f"term; TL[8] the triplet loss of the paper's reference 8, in which each target image is a person of its own; RTDA "
    f"the recurrent top-down attention, T passes after the first. “{CONTROL}” is the control: Base, its batch-norm "
    f"statistics gathered on the target's training images, no adaptation loss."
)
_INSIDE, _LISTS, _TRAINING = "Inside the network (figures 2 and 4)", "Ranked lists", "Training"
OF_NETWORKS = {
    _INSIDE: "Of one run ({}).",
    _LISTS: "Target queries drawn once by a fixed seed, and the ten gallery images nearest to each ({}). Images of the "
    "same person from the query's own camera do not count and are left out.",
    _TRAINING: "Of single runs ({}).",
}
"""The sections of a page that need run folders at hand, each with its intro, in which the runs are named."""
PAPERS_CHOICE = "r08_full_t3"
ATTENTION_ROWS = "r05_cccdtl_dc", "r06_full_t1", "r07_full_t2", "r08_full_t3", "r09_full_t4", "r10_full_t5"


def table_markdown(runs: Sequence[RunRecord], remarks: Sequence[str] = ()) -> str:
    """What `results/table1.md` holds: our rows, the paper's order and ours, gains, commands, the paper's tables."""
    parts = [
        f"# Table I: {_subject(runs)}",
        *remarks,
        GLOSSARY,
        *map(to_markdown, [*_our_tables(runs), *published_tables()]),
    ]
    return "\n\n".join(parts) + "\n"


def table_page(
    runs: Sequence[RunRecord],
    *,
    passes: Sequence[Gallery] = (),
    shown: Mapping[str, RunRecord] | None = None,
    sweeps: Mapping[str, Sequence[RunRecord]] | None = None,
    drawn: Sequence[Block] = (),
    kept: Sequence[Section] = (),
) -> str:
    """The report as one page.

    Args:
        runs: the main runs and no others.
        passes: figure 3, from `passes_of`.
        shown: runs whose curves and ranked lists are shown, by label; of one direction and seed, each read from its
            folder.
        sweeps: runs of each sweep by its name.
        drawn: blocks that need a network, that of the last of `shown`: figure 2, figure 4.
        kept: sections of an older page that stand in for those of `OF_NETWORKS`, each of some of `runs`.

    Raises:
        FileNotFoundError: a run folder lacks its curves or rankings, or a ranked image has been moved.
        ValueError: a file is torn.
    """
    sections = [
        Section(
            "Table I",
            [Block("tiles", _headline(runs)), *(Block("table", table) for table in _our_tables(runs))],
            f"Ten configurations, {len(runs)} runs, {seeds_phrase(runs)}. Base never sees the target and is evaluated "
            f"with source batch-norm statistics; every row has to beat the control. {GLOSSARY}",
        )
    ]
    if passes:
        sections.append(
            Section(
                "Passes (figure 3)",
                [Block("gallery", gallery) for gallery in passes],
                f"CCCDTL + DC with T further passes of the attention, {_seeds_of_each(_with_attention(runs))}.",
            )
        )
    if shown:
        sections += _of_single_runs(shown, drawn, runs)
    for section in kept:
        pictured = [run for run in runs if identity(run) in section.shows]
        sections.append(_of_runs(section.title, section.blocks, pictured, runs))
    if sweeps:
        galleries = sweep_galleries(sweeps)
        sections.append(
            Section(
                "Sweeps",
                [Block("gallery", gallery) for gallery in galleries],
                "Runs made for these figures; none of them is in Table I.",
            )
        )
    sections.append(Section("The paper's tables", [Block("table", table) for table in published_tables()]))
    sections.append(Section("How it was measured", [Block("details", run_details({runs[-1].row: runs[-1]}))]))
    pairs = " and ".join(direction_label(direction) for direction in directions_of(runs))
    lead = (
        f"The paper's ten configurations, trained and evaluated by us on {pairs} ({_subject(runs)}), beside the "
        f"paper's own figures."
    )
    return render_page("Table I: what each part adds", lead, sections, page_footer(runs))


def _subject(runs: Sequence[RunRecord]) -> str:
    """Such as: resnet18 from random weights, 500 steps."""
    weights = runs[-1].setting("network.weights")
    start = "random weights" if weights is None else Path(weights).name + (" weights" if weights == "imagenet" else "")
    steps = f", {runs[-1].steps} steps" if runs[-1].steps else ""
    return f"{runs[-1].setting('network.backbone', 'DIEN')} from {start}{steps}"


def _seeds_of_each(series: Mapping[str, Sequence[RunRecord]]) -> str:
    """Such as: seeds 0, 1, 2 for T = 0, 1, 3; seed 0 for T = 2."""
    loops: dict[tuple[int, ...], list[int]] = {}
    every = [run for runs in series.values() for run in runs]
    for loop in sorted({loops_of(run) for run in every}):
        own = [{run.seed for run in runs if loops_of(run) == loop} for runs in series.values()]
        loops.setdefault(tuple(sorted(set.union(*own))), []).append(loop)
    return "; ".join(f"{name_seeds(seeds)} for T = {', '.join(map(str, own))}" for seeds, own in loops.items())


def passes_of(runs: Sequence[RunRecord]) -> list[Gallery]:
    """Figure 3: rank-1 against T, weights and rank-1 of each pass; empty where no row has the losses it starts from."""
    series = _with_attention(runs)
    controls = {d: summarize(runs, BASE, d, control_figure("rank1")) for d in directions_of(runs)}
    known = {direction_label(direction): control.mean for direction, control in controls.items() if control.runs}
    return figure_3(series, known) if any(series.values()) else []


def _with_attention(runs: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    return {
        direction_label(direction): [run for run in runs if run.direction == direction and run.row in ATTENTION_ROWS]
        for direction in directions_of(runs)
    }


def _our_tables(runs: Sequence[RunRecord]) -> list[Table]:
    return [main_table(runs), order_table(runs), gains_table(runs), commands_table(runs)]


def _of_single_runs(shown: Mapping[str, RunRecord], drawn: Sequence[Block], runs: Sequence[RunRecord]) -> list[Section]:
    every = list(shown.values())
    lists = shown_queries({label: read_rankings(run.path.parent) for label, run in shown.items()})
    curves = curve_galleries({label: read_curves(run.path.parent) for label, run in shown.items()})
    inside = [_of_runs(_INSIDE, drawn, every[-1:], runs)] if drawn else []
    return [
        *inside,
        _of_runs(_LISTS, [Block("ranked", lists)], every, runs),
        _of_runs(_TRAINING, [Block("gallery", gallery) for gallery in curves], every, runs),
    ]


def _of_runs(title: str, blocks: Sequence[Block], shown: Sequence[RunRecord], runs: Sequence[RunRecord]) -> Section:
    """A section that pictures single runs, and says how each of them lies in its row."""
    which = "; ".join(_one_run(run, runs) for run in shown)
    return Section(title, blocks, OF_NETWORKS[title].format(which), [identity(run) for run in shown])


def identity(run: RunRecord) -> str:
    """A run's name and its rank-1: the same run made anew, with other settings, is another."""
    return f"{run.name}@{run.target.rank1:.4f}"


def _one_run(run: RunRecord, runs: Sequence[RunRecord]) -> str:
    """Such as: Base: r01_base_day2night_0, rank-1 27.9; its row has 21.2 ± 6.7."""
    row = summarize(runs, run.row, run.direction, target_figure("rank1"))
    beside = f"; its row has {row.percent()}" if row.runs > 1 else ""
    label = f"{short_label(run.row)}: " if short_label(run.row) else ""
    return f"{label}{run.name}, rank-1 {Summary.of([run.target.rank1]).percent()}{beside}"


def _headline(runs: Sequence[RunRecord]) -> list[Tile]:
    """For each direction the full model at the paper's T = 3 (a row fixed beforehand, not the best), Base, control."""
    tiles = []
    for direction in directions_of(runs):
        own = [run for run in runs if run.direction == direction]
        row = PAPERS_CHOICE if any(run.row == PAPERS_CHOICE for run in own) else max(run.row for run in own)
        base = [run for run in own if run.row == BASE]
        control = Summary.of(run.target_statistics and run.target_statistics.rank1 for run in base)
        plain = Summary.of(run.target.rank1 for run in base)
        full = Summary.of(run.target.rank1 for run in own if run.row == row)
        note = f"{full_label(row)}; Base {plain.percent()}, control {control.percent()}"
        tiles.append(Tile(f"{direction_label(direction)}, target rank-1", f"{full.percent()} %", note, strong=True))
    return tiles
