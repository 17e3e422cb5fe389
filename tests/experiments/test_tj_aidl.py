"""`dien train experiment=tj_aidl`: composes, trains, goes on, is evaluated, and uses no label of the target."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import instantiate

from commands import run_command
from dien_lightning.experiments.config import compose_config, optim
from dien_lightning.experiments.settings import conditions, difference, settings_of
from dien_lightning.experiments.train import build_module
from dien_lightning.rivals.tj_aidl.module import TJAIDLModule
from proofs.test_label_free import check_same_bytes, trained_on_tables
from proofs.tiny import LEAST

TINY = (
    "experiment=tj_aidl",
    "network.backbone=mobilenet_v2",
    "network.embedding_dim=16",
    "module.adaptation=0.5",
    "module.hidden_dims=[8]",
    *LEAST,
    "data.steps_per_epoch=2",
    "data.num_workers=0",
    "trainer.check_val_every_n_epoch=1",
    "optim.schedule=milestones",
    "optim.milestones=[]",
)


@pytest.fixture(scope="module")
def train(drawn_pair, module_folder):
    def run(name: str, *overrides: str) -> Path:
        run_command("train", *TINY, f"data_root={drawn_pair}", f"run_dir={module_folder / name}", *overrides)
        return module_folder / name

    return run


@pytest.fixture(scope="module")
def plain(train) -> Path:
    return train("plain", "trainer.max_epochs=2")


def loaded(checkpoint: Path) -> dict[str, Any]:
    return torch.load(checkpoint, weights_only=True)


@pytest.mark.parametrize("chosen", ["experiment=tj_aidl", "experiment=table ablation=tj_aidl"])
def test_every_file_composes_and_builds(chosen, drawn_pair, tmp_path):
    given = [*chosen.split(), f"data_root={drawn_pair}", f"run_dir={tmp_path}", "direction=day2night", "data.num_ids=6"]
    config = compose_config(given)
    module = build_module(config, instantiate(config.data, _convert_="all"), **optim(config))
    assert isinstance(module, TJAIDLModule)
    assert (config.row, config.objective, module.adaptation) == ("tj_aidl", None, 0.2)
    assert (module.objective.reconstruction_weight, module.objective.transfer_weight) == (10.0, 10.0)
    settings = settings_of(config)
    assert "objective" not in settings
    assert settings["module"]["transfer_weight"] == 10.0
    other = conditions(compose_config([*given, "module.transfer_weight=1"]))
    assert difference(other, conditions(config)) == "module.transfer_weight=1 (not 10.0)"


def test_a_run_leaves_what_every_run_leaves(plain):
    results = json.loads((plain / "results.json").read_text())
    assert results["row"] == "tj_aidl"
    assert 0 <= results["target"]["mAP"] <= 1
    assert results["protocol"]["statistics"] == {"target": "target", "source": "source"}
    with (plain / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert [bool(row["train/loss_identity"]) for row in rows] == [True, True, False, False]
    assert all(row["train/loss_transfer"] for row in rows)


def test_its_network_is_evaluated_as_any_other(plain, drawn_pair, tmp_path, dien):
    given = (f"checkpoint={plain}/network.safetensors", f"data_root={drawn_pair}", "data.target=pedestrians_night")
    again = (*given, "precision=32-true", "data.num_workers=0", f"output={tmp_path}")
    dien("evaluate", *again).done()
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["target"] == pytest.approx(json.loads((plain / "results.json").read_text())["target"])


def test_a_run_that_is_taken_up_ends_as_one_that_was_left_alone(plain, train):
    half = train("half", "trainer.max_epochs=2", "callbacks.checkpoint.every_n_train_steps=1")
    (half / "checkpoints" / "last.ckpt").unlink()  # as if it had been killed within the last epoch
    (half / "results.json").unlink()
    assert loaded(half / "checkpoints" / "previous.ckpt")["global_step"] == 3  # of 4: within the adaptation
    train("half", "trainer.max_epochs=2", "callbacks.checkpoint.every_n_train_steps=1", "resume=true")
    for file in ("metrics.csv", "network.safetensors"):
        assert (half / file).read_bytes() == (plain / file).read_bytes()
    one, other = (loaded(run / "checkpoints" / "last.ckpt")["state_dict"] for run in (half, plain))
    torch.testing.assert_close(one, other, rtol=0, atol=0)  # the identity branch and the heads, too


def test_dealing_out_the_targets_identities_anew_changes_no_bit(train, drawn_pair, module_folder):
    runs = trained_on_tables(train, module_folder, drawn_pair, ("none", "training"), "trainer.max_epochs=2")
    check_same_bytes(*runs.values())


def test_the_targets_attributes_are_not_needed(plain, train, drawn_pair, tmp_path):
    shutil.copytree(drawn_pair, tmp_path / "data")
    (tmp_path / "data" / "pedestrians_night" / "attributes.csv").unlink()
    other = train("without", "trainer.max_epochs=2", f"data_root={tmp_path / 'data'}")
    assert (other / "network.safetensors").read_bytes() == (plain / "network.safetensors").read_bytes()
    assert not (tmp_path / "data" / "pedestrians_night" / "attributes.csv").exists()


def test_a_table_of_attributes_that_is_not_there_is_told(drawn_pair, tmp_path, dien):
    given = (*TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}", "data.attributes=none.csv")
    assert "attributes=none.csv is not a file; name a table" in dien("train", *given).refusal()
