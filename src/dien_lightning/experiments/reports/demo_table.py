"""The demo's table: Base, Base with target statistics, DIEN."""

from __future__ import annotations

from collections.abc import Sequence

from dien_lightning.experiments.reports.records import RunRecord, Scores
from dien_lightning.experiments.reports.tables import Column, Row, Summary, Table, name_seeds

CONTROL = "Base + target statistics"
"""Base again, with nothing but batch-norm statistics of the target's training images: what adaptation has to beat."""

_TARGET = {"rank1": "Rank-1", "rank5": "Rank-5", "rank10": "Rank-10", "mAP": "mAP", "mINP": "mINP"}
_SOURCE = {"rank1": "Rank-1", "mAP": "mAP"}


def demo_table(base: Sequence[RunRecord], dien: Sequence[RunRecord]) -> Table:
    """Both networks on the target and on held-out identities of the source; mean and spread over the seeds.

    Args:
        base: runs that never saw the target, one for each seed.
        dien: runs of the whole network.

    Returns:
        Rows Base, Base + target statistics, DIEN; percent.
    """
    target = base[0].setting("data.target", "target")
    source = base[0].setting("data.source", "source")
    columns = [Column(label, "Target") for label in _TARGET.values()]
    columns += [Column(label, "Held-out source") for label in _SOURCE.values()]
    loops = dien[0].setting("network.attention_loops")
    rows = [
        _row("Base", [run.target for run in base], [run.source for run in base]),
        _row(CONTROL, [run.target_statistics for run in base], [run.source for run in base]),
        _row("DIEN" if loops is None else f"DIEN (T = {loops})", [r.target for r in dien], [r.source for r in dien]),
    ]
    caption = f"{source} (source) → {target} (target), in percent, {seeds_phrase([*base, *dien])}."
    return Table(caption, "", columns, [*rows[:2], rows[2]._replace(strong=True)])


def seeds_phrase(runs: Sequence[RunRecord]) -> str:
    """Which seeds, in words.

    Example:
        >>> from pathlib import Path
        >>> runs = [RunRecord(Path("x"), "", "", seed, Scores(0.5)) for seed in (0, 1, 2, 2)]
        >>> seeds_phrase(runs), seeds_phrase(runs[:1])
        ('mean ± sample standard deviation over seeds 0, 1, 2', 'seed 0')
    """
    seeds = {run.seed for run in runs}
    return f"{'mean ± sample standard deviation over ' if len(seeds) != 1 else ''}{name_seeds(seeds)}"


def _row(label: str, target: Sequence[Scores | None], source: Sequence[Scores | None]) -> Row:
    cells = [Summary.of(scores and getattr(scores, name) for scores in target) for name in _TARGET]
    cells += [Summary.of(scores and getattr(scores, name) for scores in source) for name in _SOURCE]
    return Row(label, tuple(cell.percent() for cell in cells))
