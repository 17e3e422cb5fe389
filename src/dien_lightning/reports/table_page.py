"""The report of Table I: tables, figure 3, sweeps, and what the caller drew from a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dien_lightning.reports.curves import curve_galleries
from dien_lightning.reports.demo_page import page_footer, run_details
from dien_lightning.reports.demo_table import CONTROL, seeds_phrase
from dien_lightning.reports.loops import figure_3
from dien_lightning.reports.page import Block, Section, Tile, render_page
from dien_lightning.reports.ranked import shown_queries
from dien_lightning.reports.records import RunRecord, read_curves, read_rankings
from dien_lightning.reports.sweeps import sweep_galleries
from dien_lightning.reports.table1 import (
    BASE,
    commands_table,
    direction_label,
    directions_of,
    full_label,
    gains_table,
    main_table,
    published_tables,
)
from dien_lightning.reports.tables import Summary, Table, to_markdown

PAPERS_CHOICE = "r08_full_t3"
ATTENTION_ROWS = "r05_cccdtl_dc", "r06_full_t1", "r07_full_t2", "r08_full_t3", "r09_full_t4", "r10_full_t5"


def table_markdown(runs: Sequence[RunRecord], remarks: Sequence[str] = ()) -> str:
    """What `results/table1.md` holds: our rows, the gains, the commands, the paper's tables."""
    parts = ["# Table I", *remarks, *map(to_markdown, _tables(runs))]
    return "\n\n".join(parts) + "\n"


def table_page(
    runs: Sequence[RunRecord],
    *,
    shown: Mapping[str, Path] | None = None,
    sweeps: Mapping[str, Sequence[RunRecord]] | None = None,
    drawn: Sequence[Block] = (),
) -> str:
    """The report as one page.

    Args:
        runs: the main runs and no others.
        shown: run folders whose curves and ranked lists are shown, by label; the same direction and seed.
        sweeps: runs of each sweep by its name.
        drawn: blocks that need a network: figure 2, figure 4.

    Raises:
        FileNotFoundError: a run folder lacks its curves or rankings, or a ranked image has been moved.
        ValueError: a file is torn.
    """
    main, gains, commands, *published = _tables(runs)
    sections = [
        Section(
            "Table I",
            [Block("tiles", _headline(runs)), Block("table", main), Block("table", gains), Block("table", commands)],
            f"Ten configurations, {len(runs)} runs, {seeds_phrase(runs)}. Base never sees the target and is evaluated "
            f"with source batch-norm statistics; “{CONTROL}” is the same network with batch-norm statistics of the "
            "target's training images and nothing else: the control that every row has to beat.",
        )
    ]
    with_loops = {
        direction_label(direction): [run for run in runs if run.direction == direction and run.row in ATTENTION_ROWS]
        for direction in directions_of(runs)
    }
    if any(with_loops.values()):
        sections.append(
            Section(
                "Passes (figure 3)",
                [Block("gallery", gallery) for gallery in figure_3(with_loops)],
                "CCCDTL + DC with T = 0 to 5 further passes of the attention.",
            )
        )
    if drawn:
        sections.append(Section("Inside the network (figures 2 and 4)", drawn))
    if shown:
        sections += _of_single_runs(shown)
    if sweeps:
        galleries = sweep_galleries(sweeps)
        sections.append(
            Section(
                "Sweeps",
                [Block("gallery", gallery) for gallery in galleries],
                "Runs beside the table's, around its settings; none of them is in Table I.",
            )
        )
    sections.append(Section("The paper's tables", [Block("table", table) for table in published]))
    sections.append(Section("How it was measured", [Block("details", run_details({runs[-1].row: runs[-1]}))]))
    pairs = " and ".join(direction_label(direction) for direction in directions_of(runs))
    lead = f"The paper's ten configurations, trained and evaluated by us on {pairs}, beside the paper's own figures."
    return render_page("Table I: what each part adds", lead, sections, page_footer(runs))


def _tables(runs: Sequence[RunRecord]) -> list[Table]:
    return [main_table(runs), gains_table(runs), commands_table(runs), *published_tables()]


def _of_single_runs(shown: Mapping[str, Path]) -> list[Section]:
    folders = ", ".join(f"{label}: {folder.name}" for label, folder in shown.items())
    lists = shown_queries({label: read_rankings(folder) for label, folder in shown.items()})
    curves = curve_galleries({label: read_curves(folder) for label, folder in shown.items()})
    return [
        Section(
            "Ranked lists",
            [Block("ranked", lists)],
            f"Target queries drawn once by a fixed seed, and the ten gallery images nearest to each ({folders}). "
            "Images of the same person from the query's own camera do not count and are left out.",
        ),
        Section("Training", [Block("gallery", gallery) for gallery in curves], f"Of single runs ({folders})."),
    ]


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
