"""What Table II and self-training's table share: one setting a row, the entries of NAME.json, and NAME.md."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dien_lightning.experiments.files import write_json, write_text
from dien_lightning.experiments.reports.differences import Entry
from dien_lightning.experiments.reports.tables import Table, to_markdown
from dien_lightning.experiments.results import FIGURES, Results
from dien_lightning.experiments.settings import SEED, but_for_pair, difference

_PRECISION = "protocol.precision"
_OF_A_ROW = (  # what may differ between runs of one row, beside the pair
    *(*SEED, "data.root", "data.attributes", "network.path", "rounds.seed"),
    *("protocol.num_", "protocol.statistics", _PRECISION),
)
VERDICTS = (
    "“yes”: more by more than the larger of the two rows' standard deviations; “no”: less by more than that; “within”: "
    "neither."
)


def check_rows(runs: Sequence[Results]) -> dict[str, Results]:
    """One run of each row.

    Raises:
        ValueError: two runs of one row differ in more than pair, seed and precision.
    """
    like: dict[str, Results] = {}
    for run in runs:
        first = like.setdefault(run.row, run)
        if found := difference_in_row(run.conditions, first.conditions):
            raise ValueError(f"{run.path} has {found}, unlike {first.path}: one row holds one setting.")
    return like


def difference_in_row(had: Mapping[str, Any], asked: Mapping[str, Any], *, in_precision: bool = False) -> str:
    """As `settings.difference`, of what two runs of one row may not differ in; `in_precision` counts that in, too."""
    ignoring = [name for name in _OF_A_ROW if name != _PRECISION or not in_precision]
    return difference(but_for_pair(had), but_for_pair(asked), ignoring)


def entry_of(run: Results, row: str, figures: Mapping[str, float]) -> Entry:
    """A run's row, pair, seed and precision, these figures, and its seconds."""
    own = {"row": row, "direction": run.direction, "seed": run.seed, "precision": run.protocol.get("precision")}
    return own | {name: figures[name] for name in FIGURES if name in figures} | {"seconds": run.seconds}


def write_collected(
    path: Path, title: str, words: Sequence[str], runs: Sequence[Results], entries: Sequence[Entry], *parts: str | Table
) -> None:
    """Leave PATH.json and PATH.md.

    Args:
        path: without the ending.
        title: of the page.
        words: that dien table was given.
        runs: that were collected.
        entries: of the runs, and of those they began with.
        *parts: of the page, after what it was made by.
    """
    command = shlex.join(["dien", "table", *words])
    settings = {row: run.settings for row, run in check_rows(runs).items()}
    write_json(path.with_name(f"{path.name}.json"), {"runs": entries, "command": command, "settings": settings})
    made = f"`{command}` collected this from all {len(runs)} records; each says what made it."
    page = [f"# {title}", made, *(part if isinstance(part, str) else to_markdown(part) for part in parts)]
    write_text(path.with_name(f"{path.name}.md"), "\n\n".join(page) + "\n")
