from __future__ import annotations

import re

import pytest

from dien_lightning.experiments.reports.main_runs import select_main_runs
from dien_lightning.experiments.reports.page import MOST_BYTES
from dien_lightning.experiments.reports.records import read_run, read_runs
from dien_lightning.experiments.reports.table_page import passes_of, table_markdown, table_page
from experiments.reports.finished_runs import ROW_SETTINGS, write_record, write_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for number, row in enumerate(ROW_SETTINGS):
        for direction in ("day2night", "night2day"):
            for seed in (0, 1):
                control = 0.35 if row == "r01_base" else None
                write_record(folder, row, 0.2 + 0.05 * number, direction=direction, seed=seed, control=control)
    return select_main_runs(read_runs([folder])).runs


def test_the_page_has_every_table_and_figure(runs, tmp_path):
    images = tmp_path / "images"
    shown = {
        "Base": read_run(write_run(tmp_path / "base", "r01_base", 0.2, images=images)),
        "T = 3": read_run(write_run(tmp_path / "full", "r08_full_t3", 0.6, images=images)),
    }
    records = [
        write_record(tmp_path / str(weight), "r05_cccdtl_dc", 0.3, settings={"objective.center_weight": weight})
        for weight in (1, 5)
    ]
    html = table_page(runs, passes=passes_of(runs), shown=shown, sweeps={"lambda": read_runs(records)})
    for title in (
        "Table I: what each part adds",
        "The paper&#39;s order, and ours",
        "Gain in rank-1",
        "The command that repeats each row",
        "Rank-1 against T",
        "Fusion weights",
        "Each pass alone",
        "Ranked lists",
        "Domain loss",
        "Sweep lambda",
        "Table II as the paper prints it",
        "TJ-AIDL",
    ):
        assert title in html
    assert "Base + CCCDTL + DC + RTDA (T = 3); Base 20.0 ± 0.0, control 35.0 ± 0.0" in html
    assert "<dd>55.0 ± 0.0 %</dd>" in html  # the paper's T = 3, although T = 5 has 65.0
    # A single run says how it lies in its row.
    assert "(Base: r01_base_day2night_0, rank-1 20.0; its row has 20.0 ± 0.0; DIEN (T = 3): r08_full_t3_day" in html
    assert len(html.encode()) < MOST_BYTES
    assert not re.search(r'(src|href)="(?!data:|#)', html)
    anchors = re.findall(r'<a href="#([^"]+)"', html)
    assert len(anchors) == html.count("<h2")
    assert all(f'id="{anchor}"' in html for anchor in anchors)


def test_rows_without_attention_alone_make_a_page_without_figure_3(runs):
    without = [run for run in runs if run.row in ("r01_base", "r04_dc")]
    html = table_page(without, passes=passes_of(without))
    assert "Rank-1 against T" not in html
    assert "Gain in rank-1" in html


def test_the_markdown_has_our_tables_and_the_papers(runs):
    text = table_markdown(runs, ["Made by `x` from 40 runs."])
    assert text.startswith("# Table I: resnet18 from random weights\n\nMade by `x` from 40 runs.\n\nDC is the domain")
    assert text.count("\n|---") == 6
    assert "| SPGAN | 57.7 |" in text
    assert "`OMP_NUM_THREADS=1 python scripts/train.py -m experiment=table ablation=r09_full_t4" in text
