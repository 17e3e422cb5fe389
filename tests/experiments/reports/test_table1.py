from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dien_lightning.experiments.reports.commands import commands_table
from dien_lightning.experiments.reports.main_runs import select_main_runs
from dien_lightning.experiments.reports.published import TABLE_1, TABLE_2
from dien_lightning.experiments.reports.records import read_runs
from dien_lightning.experiments.reports.table1 import (
    gains_table,
    main_table,
    published_tables,
    short_table,
    table1_json,
)
from experiments.reports.finished_runs import write_record


@pytest.fixture
def runs(tmp_path):
    """Base and DC, two seeds day to night, one seed night to day; DC of seed 2 has no Base beside it."""
    for seed, (base, control, dc) in enumerate([(0.2, 0.4, 0.5), (0.3, 0.4, 0.7)]):
        write_record(tmp_path, "r01_base", base, seed=seed, control=control)
        write_record(tmp_path, "r04_dc", dc, seed=seed)
    write_record(tmp_path, "r04_dc", 0.6, seed=2)
    write_record(tmp_path, "r01_base", 0.25, direction="night2day", control=0.35)
    write_record(tmp_path, "r04_dc", 0.45, direction="night2day")
    return select_main_runs(read_runs([tmp_path])).runs


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


def test_a_row_that_lacks_seeds_says_which_it_has(runs):
    assert [row.label for row in main_table(runs).rows][:6] == [
        "Base, day → night seeds 0, 1; night → day seed 0",
        "Base + target statistics, day → night seeds 0, 1; night → day seed 0",
        "Base + TL[8]",
        "Base + CCCDTL",
        "Base + DC, day → night seeds 0, 1, 2; night → day seed 0",
        "Base + CCCDTL + DC",
    ]
    alone = [run for run in runs if (run.row, run.seed) != ("r01_base", 1)]
    assert gains_table(alone).rows[0].label == "Base, seed 0"
    assert gains_table(alone).rows[3].label == "Base + DC, seed 0"  # no Base to compare the other seeds with
    assert gains_table([run for run in alone if run.seed == 0]).rows[0].label == "Base"


def test_gains_are_differences_seed_by_seed(runs):
    dc = cells(gains_table(runs), "Base + DC")
    # 0.5 - 0.2 and 0.7 - 0.3: mean 0.35, spread 0.0707; over the control 0.1 and 0.3: mean 0.2, spread 0.1414
    assert dc["day → night", "over Base"] == "+35.0 ± 7.1"
    assert dc["day → night", "over control"] == "+20.0 ± 14.1"
    assert dc["night → day", "over control"] == "+10.0"
    assert dc["paper, Duke → Market", "over Base"] == "+6.1"
    base = cells(gains_table(runs), "Base")
    assert base["day → night", "over Base"] == "–"
    assert base["day → night", "over control"] == "-15.0 ± 7.1"


def test_the_terminals_table_is_rank1_and_map_alone(runs):
    table = short_table(runs)
    assert [column.label for column in table.columns] == ["Rank-1", "mAP"] * 2
    assert cells(table, "Base + DC")["night → day", "mAP"] == "22.5"


def test_each_row_has_the_one_command_that_repeats_it(runs):
    rows = {row.label: row.cells[0] for row in commands_table(runs).rows}
    assert rows["Base"] == (
        "OMP_NUM_THREADS=1 python scripts/train.py -m experiment=table ablation=r01_base data=day2night,night2day "
        "seed=0,1 run_dir=outputs/again"
    )
    assert "seed=0,1,2" in rows["Base + DC"]
    assert rows["Base + CCCDTL"] == "–"


def test_a_pair_without_a_file_in_conf_has_the_sets_of_each_direction_in_its_command(runs):
    def command(source, target):
        return f"python scripts/train.py experiment=table data=pair data.source={source} data.target={target} seed=0"

    there = replace(runs[0], direction="cuhk03_to_msmt17", command=command("cuhk03", "msmt17"))
    back = replace(runs[0], direction="msmt17_to_cuhk03", command=command("msmt17", "cuhk03"))
    rows = {row.label: row.cells[0] for row in commands_table([there, back]).rows}
    assert rows["Base, cuhk03 → msmt17"] == (
        "OMP_NUM_THREADS=1 python scripts/train.py -m experiment=table data.source=cuhk03 data.target=msmt17 "
        "ablation=r01_base data=pair seed=0 run_dir=outputs/again"
    )
    assert "data.source=msmt17 data.target=cuhk03" in rows["Base, msmt17 → cuhk03"]
    # The pair of the experiment itself is named by nothing.
    own = replace(runs[0], command="python scripts/train.py experiment=table ablation=r01_base seed=0")
    assert " data=" not in commands_table([own]).rows[0].cells[0]


def test_the_json_has_every_run_as_fractions(runs):
    content = json.loads(json.dumps(table1_json(runs, "python scripts/report.py"), allow_nan=False))
    assert set(content) == {"runs", "command", "settings"}
    first = content["runs"][0]
    assert (first["row"], first["direction"], first["seed"], first["rank1"]) == ("r01_base", "day2night", 0, 0.2)
    assert first["rank1_target_statistics"] == 0.4
    adapted = replace(runs[-1], protocol={"statistics": {"target": "target"}})
    (entry,) = table1_json([adapted], "x")["runs"]
    assert entry["rank1_target_statistics"] == entry["rank1"]
    assert {"rank5", "rank10", "mAP"} <= set(first)
    assert len(content["runs"]) == 7
    assert content["settings"]["network.backbone"] == "resnet18"
    assert "data.source" not in content["settings"]


def test_the_papers_figures_are_those_it_prints():
    assert TABLE_1["r08_full_t3"].duke_to_market == (58.7, 75.4, 81.9, 27.1)
    assert TABLE_1["r10_full_t5"].market_to_duke == (44.1, 61.9, 67.8, 24.0)
    assert [row.label for row in TABLE_2] == ["UMDL", "PUL", "SPGAN", "TJ-AIDL", "DIEN (T = 3)"]
    assert TABLE_2[-1][1:] == TABLE_1["r08_full_t3"][1:]
    first, second = published_tables()
    assert [len(first.rows), len(second.rows)] == [10, 5]
    assert second.rows[2].cells[:4] == ("57.7", "75.8", "82.4", "26.7")
