from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from dien_lightning.experiments.reports.main_runs import ROWS, RowSettings, select_main_runs, shared_settings
from dien_lightning.experiments.reports.published import TABLE_1
from dien_lightning.experiments.reports.records import read_run, read_runs
from dien_lightning.experiments.settings import difference
from experiments.reports.finished_runs import write_record

ABLATIONS = Path(__file__).parents[3] / "conf" / "ablation"


def test_the_rows_are_those_of_conf_and_of_the_paper():
    assert list(ROWS) == list(TABLE_1) == sorted(path.stem for path in ABLATIONS.glob("*.yaml"))


@pytest.mark.parametrize("row", ROWS)
def test_a_rows_settings_are_those_of_its_file(row):
    delta = yaml.safe_load((ABLATIONS / f"{row}.yaml").read_text())
    objective = delta.get("objective", {})
    triplet = None if objective.get("triplet_weight") == 0 else objective.get("triplet")
    assert delta["row"] == row
    assert ROWS[row] == RowSettings(delta["network"]["attention_loops"], triplet, "domain_weight" not in objective)


def write_all(folder, seeds=(0, 1, 2)):
    for number, row in enumerate(ROWS):
        for direction in ("day2night", "night2day"):
            for seed in seeds:
                write_record(folder, row, 0.3 + 0.01 * number, direction=direction, seed=seed)


def test_sixty_runs_are_kept_in_order(tmp_path):
    write_all(tmp_path)
    main = select_main_runs(read_runs([tmp_path])[::-1])
    assert len(main.runs) == 60
    assert main.left_out == []
    keys = [(run.row, run.direction, run.seed) for run in main.runs]
    assert keys == sorted(keys)


def test_sweeps_pretrained_runs_and_other_runs_never_mix_in(tmp_path):
    write_all(tmp_path / "runs")
    pretrained = write_record(tmp_path / "a", "r01_base", 0.9, seed=7, settings={"network.weights": "imagenet"})
    sweep = write_record(tmp_path / "b", "r05_cccdtl_dc", 0.9, seed=8, settings={"objective.center_weight": 5.0})
    deeper = write_record(tmp_path / "c", "r05_cccdtl_dc", 0.9, seed=9, settings={"network.attention_loops": 3})
    free = write_record(tmp_path / "d", "r05_cccdtl_dc", 0.9)
    free.write_text(free.read_text().replace('"row": "r05_cccdtl_dc"', '"row": null'))
    main = select_main_runs([*read_runs([tmp_path / "runs"]), *map(read_run, (pretrained, sweep, deeper, free))])
    assert len(main.runs) == 60
    assert all(run.target.rank1 < 0.9 for run in main.runs)
    for words in (
        "it has network.weights=imagenet (not None), unlike the others",
        "objective.center_weight=5.0 (not 1.0)",
        "says r05_cccdtl_dc but was trained with attention_loops=3 (not 0)",
        "row=null is not one of Table I's",
    ):
        assert sum(words in sentence for sentence in main.left_out) == 1, words


def test_files_and_machines_make_no_other_setting(tmp_path):
    here = {"data.num_workers": 0, "trainer.accelerator": "cpu", "network.weights": "/here/resnet18.pth"}
    there = {"data.num_workers": 4, "trainer.accelerator": "gpu", "network.weights": "/there/resnet18.pth"}
    one = write_record(tmp_path, "r01_base", 0.3, settings=here)
    other = write_record(tmp_path, "r04_dc", 0.4, settings=there)
    runs = [read_run(one), read_run(other)]
    assert len(select_main_runs(runs).runs) == 2
    assert shared_settings(runs[0]) == shared_settings(runs[1])


def test_the_centre_terms_settings_are_asked_of_the_rows_that_have_one(tmp_path):
    for row, weight in (("r01_base", 5), ("r02_exemplar", 5), ("r04_dc", 5), ("r03_cccdtl", 1), ("r05_cccdtl_dc", 1)):
        write_record(tmp_path, row, 0.3, settings={"objective.center_weight": weight})
    write_record(tmp_path, "r03_cccdtl", 0.3, seed=1, settings={"objective.center_weight": 5})
    main = select_main_runs(read_runs([tmp_path]))
    assert [run.row for run in main.runs] == ["r01_base", "r02_exemplar", "r03_cccdtl", "r04_dc", "r05_cccdtl_dc"]
    assert "r03_cccdtl_day2night_1.json is left out: it has objective.center_weight=5 (not 1)" in main.left_out[0]
    other = {"objective": {"center_weight": 1, "triplet": "cross_domain", "triplet_weight": 1}}
    plain = {"objective": {"center_weight": 5, "triplet": "exemplar", "triplet_weight": 1}}
    assert "objective.center_weight=5 (not 1)" in difference(plain, other)
    assert difference(plain, {"objective": {**plain["objective"], "center_weight": 1}}) == ""


def test_people_drawn_into_another_folder_are_another_pair(tmp_path):
    for row in ("r01_base", "r04_dc", "r05_cccdtl_dc"):
        folder = "data/drawn1" if row == "r05_cccdtl_dc" else "data"
        write_record(tmp_path, row, 0.4, settings={"data.root": folder})
    main = select_main_runs(read_runs([tmp_path]))
    assert [run.row for run in main.runs] == ["r01_base", "r04_dc"]
    assert "it has data.root=data/drawn1 (not data), unlike the others" in main.left_out[0]


def test_another_folder_of_ones_own_images_is_another_pair(tmp_path):
    for row, folder in (("r01_base", "mine"), ("r04_dc", "mine"), ("r05_cccdtl_dc", "yours")):
        write_record(tmp_path, row, 0.4, settings={"data.target": "folder", "data.target_root": folder})
    main = select_main_runs(read_runs([tmp_path]))
    assert [run.row for run in main.runs] == ["r01_base", "r04_dc"]
    assert "data.target_root=yours (not mine)" in main.left_out[0]


def test_what_an_older_record_does_not_say_is_no_difference(tmp_path):
    write_record(tmp_path, "r01_base", 0.3)
    write_record(tmp_path, "r04_dc", 0.4, settings={"network.new_option": 3})
    assert len(select_main_runs(read_runs([tmp_path])).runs) == 2


def test_what_older_records_do_not_say_is_asked_of_the_others(tmp_path):
    write_record(tmp_path, "r01_base", 0.3)
    for seed, value in enumerate((3, 3.0, 4)):
        write_record(tmp_path, "r04_dc", 0.4, seed=seed, settings={"network.new_option": value})
    main = select_main_runs(read_runs([tmp_path]))
    assert [(run.row, run.seed) for run in main.runs] == [("r01_base", 0), ("r04_dc", 0), ("r04_dc", 1)]
    assert "r04_dc_day2night_2.json is left out: it has network.new_option=4 (not 3)" in main.left_out[0]


def test_a_run_that_was_resumed_with_other_settings_is_no_row(tmp_path):
    write_record(tmp_path, "r01_base", 0.3)
    path = write_record(tmp_path, "r04_dc", 0.4)
    path.write_text(json.dumps({**json.loads(path.read_text()), "changes": ["optim.momentum 0.9 -> 0.5"]}))
    main = select_main_runs(read_runs([tmp_path]))
    assert [run.row for run in main.runs] == ["r01_base"]
    assert main.left_out == [f"{path} is left out: it was resumed with other settings: optim.momentum 0.9 -> 0.5."]


def test_real_images_in_another_folder_are_the_same_pair(tmp_path):
    pair = {"data.source": "market1501", "data.target": "dukemtmcreid"}
    for row, folder in (("r01_base", "/datasets"), ("r04_dc", "/mnt/datasets")):
        write_record(tmp_path, row, 0.4, direction="market2duke", settings={**pair, "data.root": folder})
    assert len(select_main_runs(read_runs([tmp_path])).runs) == 2


@pytest.mark.parametrize(
    "change", [{"average_precision": "trapezoid"}, {"precision": "bf16-mixed"}, {"num_queries": 99}]
)
def test_runs_that_were_counted_otherwise_stay_out(tmp_path, change):
    for row in ("r01_base", "r04_dc", "r05_cccdtl_dc"):
        path = write_record(tmp_path, row, 0.4)
        if row == "r04_dc":
            content = json.loads(path.read_text())
            content["protocol"] |= change
            path.write_text(json.dumps(content))
    main = select_main_runs(read_runs([tmp_path]))
    assert [run.row for run in main.runs] == ["r01_base", "r05_cccdtl_dc"]
    ((name, value),) = change.items()
    assert f"it has protocol.{name}={value} (not " in main.left_out[0]


def test_how_a_run_differs_from_what_is_asked_for(tmp_path):
    run = read_run(write_record(tmp_path, "r04_dc", 0.4, settings={"data.root": "data", "data.num_workers": 4}))
    same = {"data": {"num_ids": 12, "num_workers": 0, "root": "data"}, "network": {"attention_stride": 4}}
    assert difference(run.settings, same) == ""
    other = {"data": {"num_ids": 16, "source": "pedestrians_day", "root": "data/drawn1"}}
    assert difference(run.settings, other) == "data.num_ids=12 (not 16), data.root=data (not data/drawn1)"


def test_the_attentions_settings_are_asked_of_the_rows_that_have_one(tmp_path):
    write_record(tmp_path, "r01_base", 0.3)
    write_record(tmp_path, "r05_cccdtl_dc", 0.4)
    coarse = {"network.attention_stride": 4}
    write_record(tmp_path, "r06_full_t1", 0.5, settings=coarse)
    write_record(tmp_path, "r07_full_t2", 0.5, settings=coarse)
    write_record(tmp_path, "r08_full_t3", 0.5, settings={"network.attention_stride": 1})
    main = select_main_runs(read_runs([tmp_path]))
    assert [run.row for run in main.runs] == ["r01_base", "r05_cccdtl_dc", "r06_full_t1", "r07_full_t2"]
    assert "r08_full_t3_day2night_0.json" in main.left_out[0]
    assert "it has network.attention_stride=1 (not 4), unlike the others" in main.left_out[0]
    assert shared_settings(main.runs[-1])["network.attention_stride"] == 4
    assert "network.attention_stride" not in shared_settings(main.runs[0])


def test_what_cannot_be_one_table_is_told(tmp_path):
    one = read_run(write_record(tmp_path / "a", "r01_base", 0.3))
    again = read_run(write_record(tmp_path / "b", "r01_base", 0.4))
    other = read_run(write_record(tmp_path / "c", "r04_dc", 0.3, settings={"network.backbone": "resnet50"}))
    with pytest.raises(ValueError, match=r"are both r01_base, day2night, seed 0: leave one out"):
        select_main_runs([one, again])
    with pytest.raises(ValueError, match=r"as many runs have network.backbone=.* one table holds one setting"):
        select_main_runs([one, other])
    with pytest.raises(ValueError, match=r"none of the runs is one of Table I's rows; `make table`"):
        select_main_runs([])


def test_a_direction_is_of_one_pair_of_data_sets(tmp_path):
    pair = {"data.source": "pedestrians_day", "data.target": "pedestrians_night"}
    for seed in (0, 1):
        write_record(tmp_path, "r04_dc", 0.5, seed=seed, settings=pair)
    write_record(tmp_path, "r04_dc", 0.5, direction="night2day", settings={"data.source": "pedestrians_night"})
    write_record(tmp_path, "r05_cccdtl_dc", 0.9, settings={"data.source": "market1501", "data.target": "msmt17"})
    main = select_main_runs(read_runs([tmp_path]))
    assert [(run.row, run.direction) for run in main.runs] == [
        ("r04_dc", "day2night"),
        ("r04_dc", "day2night"),
        ("r04_dc", "night2day"),
    ]
    (sentence,) = main.left_out
    assert "data.source=market1501 (not pedestrians_day)" in sentence
