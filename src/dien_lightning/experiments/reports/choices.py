"""Which epoch's network: the four choices side by side, the one that needs target labels called by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dien_lightning.experiments.reports.records import RunRecord
from dien_lightning.experiments.reports.tables import ABSENT, Column, Row, Summary, Table, name_seeds

CHOICES = {
    "last": "last epoch (the result)",
    "source_mAP": "best by source mAP",
    "label_free": "best by label-free score",
    "oracle": "oracle: by target labels",
}
"""By the name that results.json has for it. Every figure elsewhere is that of the last epoch."""

_SCORES = {"rank1": "Target Rank-1", "mAP": "Target mAP"}


def choices_table(runs: Mapping[str, Sequence[RunRecord]]) -> Table | None:
    """What each choice of the epoch gave on the target, mean and spread over the seeds.

    Args:
        runs: by the network's label, one run for each seed.

    Returns:
        Rows last, source mAP, label-free, oracle; percent. None where the runs kept no choices.
    """
    known = {label: [run for run in own if run.choices] for label, own in runs.items()}
    known = {label: own for label, own in known.items() if own}
    if not known:
        return None
    columns = [Column(name, label) for label in known for name in ("Epochs trained", *_SCORES.values())]
    rows = []
    for name, title in CHOICES.items():
        cells: list[str] = []
        for own in known.values():
            chosen = [run.choices[name] for run in own if name in run.choices]
            cells.append(", ".join(str(choice.epochs) for choice in chosen) or ABSENT)
            for score in _SCORES:
                cells.append(Summary.of(c.target and getattr(c.target, score) for c in chosen).percent())
        rows.append(Row(title, tuple(cells), strong=name == "last"))
    seeds = name_seeds(run.seed for own in known.values() for run in own)
    caption = f"Which epoch's network, in percent, {seeds}."
    return Table(caption, "chosen", columns, rows)
