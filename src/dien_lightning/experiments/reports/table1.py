"""Table I: our runs in the paper's layout beside the paper's figures, and the paper's order of the rows beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from dien_lightning.checks import amount
from dien_lightning.experiments.reports.differences import SHORT, difference_table
from dien_lightning.experiments.reports.table1_rows import (
    BASE,
    CONTROL,
    PAPER_DIRECTIONS,
    TABLE_1,
    direction_label,
    directions_of,
    row_label,
)
from dien_lightning.experiments.reports.tables import ABSENT, Column, Row, Summary, Table, name_seeds, to_markdown
from dien_lightning.experiments.results import FIGURES, Results

CLAIMS = (  # of each two rows the paper has the first above the second, in rank-1
    ("r02_exemplar", BASE),
    ("r03_cccdtl", "r02_exemplar"),
    ("r04_dc", BASE),
    ("r05_cccdtl_dc", "r03_cccdtl"),
    ("r05_cccdtl_dc", "r04_dc"),
    ("r06_full_t1", "r05_cccdtl_dc"),
    ("r07_full_t2", "r06_full_t1"),
    ("r08_full_t3", "r07_full_t2"),
    ("r08_full_t3", "r09_full_t4"),
    ("r09_full_t4", "r10_full_t5"),
)
_OVER_CONTROL = ("r02_exemplar", "r03_cccdtl", "r04_dc", "r05_cccdtl_dc")
GLOSSARY = (
    f"DC is the domain classifier with reversed gradient; CCCDTL the triplet loss over both domains with a centre "
    f"term; TL[8] the triplet loss of the paper's reference 8, in which each target image is a person of its own; RTDA "
    f"the recurrent top-down attention, T passes after the first. “{CONTROL}” is the control: Base, its batch-norm "
    f"statistics gathered on the target's training images, no adaptation loss."
)


def figure_of(runs: Sequence[Results], row: str, direction: str, figure: str) -> Summary:
    """Mean and spread over the seeds of a row's figure on the target; of the control's, where `row` is `CONTROL`."""
    where = "target_with_target_statistics" if row == CONTROL else "target"
    own = BASE if row == CONTROL else row
    return Summary.over((run for run in runs if (run.row, run.direction) == (own, direction)), f"{where}.{figure}")


def main_table(runs: Sequence[Results]) -> Table:
    """Our rows in the paper's layout, rank-1 and mAP of the paper beside them; percent, mean and spread over seeds."""
    directions, shown = directions_of(runs), [name for name in FIGURES if name != "mINP"]
    columns = [Column(FIGURES[name], direction_label(d)) for d in directions for name in shown]
    columns += [Column(FIGURES[name], f"paper, {d}") for d in PAPER_DIRECTIONS for name in SHORT]
    rows = []
    for row in (BASE, CONTROL, *list(TABLE_1)[1:]):
        cells = [figure_of(runs, row, d, name).percent() for d in directions for name in shown]
        published = TABLE_1[row].published if row in TABLE_1 else ()
        cells += [f"{value:.1f}" for pair in published for value in pair] or [ABSENT] * 4
        rows.append(Row(_label(runs, row), tuple(cells)))
    seeds = name_seeds(runs, "mean ± sample standard deviation over ")
    caption = f"Table I on our pair, in percent, {seeds}; beside it the paper's figures on its own pair."
    return Table(caption, "Configuration", columns, rows)


def short_table(runs: Sequence[Results]) -> Table:
    """Our rows' rank-1 and mAP alone: narrow enough for a terminal."""
    whole = main_table(runs)
    kept = [
        place
        for place, column in enumerate(whole.columns)
        if column.label in ("Rank-1", "mAP") and not column.group.startswith("paper")
    ]
    columns = [whole.columns[place] for place in kept]
    return whole._replace(
        columns=columns, rows=[row._replace(cells=tuple(row.cells[place] for place in kept)) for row in whole.rows]
    )


def order_table(runs: Sequence[Results]) -> Table:
    """For each two rows that the paper orders, and for each row and the control: the difference here, and there.

    Pairs of which not both have been run are left out.

    Returns:
        Differences of the means in points, each with what it says: `yes`, `no`, or `within` the spread.
    """
    claims = [*CLAIMS, *((row, CONTROL) for row in _OVER_CONTROL)]
    labels = {row: row_label(row) for row in TABLE_1} | {CONTROL: "the control"}
    published = {row: method.published for row, method in TABLE_1.items()}
    caption = (
        "The paper's order, and ours: differences of the means in points. “yes”: more by more than the larger of the "
        "two rows' standard deviations; “no”: less by more than that; “within”: neither. With few seeds that is a rule "
        "of thumb, no test; with one there is no spread to compare with. The claims are the paper's, whose mAP agrees "
        "but for T = 1, Duke → Market; those over the control are ours."
    )
    return difference_table(caption, claims, labels, directions_of(runs), partial(figure_of, runs), published=published)


def subject(runs: Sequence[Results]) -> str:
    """Such as: resnet18 from random weights, 500 steps."""
    weights = runs[-1].setting("network.weights")
    start = "random weights" if weights is None else Path(weights).name + (" weights" if weights == "imagenet" else "")
    steps = f", {runs[-1].steps} steps" if runs[-1].steps else ""
    return f"{runs[-1].setting('network.backbone', 'DIEN')} from {start}{steps}"


def markdown(runs: Sequence[Results], command: str) -> str:
    """What `results/table1.md` holds."""
    made = f"Made by `{command}` from {amount(len(runs), 'run')}."
    tables = map(to_markdown, (main_table(runs), order_table(runs)))
    return "\n\n".join([f"# Table I: {subject(runs)}", made, GLOSSARY, *tables]) + "\n"


def _label(runs: Sequence[Results], row: str) -> str:
    """The row's name, with its seeds where it lacks some that others have: in each direction, if they differ."""
    label = TABLE_1[row].label if row in TABLE_1 else row
    of_row = [run for run in runs if run.row == (BASE if row == CONTROL else row)]
    own = {d: name_seeds(run for run in of_row if run.direction == d) for d in directions_of(runs)}
    if not of_row or set(own.values()) == {name_seeds(runs)}:
        return label
    if len(set(own.values())) == 1:
        return f"{label}, {name_seeds(of_row)}"
    return f"{label}, {'; '.join(f'{direction_label(d)} {seeds}' for d, seeds in own.items())}"
