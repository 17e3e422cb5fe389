from __future__ import annotations

import io

from rich.console import Console

from dien_lightning.experiments.reports.tables import ABSENT, Column, Row, Summary, Table, to_markdown, to_rich

TABLE = Table(
    "Two runs.",
    "run",
    [Column("Rank-1", "night"), Column("mAP", "night"), Column("mAP", "day")],
    [Row("Base", ("24.6", "19.3", "60.0")), Row("DIEN", ("70.0", "56.0", ABSENT), strong=True)],
)


def test_mean_and_spread_are_those_worked_by_hand():
    # 0.1, 0.2, 0.6: mean 0.3; squares of the differences 0.04 + 0.01 + 0.09 = 0.14, / 2 = 0.07, root 0.26458
    summary = Summary.of([0.1, None, 0.2, 0.6])
    assert summary.percent() == "30.0 ± 26.5"
    assert summary.runs == 3


def test_one_run_has_no_spread_and_none_no_figure():
    assert Summary.of([0.587]).percent() == "58.7"
    assert Summary.of([None]).percent() == ABSENT


def test_markdown_has_every_cell_and_names_a_group_once():
    lines = to_markdown(TABLE).splitlines()
    assert lines[2] == "| run | night: Rank-1 | mAP | day: mAP |"
    assert lines[4] == "| Base | 24.6 | 19.3 | 60.0 |"
    assert lines[5] == "| **DIEN** | **70.0** | **56.0** | **–** |"


def test_the_terminals_table_has_every_cell():
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(to_rich(TABLE))
    text = console.export_text()
    for row in TABLE.rows:
        assert all(cell in text for cell in (row.label, *row.cells))
