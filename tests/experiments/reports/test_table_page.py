from __future__ import annotations

import re

from dien_lightning.experiments.reports.page import MOST_BYTES
from dien_lightning.experiments.reports.table1_rows import TABLE_1, one_table
from dien_lightning.experiments.reports.table_page import figure_3_of, table_page
from dien_lightning.experiments.results import Results
from experiments.reports.finished_runs import write_record, write_run


def test_the_page_has_every_table_and_figure(tmp_path):
    for number, row in enumerate(TABLE_1):
        for direction in ("day2night", "night2day"):
            for seed in (0, 1):
                control = 0.35 if row == "r01_base" else None
                write_record(tmp_path, row, 0.2 + 0.05 * number, direction=direction, seed=seed, control=control)
    runs = one_table(Results.read_all([tmp_path]))
    images = tmp_path / "images"
    pictured = {
        "Base": Results.read(write_run(tmp_path / "base", "r01_base", 0.2, images=images)),
        "T = 3": Results.read(write_run(tmp_path / "full", "r08_full_t3", 0.6, images=images)),
    }
    records = [
        write_record(tmp_path / str(weight), "r05_cccdtl_dc", 0.3, changed={"objective.center_weight": weight})
        for weight in (1, 5)
    ]
    sweeps = {"lambda": Results.read_all(records)}
    html = table_page(runs, passes=figure_3_of(runs), pictured=pictured, sweeps=sweeps)
    for title in (
        "Table I: what each part adds",
        "The paper&#39;s order, and ours",
        "Rank-1 against T",
        "Fusion weights",
        "Each pass alone",
        "Ranked lists",
        "Domain loss",
        "Sweep lambda",
    ):
        assert title in html
    # A single run says how it lies in its row.
    assert "(Base: r01_base_day2night_0, rank-1 20.0; its row has 20.0 ± 0.0; T = 3: r08_full_t3_day" in html
    assert len(html.encode()) < MOST_BYTES
    assert not re.search(r'(src|href)="(?!data:|#)', html)
    anchors = re.findall(r'<a href="#([^"]+)"', html)
    assert len(anchors) == html.count("<h2")
    assert all(f'id="{anchor}"' in html for anchor in anchors)


def test_rows_without_attention_alone_make_a_page_without_figure_3(tmp_path):
    for row in ("r01_base", "r04_dc"):
        write_record(tmp_path, row, 0.3)
    runs = one_table(Results.read_all([tmp_path]))
    html = table_page(runs, passes=figure_3_of(runs))
    assert "Rank-1 against T" not in html
    assert "Table I on our pair" in html
