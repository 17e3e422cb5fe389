"""`dien table experiment=second_stage`: the networks to begin with, then self-training, then its table."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from dien_lightning.experiments.config import compose_config, optim
from dien_lightning.experiments.keys import CONFIG_DIR
from dien_lightning.experiments.reports.table1_rows import SECOND_STAGE
from dien_lightning.experiments.train import build_module
from dien_lightning.network import DIEN, save_network
from dien_lightning.training import SelfTrainingModule
from experiments.reports.finished_runs import write_record


def run(dien, *more: str):
    arguments = ("experiment=second_stage", "rows=cccdtl_dc_self,scratch_self", "data=day2night", "seeds=0,1")
    return dien("table", *arguments, *more)


def test_the_networks_to_begin_with_are_trained_where_they_lack(commands, tmp_path, dien):
    pair = (
        "data.target_trial=3",
        "data.cameras=none",
        "data.target_pid_pattern=p",
        "data.target_camera_pattern=c",
        "data.image_size=[64,32]",
        "trainer.precision=bf16-mixed",
    )
    run(dien, "data_root=x", "rounds.eps=0.5", *pair).done()
    (_, first), (_, second) = commands
    assert (first["experiment"], first["ablation"], first["seed"]) == ("table", "r05_cccdtl_dc", "0,1")
    assert (first["run_dir"], first["data_root"]) == ("outputs/table", "x")
    assert set(pair) <= {f"{key}={value}" for key, value in first.items()}
    assert not {"rounds.eps", "record"} & first.keys()
    assert (second["experiment"], second["ablation"]) == ("second_stage", "cccdtl_dc_self,scratch_self")
    assert second["record"] == "results/runs_second_stage/${row}_${direction}_${seed}.json"


def test_a_first_stage_that_was_deleted_is_trained_again_and_no_other(commands, tmp_path, dien):
    rows = "rows=base_self,cccdtl_dc_self"
    assert run(dien, rows).code == 0
    assert [(given["ablation"], given["seed"]) for _, given in commands[:-1]] == [("r01_base,r05_cccdtl_dc", "0,1")]
    for name in ("r01_base_day2night_0", "r05_cccdtl_dc_day2night_1"):
        shutil.rmtree(tmp_path / "outputs" / "table" / name)
    shutil.rmtree(tmp_path / "results" / "runs_second_stage")
    del commands[:]
    assert run(dien, rows).code == 0
    assert [(given["ablation"], given["seed"]) for _, given in commands[:-1]] == [
        ("r01_base", "0"),
        ("r05_cccdtl_dc", "1"),
    ]


def leave_first_stage(*names: str, **changed) -> Path:
    """Of what a first stage leaves these files alone; its settings are the table's but for `changed`."""
    folder = Path("outputs/table/r05_cccdtl_dc_day2night_0")
    folder.mkdir(parents=True)
    first = compose_config(["experiment=table", "ablation=r05_cccdtl_dc", "data=day2night", "seed=0"])
    for name, content in {
        "network.safetensors": "",
        "config.yaml": OmegaConf.to_yaml(first),
        "results.json": write_record(Path("made"), "r05_cccdtl_dc", 0.5, changed=changed).read_text(),
    }.items():
        if name in names:
            (folder / name).write_text(content)
    return folder


ONE = ("rows=cccdtl_dc_self", "seeds=0")


@pytest.mark.parametrize(
    ("names", "changed", "given", "words"),
    [
        (("network.safetensors", "results.json"), {}, "data_root=x", "is of a run with data.root=data (not x), so"),
        (("network.safetensors", "config.yaml"), {}, "data_root=x", "is of a run with data.root=data (not x), so"),
        (
            ("network.safetensors", "results.json"),
            {"trainer.max_epochs": 1},
            "rounds.eps=0.5",
            "is of a run with trainer.max_epochs=1 (not 10), so it is not the one asked for.",
        ),
        (("network.safetensors",), {}, "rounds.eps=0.5", "has network.safetensors and no results.json: nothing says"),
    ],
)
def test_a_network_of_another_run_is_not_begun_with(names, changed, given, words, commands, dien):
    folder = leave_first_stage(*names, **changed)
    said = run(dien, *ONE, given).refusal()
    assert f"error: {folder} {words}" in said
    assert f"Choose first_stage.run_dir=DIR, where it is trained, or delete {folder}." in said
    assert commands == []
    run(dien, *ONE, given, "first_stage.run_dir=outputs/other").done()
    assert [one["run_dir"] for _, one in commands] == ["outputs/other", "outputs/second_stage"]


def test_the_pair_of_an_experiment_of_the_users_is_that_of_its_first_stage(commands, tmp_path, dien, monkeypatch):
    (tmp_path / "experiment").mkdir()
    own = "# @package _global_\ndefaults: [second_stage]\ndata: {root: mine, target_root: '${data_root}/crops'}\n"
    (tmp_path / "experiment" / "own.yaml").write_text(own)
    monkeypatch.setenv(CONFIG_DIR, str(tmp_path))
    folder = leave_first_stage("network.safetensors", "results.json")
    words = (
        "table",
        "experiment=own",
        "rows=cccdtl_dc_self",
        "data=day2night",
        "seeds=0",
        "data_root=x",
        "data.source_root=y",
    )
    assert f"error: {folder} is of a run with data.root=data (not mine), data.source_root=" in dien(*words).refusal()
    shutil.rmtree(folder)
    dien(*words).done()
    (_, first), _ = commands
    data = compose_config([f"{key}={value}" for key, value in first.items() if key.startswith("data")]).data
    assert (first["experiment"], data.root, data.source_root, data.target_root) == ("table", "mine", "y", "x/crops")


def test_a_first_stage_that_was_killed_before_its_last_file_goes_on(commands, dien):
    leave_first_stage("network.safetensors", "config.yaml")
    run(dien, *ONE).done()
    assert [one["ablation"] for _, one in commands] == ["r05_cccdtl_dc", "cccdtl_dc_self"]


def test_a_network_that_the_user_names_is_taken_as_it_is(commands, dien):
    Path("mine").mkdir()
    (leave_first_stage("network.safetensors") / "network.safetensors").rename("mine/network.safetensors")
    run(dien, *ONE, "start=mine/network.safetensors").done()
    assert [one["ablation"] for _, one in commands] == ["cccdtl_dc_self"]


def test_a_network_that_the_user_names_is_not_for_rows_that_begin_with_none(commands, dien):
    said = run(dien, "start=mine/network.safetensors").refusal()
    assert said.startswith(
        "error: start=mine/network.safetensors is read by no network of scratch_self: leave out start"
    )
    assert "of r01_base, r04_dc: leave out" in dien("table", "rows=r01_base,r04_dc", "start=x").refusal()
    assert commands == []


def test_the_record_of_a_first_stage_is_compared_where_the_run_has_its_own(commands, dien):
    assert run(dien, *ONE).code == 0
    kept = Path("results/runs_second_stage/first_stage/cccdtl_dc_self_day2night_0.json")
    kept.write_text(kept.read_text().replace('"max_epochs": 10', '"max_epochs": 1'))
    said = run(dien, *ONE).refusal()
    assert f"error: {kept} is of a run with trainer.max_epochs=1 (not 10), so it is not the one asked for. " in said
    assert said.endswith("Run it from an empty folder, which then has its own records, runs and table.")


@pytest.mark.parametrize("which", ["experiment=second_stage", "name=table2"])
def test_a_table_is_not_written_among_its_records(which, commands, dien):
    said = dien("table", which, "records=outputs", "output=outputs/../outputs").refusal()
    assert "error: records=outputs and output=outputs/../outputs are one folder, where the table's" in said
    assert commands == []


def test_rows_of_the_other_table_are_refused(commands, dien):
    said = dien("table", "experiment=second_stage", "rows=r01_base").refusal()
    assert "error: rows=r01_base is not one of self-training's. There are cccdtl_dc_self, base_self, " in said


@pytest.mark.parametrize("row", SECOND_STAGE)
def test_every_row_composes_and_builds(row, tmp_path):
    loops = 3 if row == "t3_self" else 0
    network = DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=loops, image_size=(64, 32))
    save_network(network, tmp_path / "network.safetensors")
    given = ["experiment=second_stage", f"ablation={row}", "data=night2day", f"run_dir={tmp_path}", "seed=2"]
    config = compose_config([*given, "data.image_size=[64,32]"])
    first = "r05_cccdtl_dc" if "cccdtl" in row else "r08_full_t3" if row == "t3_self" else "r01_base"
    wanted = None if row == "scratch_self" else f"outputs/table/{first}_night2day_2/network.safetensors"
    assert (config.row, config.start) == (row, wanted)
    if config.start is not None:
        config.start = str(tmp_path / "network.safetensors")
    module = build_module(config, instantiate(config.data, _convert_="all"), **optim(config))
    assert isinstance(module, SelfTrainingModule)
    assert module.network.attention_loops == loops
    terms = {"cccdtl_dc_self_source": "spcl", "cccdtl_dc_self_separate": "separate"}
    assert module.objective.source_term == terms.get(row, "none")
    assert module.rounds.method == ("pul" if row == "pul" else "clusters")
