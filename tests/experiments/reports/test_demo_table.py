from __future__ import annotations

from dien_lightning.experiments.reports.demo_table import demo_table
from dien_lightning.experiments.reports.records import read_run
from experiments.reports.finished_runs import write_record


def test_three_rows_with_mean_and_spread_over_the_seeds(tmp_path):
    base = [
        read_run(write_record(tmp_path, "r01_base", rank1, control=rank1 + 0.2, seed=seed))
        for seed, rank1 in enumerate((0.2, 0.3))
    ]
    dien = [read_run(write_record(tmp_path, "r07_full_t2", 0.6, seed=seed)) for seed in (0, 1)]
    table = demo_table(base, dien)
    assert [row.label for row in table.rows] == ["Base", "Base + target statistics", "DIEN (T = 2)"]
    # spread of 0.2 and 0.3: root of 2 * 0.05 ** 2 = 0.0707; mAP is half of rank-1, mINP a quarter
    assert table.rows[0].cells == (
        "25.0 ± 7.1",
        "40.0 ± 7.1",
        "45.0 ± 7.1",
        "12.5 ± 3.5",
        "6.2 ± 1.8",
        "80.0 ± 0.0",
        "40.0 ± 0.0",
    )
    assert table.rows[1].cells[0] == "45.0 ± 7.1"
    assert table.rows[2].strong
    assert "seeds 0, 1" in table.caption
    assert table.groups() == [("Target", 5), ("Held-out source", 2)]
