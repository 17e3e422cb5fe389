"""Tables I and II: our runs in the paper's layout, the paper's figures beside them, the gains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dien_lightning.experiments.reports.demo_table import CONTROL, seeds_phrase
from dien_lightning.experiments.reports.labels import direction_label, directions_of
from dien_lightning.experiments.reports.main_runs import shared_settings
from dien_lightning.experiments.reports.published import PAPER_DIRECTIONS, TABLE_1, TABLE_2, Published, PublishedRow
from dien_lightning.experiments.reports.records import SCORES, RunRecord
from dien_lightning.experiments.reports.summaries import Figure, control_figure, summarize, target_figure, values_of
from dien_lightning.experiments.reports.tables import ABSENT, Column, Row, Summary, Table, name_seeds

BASE = "r01_base"
_FIGURES = {"rank1": "Rank-1", "rank5": "Rank-5", "rank10": "Rank-10", "mAP": "mAP"}


def main_table(runs: Sequence[RunRecord]) -> Table:
    """Our rows in the paper's layout, rank-1 and mAP of the paper beside them; percent, mean and spread over seeds."""
    directions = directions_of(runs)
    columns = [Column(label, direction_label(d)) for d in directions for label in _FIGURES.values()]
    columns += [Column(label, f"paper, {d}") for d in PAPER_DIRECTIONS for label in ("Rank-1", "mAP")]
    rows = []
    for name, published in TABLE_1.items():
        cells = [summarize(runs, name, d, target_figure(figure)).percent() for d in directions for figure in _FIGURES]
        cells += [f"{p.rank1:.1f}" if m else f"{p.mAP:.1f}" for p in published[1:] for m in (True, False)]
        rows.append(Row(_label(runs, name, published.label), tuple(cells)))
        if name == BASE:
            control = [
                summarize(runs, name, d, control_figure(figure)).percent() for d in directions for figure in _FIGURES
            ]
            rows.append(Row(_label(runs, name, CONTROL), (*control, *[ABSENT] * 4)))
    caption = f"Table I on our pair, in percent, {seeds_phrase(runs)}; beside it the paper's figures on its own pair."
    return Table(caption, "Configuration", columns, rows)


def short_table(runs: Sequence[RunRecord]) -> Table:
    """Our rows' rank-1 and mAP alone: narrow enough for a terminal."""
    whole = main_table(runs)
    kept = [
        place
        for place, column in enumerate(whole.columns)
        if column.label in ("Rank-1", "mAP") and not column.group.startswith("paper")
    ]
    return whole._replace(
        caption=f"Target, in percent, {seeds_phrase(runs)}.",
        columns=[whole.columns[place] for place in kept],
        rows=[row._replace(cells=tuple(row.cells[place] for place in kept)) for row in whole.rows],
    )


def gains_table(runs: Sequence[RunRecord]) -> Table:
    """Points of rank-1 that each row gains over Base and over the control; differences are taken seed by seed."""
    directions = directions_of(runs)
    columns = [Column(f"over {other}", direction_label(d)) for d in directions for other in ("Base", "control")]
    columns += [Column("over Base", f"paper, {d}") for d in PAPER_DIRECTIONS]
    rows = []
    for name, published in TABLE_1.items():
        cells = []
        for direction in directions:
            for minuend in (target_figure("rank1"), control_figure("rank1")):
                cells.append(_gain(runs, name, direction, minuend).percent(signed=True))
        for own, base in zip(published[1:], TABLE_1[BASE][1:], strict=True):
            cells.append(ABSENT if name == BASE else f"{own.rank1 - base.rank1:+.1f}")
        if name == BASE:
            cells[: 2 * len(directions) : 2] = [ABSENT] * len(directions)
        rows.append(Row(_label(runs, name, published.label, paired=True), tuple(cells)))
    caption = f"Gain in rank-1, in points, seed by seed, {seeds_phrase(runs)}. Control: {CONTROL}, nothing else."
    return Table(caption, "Configuration", columns, rows)


def published_table(caption: str, head: str, rows: Sequence[PublishedRow]) -> Table:
    """Rows of the paper as printed, percent."""
    columns = [Column(label, d) for d in PAPER_DIRECTIONS for label in _FIGURES.values()]

    def cells(published: Published) -> list[str]:
        return [f"{value:.1f}" for value in published]

    return Table(
        caption, head, columns, [Row(r.label, (*cells(r.duke_to_market), *cells(r.market_to_duke))) for r in rows]
    )


def published_tables() -> list[Table]:
    """Table I and Table II of the paper, as printed."""
    return [
        published_table("Table I as the paper prints it, in percent.", "Configuration", list(TABLE_1.values())),
        published_table("Table II as the paper prints it, in percent.", "Method", TABLE_2),
    ]


def table1_json(runs: Sequence[RunRecord], command: str) -> dict[str, Any]:
    """What `results/table1.json` holds: every run's figures as fractions, the command, the setting all share."""
    entries = []
    for run in runs:
        entry: dict[str, Any] = {"row": run.row, "direction": run.direction, "seed": run.seed}
        entry |= {name: value for name, value in zip(SCORES, run.target, strict=True) if not math.isnan(value)}
        if run.source is not None:
            entry |= {"source_rank1": run.source.rank1, "source_mAP": run.source.mAP}
        with_target_statistics = run.target_statistics
        if (run.protocol.get("statistics") or {}).get("target") == "target":
            with_target_statistics = run.target
        if with_target_statistics is not None:
            entry["rank1_target_statistics"] = with_target_statistics.rank1
            entry["mAP_target_statistics"] = with_target_statistics.mAP
        if run.fusion_weights:
            entry["fusion_weights"] = list(run.fusion_weights)
        if run.passes:
            entry["rank1_passes"] = [scores.rank1 for scores in run.passes]
        entry |= {"seconds": run.seconds, "commit": run.commit, "command": run.command}
        entries.append(entry)
    return {"runs": entries, "command": command, "settings": shared_settings(runs[-1])}


def _label(runs: Sequence[RunRecord], row: str, label: str, paired: bool = False) -> str:
    """The row's name, with its seeds where it lacks some that others have: in each direction, if they differ.

    With `paired`, seeds that Base lacks do not count.
    """
    needed = {row, BASE} if paired else {row}
    own = {
        d: frozenset.intersection(
            *(frozenset(r.seed for r in runs if (r.row, r.direction) == (name, d)) for name in needed)
        )
        for d in directions_of(runs)
    }
    kinds = set(own.values())
    if not any(kinds) or kinds == {frozenset(run.seed for run in runs)}:
        return label
    if len(kinds) == 1:
        return f"{label}, {name_seeds(*kinds)}"
    return f"{label}, {'; '.join(f'{direction_label(d)} {name_seeds(seeds)}' for d, seeds in own.items())}"


def _gain(runs: Sequence[RunRecord], row: str, direction: str, over: Figure) -> Summary:
    own, base = values_of(runs, row, direction, target_figure("rank1")), values_of(runs, BASE, direction, over)
    return Summary.of(own[seed] - base[seed] for seed in own if seed in base)
