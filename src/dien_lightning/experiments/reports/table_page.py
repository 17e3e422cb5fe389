"""The report of Table I as a page: tables, figure 3, pictures of single runs, sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dien_lightning.checks import amount
from dien_lightning.experiments.reports.curves import curve_galleries
from dien_lightning.experiments.reports.loops import figure_3, loops_of
from dien_lightning.experiments.reports.page import Block, Section, page_footer, render_page, run_details
from dien_lightning.experiments.reports.pictures import shown_queries
from dien_lightning.experiments.reports.plots import Gallery
from dien_lightning.experiments.reports.sweeps import sweep_galleries
from dien_lightning.experiments.reports.table1 import GLOSSARY, figure_of, main_table, order_table, subject
from dien_lightning.experiments.reports.table1_rows import CONTROL, direction_label, directions_of
from dien_lightning.experiments.reports.tables import name_seeds
from dien_lightning.experiments.results import Results

_ATTENTION_ROWS = "r05_cccdtl_dc", "r06_full_t1", "r07_full_t2", "r08_full_t3", "r09_full_t4", "r10_full_t5"


def figure_3_of(runs: Sequence[Results]) -> list[Gallery]:
    """Rank-1 against T, weights and rank-1 of each pass; empty where no row has the losses it starts from."""
    series = _with_attention(runs)
    controls = {direction_label(d): figure_of(runs, CONTROL, d, "rank1") for d in directions_of(runs)}
    known = {label: control.mean for label, control in controls.items() if control.runs}
    return figure_3(series, known) if any(series.values()) else []


def table_page(
    runs: Sequence[Results],
    *,
    passes: Sequence[Gallery] = (),
    pictured: Mapping[str, Results] | None = None,
    drawn: Sequence[Block] = (),
    sweeps: Mapping[str, Sequence[Results]] | None = None,
    rivals: Sequence[Section] = (),
) -> str:
    """The report as one page.

    Args:
        runs: of one table.
        passes: figure 3, from `figure_3_of`.
        pictured: runs whose curves and ranked lists are shown, by label; of one direction and seed, each read from its
            folder.
        drawn: blocks that need a network, that of the last of `pictured`: figure 2, figure 4.
        sweeps: runs of each sweep by its name.
        rivals: sections that follow Table I's.

    Raises:
        FileNotFoundError: a run folder lacks its curves or rankings, or a ranked image has been moved.
        ValueError: a file is torn.
    """
    seeds = name_seeds(runs, "mean ± sample standard deviation over ")
    sections = [
        Section(
            "Table I",
            [Block("table", main_table(runs)), Block("table", order_table(runs))],
            f"Ten configurations, {amount(len(runs), 'run')}, {seeds}. Base never sees the target and is evaluated "
            f"with source batch-norm statistics; every row has to beat the control. {GLOSSARY}",
        )
    ]
    sections += rivals
    if passes:
        intro = f"CCCDTL + DC with T further passes of the attention, {_seeds_of_each_loop(_with_attention(runs))}."
        sections.append(Section("Passes (figure 3)", [Block("gallery", gallery) for gallery in passes], intro))
    if pictured:
        which = "; ".join(_one_of(run, label, runs) for label, run in pictured.items())
        if drawn:
            last = _one_of(*list(pictured.items())[-1][::-1], runs)
            sections.append(Section("Inside the network (figures 2 and 4)", drawn, f"Of one run ({last})."))
        sections += run_sections(pictured, f" ({which})")
    if sweeps:
        blocks = [Block("gallery", gallery) for gallery in sweep_galleries(sweeps)]
        sections.append(Section("Sweeps", blocks, "Runs made for these figures; none of them is in Table I."))
    sections.append(Section("How it was measured", [Block("details", run_details({runs[-1].row: runs[-1]}))]))
    pairs = " and ".join(map(direction_label, directions_of(runs)))
    lead = (
        f"The paper's ten configurations, trained and evaluated by us on {pairs} ({subject(runs)}), beside the "
        f"paper's own figures."
    )
    return render_page("Table I: what each part adds", lead, sections, page_footer(runs))


def run_sections(pictured: Mapping[str, Results], which: str) -> list[Section]:
    """Ranked lists and curves of single runs, by label; `which` says of what runs, for the introductions.

    There are no lists where nobody labelled the target.
    """
    folders = {label: run.path.parent for label, run in pictured.items()}
    curves = [Block("gallery", gallery) for gallery in curve_galleries(folders)]
    training = Section("Training", curves, f"Single runs{which}.")
    if not any(run.target for run in pictured.values()):
        return [training]
    own = "do not count and are left out"
    if any(run.protocol.get("same_camera") == "keep" for run in pictured.values()):
        own = "count as any others"
    intro = (
        f"Target queries drawn once by a fixed seed, and the ten gallery images nearest to each, nearest first{which}. "
        f"Images of the same person from the query's own camera {own}."
    )
    return [Section("Ranked lists", [Block("ranked", shown_queries(folders))], intro), training]


def _one_of(run: Results, label: str, runs: Sequence[Results]) -> str:
    """Such as: Base: r01_base_day2night_0, rank-1 27.9; its row has 21.2 ± 6.7."""
    row = figure_of(runs, run.row, run.direction, "rank1")
    beside = f"; its row has {row.percent()}" if row.runs > 1 else ""
    return f"{label}: {run.name}, rank-1 {100 * run.target['rank1']:.1f}{beside}"


def _seeds_of_each_loop(series: Mapping[str, Sequence[Results]]) -> str:
    """Such as: seeds 0, 1, 2 for T = 0, 1, 3; seed 0 for T = 2."""
    every = [run for runs in series.values() for run in runs]
    loops: dict[str, list[int]] = {}
    for loop in sorted({loops_of(run) for run in every}):
        loops.setdefault(name_seeds(run for run in every if loops_of(run) == loop), []).append(loop)
    return "; ".join(f"{seeds} for T = {', '.join(map(str, own))}" for seeds, own in loops.items())


def _with_attention(runs: Sequence[Results]) -> dict[str, list[Results]]:
    return {
        direction_label(direction): [run for run in runs if run.direction == direction and run.row in _ATTENTION_ROWS]
        for direction in directions_of(runs)
    }
