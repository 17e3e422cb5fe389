"""`dien`: one door, help without torch, the nearest name, a conf/ of one's own, restart by module."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from commands import call
from dien_lightning.experiments import cli
from dien_lightning.experiments.config import SWEPT, compose_config, folder_name, note_swept
from dien_lightning.experiments.keys import CONFIG_DIR, keys_of
from proofs.tiny import TINY

OWN = """# @package _global_
defaults:
  - demo
network:
  embedding_dim: 24
"""


@pytest.fixture
def own_conf(tmp_path):
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "mine.yaml").write_text(OWN)
    return tmp_path / "conf"


@pytest.mark.parametrize("words", [["--help"], *([command, "--help"] for command in cli.COMMANDS)])
def test_help_needs_neither_torch_nor_hydra(words):
    blocked = ("torch", "hydra", "omegaconf", "pytorch_lightning", "numpy")
    block = f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))"
    code = f"{block}; from dien_lightning.experiments.cli import main; main()"
    finished = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert finished.stdout.startswith(("Person re-identification", "Train", "Rank", "Check", "Draw", "Collect"))


def test_every_key_is_listed_with_its_default_and_its_comment():
    composed = compose_config([])
    listed = {key.name: key for key in keys_of("config")}
    for group in ("data", "network", "objective", "protocol", "optim"):
        names = {f"{group}.{name}" for name in composed[group] if name not in ("_target_", "learning_rates")}
        assert names <= set(listed)
    assert listed["network.attention_loops"][1:] == ("3", "T")
    assert {key.name: key.default for key in keys_of("evaluate")}["data.image_size"] == "null"


@pytest.mark.parametrize(
    ("command", "words", "nearest"),
    [
        ("train", ["network.attention_loop=3"], "Did you mean network.attention_loops?"),
        ("train", ["experiment=dem"], "Did you mean demo?"),
        ("train", ["experimant=demo"], "Did you mean experiment?"),
        ("evaluate", ["rerankk=true", "checkpoint=x"], "Did you mean rerank?"),
        ("check_data", ["laoyut=folder", "."], "did you mean layout?"),
        ("train", ["--network.attention_loops=3"], "args_no_hyphens"),
    ],
)
def test_a_misspelt_name_is_told_its_nearest(command, words, nearest, capfd, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    finished = call(capfd, monkeypatch, command, *words)
    assert finished.code == 1
    assert nearest in finished.stderr
    assert finished.stderr.count("error: ") == 1


def test_an_unknown_command_is_told_its_nearest():
    with pytest.raises(SystemExit, match=r"dien has no command 'trian'; did you mean train\?"):
        cli.main(["trian"])


def test_a_users_own_configurations_are_found(own_conf, monkeypatch):
    monkeypatch.setenv(CONFIG_DIR, str(own_conf))
    assert compose_config(["experiment=mine"]).network.embedding_dim == 24
    assert "mine" in cli.usage("train")


def test_a_folders_name_keeps_what_is_swept(monkeypatch):
    monkeypatch.setenv(SWEPT, "")
    note_swept(["-m", "data_root=/x", "network.image_size=[64,32]", "objective.center_weight=0,1", "seed=range(0,3)"])
    assert os.environ[SWEPT] == "objective.center_weight,seed"
    name = folder_name(f"data_root={'x' * 99},network.image_size=[64,32],objective.center_weight=1,seed=2")
    assert name.startswith("objective.center_weight=1,seed=2,data_root=xx")
    assert len(name) == 120


@pytest.mark.slow
@pytest.mark.parametrize("door", [["-m", "dien_lightning"], ["-m", "dien_lightning.experiments.cli"]])
def test_two_processes_find_the_command_from_an_empty_folder(door, drawn_pair, own_conf, tmp_path):
    words = [*TINY, "experiment=mine", "data.num_ids=4", "trainer=ddp_cpu", "trainer.max_epochs=1"]
    words += [f"data_root={drawn_pair}", "run_dir=run"]
    command = [sys.executable, *door, "train", "--config-dir", str(own_conf), *words]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / "run" / "results.json").is_file()
