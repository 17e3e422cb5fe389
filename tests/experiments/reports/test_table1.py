"""Which runs make one Table I, and what it says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dien_lightning.experiments.keys import CONF
from dien_lightning.experiments.reports.table1 import CLAIMS, main_table, markdown, order_table, short_table
from dien_lightning.experiments.reports.table1_rows import SECOND_STAGE, TABLE_1, one_table
from dien_lightning.experiments.results import Results
from experiments.reports.finished_runs import write_record


def table(folder: Path) -> list[Results]:
    return one_table(Results.read_all([folder]))


# ---- one setting ----


def test_the_rows_are_those_of_conf():
    files = {path.stem for path in (CONF / "ablation").glob("*.yaml")}
    assert list(TABLE_1) == sorted(file for file in files if re.match(r"r\d\d_", file))
    assert files >= SECOND_STAGE.keys()


def test_runs_come_in_the_order_row_direction_seed(tmp_path):
    for row in ("r04_dc", "r01_base", "r06_full_t1"):
        for direction in ("night2day", "day2night"):
            for seed in (1, 0):
                write_record(tmp_path, row, 0.3, direction=direction, seed=seed)
    keys = [(run.row, run.direction, run.seed) for run in one_table(Results.read_all([tmp_path])[::-1])]
    assert len(keys) == 12
    assert keys == sorted(keys)


def test_what_changes_no_figure_makes_no_other_table(tmp_path):
    here = {"data.num_workers": 0, "trainer.accelerator": "cpu", "network.weights": "/here/resnet18.pth"}
    there = {"data.num_workers": 4, "trainer.accelerator": "gpu", "network.weights": "/there/resnet18.pth"}
    write_record(tmp_path, "r03_cccdtl", 0.3, changed=here)
    for row in ("r01_base", "r04_dc"):  # neither has a centre term or masks
        write_record(tmp_path, row, 0.4, changed={**there, "objective.center_weight": 1, "network.attention_stride": 1})
    write_record(tmp_path, "r06_full_t1", 0.4, direction="night2day", changed=there)
    assert len(table(tmp_path)) == 4


@pytest.mark.parametrize(
    ("row", "changed", "words"),
    [
        ("r04_dc", {"network.weights": "imagenet"}, "has network.weights=imagenet (not None), unlike"),
        ("r05_cccdtl_dc", {"objective.center_weight": 1}, "has objective.center_weight=1 (not 5.0), unlike"),
        ("r08_full_t3", {"network.attention_stride": 1}, "has network.attention_stride=1 (not 4), unlike"),
        ("r04_dc", {"data.root": "data/drawn1"}, "has data.root=data/drawn1 (not data), unlike"),
        ("r04_dc", {"data.target": "folder", "data.target_root": "mine"}, "(not pedestrians_night), data.target_root="),
        ("r03_cccdtl", {"trainer.max_epochs": 20}, "has trainer.max_epochs=20 (not 10), unlike"),
        (
            "r05_cccdtl_dc",
            {"network.attention_loops": 3},
            "says r05_cccdtl_dc but has network.attention_loops=3",
        ),
    ],
)
def test_a_run_of_another_setting_is_told_with_the_difference(row, changed, words, tmp_path):
    for own in ("r01_base", "r03_cccdtl", "r06_full_t1"):
        write_record(tmp_path, own, 0.3)
    path = write_record(tmp_path, row, 0.9, seed=1, changed=changed)
    with pytest.raises(ValueError, match=re.escape(words)) as error:
        table(tmp_path)
    assert str(error.value).startswith(str(path))


def test_two_pairs_differ_in_their_sets_alone(tmp_path):
    write_record(tmp_path, "r04_dc", 0.3)
    changed = {"data.target_root": "there", "data.target_batch_size": 12}
    write_record(tmp_path, "r04_dc", 0.3, direction="night2day", changed=changed)
    with pytest.raises(ValueError, match=r"night2day_0\.json has data\.target_batch_size=12 \(not 48\), unlike"):
        table(tmp_path)


@pytest.mark.parametrize("change", [{"average_precision": "trapezoid"}, {"precision": "bf16"}, {"num_queries": 99}])
def test_a_run_that_was_counted_otherwise_is_told(change, tmp_path):
    write_record(tmp_path, "r01_base", 0.4)
    path = write_record(tmp_path, "r04_dc", 0.4)
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"protocol": content["protocol"] | change}))
    ((name, value),) = change.items()
    with pytest.raises(ValueError, match=rf"r04_dc_day2night_0\.json has protocol\.{name}={value} \(not "):
        table(tmp_path)


def test_what_is_no_run_of_the_table_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"there are no runs; `dien table` trains them"):
        one_table([])
    write_record(tmp_path / "a", "r01_base", 0.3)
    write_record(tmp_path / "b", "r01_base", 0.4)
    with pytest.raises(ValueError, match=r"are both r01_base_day2night_0: leave one out"):
        one_table(Results.read_all([tmp_path / "a", tmp_path / "b"]))
    path = write_record(tmp_path / "c", "r04_dc", 0.3)
    path.write_text(path.read_text().replace('"row": "r04_dc"', '"row": null'))
    with pytest.raises(ValueError, match=r"is of row=null, which is none of Table I's"):
        table(tmp_path / "c")


# ---- what it says ----


@pytest.fixture
def runs(tmp_path) -> list[Results]:
    """Base and DC, two seeds day to night, one seed night to day; DC of seed 2 has no Base beside it."""
    for seed, (base, control, dc) in enumerate([(0.2, 0.4, 0.5), (0.3, 0.4, 0.7)]):
        write_record(tmp_path, "r01_base", base, seed=seed, control=control)
        write_record(tmp_path, "r04_dc", dc, seed=seed)
    write_record(tmp_path, "r04_dc", 0.6, seed=2)
    write_record(tmp_path, "r01_base", 0.25, direction="night2day", control=0.35)
    write_record(tmp_path, "r04_dc", 0.45, direction="night2day")
    return table(tmp_path)


def cells(table, label):
    (row,) = [row for row in table.rows if row.label.partition(",")[0] == label]
    return dict(zip([(column.group, column.label) for column in table.columns], row.cells, strict=True))


def test_rows_have_mean_and_spread_worked_by_hand_and_the_papers_figures(runs):
    table = main_table(runs)
    # DC day to night: 0.5, 0.7, 0.6: mean 0.6, sample standard deviation 0.1; mAP is half of it
    dc = cells(table, "Base + DC")
    assert dc["day → night", "Rank-1"] == "60.0 ± 10.0"
    assert dc["day → night", "mAP"] == "30.0 ± 5.0"
    assert dc["night → day", "Rank-1"] == "45.0"
    assert dc["paper, Duke → Market", "Rank-1"] == "51.2"
    assert dc["paper, Market → Duke", "mAP"] == "21.8"
    assert cells(table, "Base + target statistics")["day → night", "Rank-1"] == "40.0 ± 0.0"
    assert cells(table, "Base + CCCDTL")["day → night", "Rank-1"] == "–"
    assert len(table.rows) == 11
    short = short_table(runs)
    assert [column.label for column in short.columns] == ["Rank-1", "mAP"] * 2
    assert cells(short, "Base + DC")["night → day", "mAP"] == "22.5"


def test_a_row_that_lacks_seeds_says_which_it_has(runs):
    assert [row.label for row in main_table(runs).rows][:5] == [
        "Base, day → night seeds 0, 1; night → day seed 0",
        "Base + target statistics, day → night seeds 0, 1; night → day seed 0",
        "Base + TL[8]",
        "Base + CCCDTL",
        "Base + DC, day → night seeds 0, 1, 2; night → day seed 0",
    ]
    alone = [run for run in runs if (run.row, run.seed) != ("r01_base", 1)]
    assert main_table(alone).rows[0].label == "Base, seed 0"


def test_the_papers_order_stands_beside_ours(tmp_path):
    for seed, (base, control, exemplar, dc) in enumerate([(0.2, 0.4, 0.35, 0.6), (0.3, 0.5, 0.45, 0.58)]):
        write_record(tmp_path, "r01_base", base, seed=seed, control=control)
        write_record(tmp_path, "r02_exemplar", exemplar, seed=seed)
        write_record(tmp_path, "r04_dc", dc, seed=seed)
        write_record(tmp_path, "r05_cccdtl_dc", 0.5, seed=seed)
    write_record(tmp_path, "r06_full_t1", 0.7)
    order = {row.label: row.cells for row in order_table(table(tmp_path)).rows}
    # Base 25 ± 7.1, control 45 ± 7.1, TL[8] 40 ± 7.1, DC 59 ± 1.4; mAP is half of each. The paper: 49.9 - 45.1, ...
    assert order["Base + TL[8] above Base"] == ("+15.0 yes", "+7.5 yes", "+4.8", "+3.1", "+4.1", "+4.1")
    assert order["Base + TL[8] above the control"][:3] == ("-5.0 within", "-2.5 within", "–")
    assert order["Base + DC above the control"][:2] == ("+14.0 yes", "+7.0 yes")
    assert order["Base + CCCDTL + DC above Base + DC"][0] == "-9.0 no"
    assert order["DIEN (T = 1) above Base + CCCDTL + DC"][0] == "+20.0"  # one seed has no verdict
    assert len(order) == 7  # rows that have not been run are in no claim


def test_the_claims_are_the_papers():
    printed = {row: method.published for row, method in TABLE_1.items()}

    def against(direction: int, figure: str) -> set[tuple[str, str]]:
        return {
            (one, other)
            for one, other in CLAIMS
            if getattr(printed[one][direction], figure) <= getattr(printed[other][direction], figure)
        }

    assert against(0, "rank1") == against(1, "rank1") == against(1, "mAP") == set()
    assert against(0, "mAP") == {("r06_full_t1", "r05_cccdtl_dc")}
    assert printed["r08_full_t3"][0] == (58.7, 27.1)
    assert printed["r10_full_t5"][1] == (44.1, 24.0)


def test_the_markdown_says_what_it_is_made_from(runs):
    text = markdown(runs, "dien report x")
    start = (
        "# Table I: resnet18 from random weights, 500 steps\n\nMade by `dien report x` from 7 runs.\n\nDC is the domain"
    )
    assert text.startswith(start)
    assert text.count("\n|---") == 2
