"""`dien`: one door, help without torch, the nearest name, a conf/ of one's own, restart by module."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import dien_lightning
from dien_lightning.experiments import cli
from dien_lightning.experiments.config import SWEPT, compose_config, folder_name, note_swept
from dien_lightning.experiments.keys import CONF, CONFIG_DIR, keys_of, keys_of_choices
from proofs.tiny import TINY

OWN = """# @package _global_
defaults:
  - demo
network:
  embedding_dim: 24
"""


@pytest.fixture
def own_conf(tmp_path):
    (tmp_path / "my conf, v=1" / "experiment").mkdir(parents=True)
    (tmp_path / "my conf, v=1" / "experiment" / "mine.yaml").write_text(OWN)
    return tmp_path / "my conf, v=1"


@pytest.mark.parametrize("words", [["--help"], *([command, "--help"] for command in cli.COMMANDS)])
def test_help_needs_neither_torch_nor_hydra(words):
    blocked = ("torch", "hydra", "omegaconf", "pytorch_lightning", "numpy", "pyarrow", "lancedb", "starlette")
    block = f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))"
    code = f"{block}; from dien_lightning.experiments.cli import main; main()"
    finished = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    first = "Person re-identification that carries over to cameras nobody labelled."
    if words != ["--help"]:
        first = import_module(f"dien_lightning.experiments.{words[0]}").__doc__.splitlines()[0]
    assert finished.stdout.splitlines()[0] == first


def test_a_reader_that_has_enough_ends_it_without_a_traceback():
    """As in `dien train --help | head`."""
    command = [sys.executable, "-m", "dien_lightning", "train", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert (running.wait(timeout=60), running.stderr.read()) == (141, b"")


@pytest.mark.parametrize("words", [["--version"], ["train", "--version"]])
def test_it_says_its_version(words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["dien", *words])
    cli.main()
    assert capsys.readouterr().out == f"{dien_lightning.__version__}\n"


def test_every_key_is_listed_with_its_default_and_its_comment():
    composed = compose_config([])
    listed = {key.name: key for key in keys_of("train")}
    for group in ("data", "network", "objective", "protocol", "optim"):
        names = {f"{group}.{name}" for name in composed[group] if name not in ("_target_", "learning_rates")}
        assert names <= set(listed)
    assert listed["network.attention_loops"][1:] == ("3", "T")
    assert listed["data.source"][1:] == ("market1501", "a labelled set of the catalogue")  # pair.yaml's comment
    assert {key.name: key.default for key in keys_of("evaluate")}["data.image_size"] == "null"


def test_a_key_that_an_experiment_brings_is_listed_with_it():
    composed = compose_config(["experiment=self_training", "start=x"])
    listed = {key.name for key in (*keys_of("train"), *keys_of_choices()["experiment=self_training"])}
    for group in ("network", "objective", "rounds", "module"):
        assert {f"{group}.{name}" for name in composed[group] if name != "_target_"} <= listed
    assert {"source_term", "data.target_num_instances"} <= listed
    said = cli.usage("train")
    assert "\nWith experiment=self_training also:\n\n  source_term=none " in said
    assert "\nWith trainer=ddp also:\n\n  trainer.num_nodes=1\n" in said
    assert "\nWith ablation=tj_aidl also:\n\n  data.attributes=null  a file with the source's; " in said
    assert "also:" not in cli.usage("umdl")


@pytest.mark.parametrize(
    ("command", "words", "said"),
    [
        (
            "train",
            ["network.attention_loop=3"],
            "network.attention_loop is no key; did you mean network.attention_loops?",
        ),
        ("train", ["attention_loops=3"], "attention_loops is no key; did you mean network.attention_loops?"),
        (
            "train",
            ["experiment=dem"],
            "experiment=dem is no choice; did you mean demo? There are demo, demo_self_training, drawn_self",
        ),
        ("train", ["experimant=demo"], "did you mean experiment?"),
        ("train", ["rounds.epz=0.4"], "rounds.epz is no key; did you mean rounds.eps?"),
        ("train", ["rounds.eps=0.4"], "rounds.eps is no key here; it comes with experiment=self_training."),
        ("train", ["-m", "hydra/launcher=jobli"], "hydra/launcher=jobli is no choice; did you mean joblib?"),
        ("evaluate", ["rerankk=true", "checkpoint=x"], "did you mean rerank?"),
        ("check", ["laoyut=folder", "."], "did you mean layout?"),
        ("rank", ["galery=x"], "'galery' is not an option; did you mean gallery? There are checkpoint, query, gallery"),
        ("trian", [], "dien has no command 'trian'; did you mean train?"),
        ("train", ["--network.attention_loops=3"], "in front: network.attention_loops=3. W&B's agent leaves them out"),
        ("train", ["--multirum"], "dien train has no option --multirum; dien train --help says what it takes."),
        ("rank", ["-m"], "dien rank has no option -m"),
        ("demo", ["seds=1"], "seds is no key; did you mean seeds?"),
        ("demo", ["--config-dir=nowhere"], "--config-dir nowhere is no folder; name one that is laid out as conf/ is."),
        ("report", ["--config-dir", "."], "dien report has no option --config-dir"),
    ],
)
def test_a_wrong_word_ends_in_one_sentence_with_the_nearest_name(command, words, said, dien, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    finished = dien(command, *words)
    assert said in finished.refusal()
    assert finished.stderr.count("\n") == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("word", "settled"),
    [
        ("run_dir=~/out", "run_dir=/home/ann/out"),
        ('run_dir="~/a b"', 'run_dir="/home/ann/a b"'),
        ("data.source_root=[~/a,~/b]", "data.source_root=[/home/ann/a,/home/ann/b]"),
        ("data_root=~", "data_root=/home/ann"),
        ("~/crops", "/home/ann/crops"),
        ("~callbacks.progress", "~callbacks.progress"),  # Hydra's way to leave a key out
        ("run_dir=a~/b", "run_dir=a~/b"),
    ],
)
def test_the_home_folder_is_found_wherever_a_path_is_taken(word, settled, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert cli.settle("train", [word]) == [settled]


@pytest.mark.parametrize(
    ("words", "settled"),
    [
        ("experiment=demo -m seed=0,1", "-m experiment=demo seed=0,1"),
        ("experiment=demo -i", "--info=all experiment=demo"),
        ("experiment=demo --info searchpath", "--info=searchpath experiment=demo"),
        ("--info=config experiment=demo", "--info=config experiment=demo"),
        ("experiment=demo --cfg=job", "--cfg=job experiment=demo"),
        ("-c job -p trainer experiment=demo", "-c job -p trainer experiment=demo"),
    ],
)
def test_hydras_own_flags_come_before_the_keys(words, settled):
    assert cli.settle("train", words.split()) == settled.split()


@pytest.fixture
def own_log():
    """Takes back the handler and the level that --info gives the whole process."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.mark.usefixtures("own_log")
@pytest.mark.parametrize(("flag", "said"), [("-i", "Defaults Tree"), ("--cfg=job", "attention_loops: 1")])
def test_hydra_takes_its_flags_wherever_they_stand(flag, said, dien):
    finished = dien("train", "experiment=demo", flag)
    assert said in finished.stdout + finished.stderr


@pytest.mark.parametrize("flag", [["--config-dir={}"], ["--config-dir", "{}"], ["-cd", "{}"]])
def test_a_users_own_configurations_are_found(flag, own_conf, dien, monkeypatch):
    monkeypatch.setenv(CONFIG_DIR, "")
    own = [word.format(own_conf) for word in flag]
    assert "embedding_dim: 24" in dien("train", *own, "experiment=mine", "--cfg", "job").done().stdout
    assert cli.settle("table", [*own, "experiment=mine"]) == ["experiment=mine"]
    assert compose_config(["experiment=mine"]).network.embedding_dim == 24  # as demo and table compose
    assert "mine" in cli.usage("train")
    assert cli.settle("check", [*own, "crops"]) == ["crops"]
    assert "--config-dir DIR adds a folder" in cli.usage("check")
    assert "dien train --help" not in cli.usage("check")


def test_a_folders_name_keeps_what_is_swept(monkeypatch):
    monkeypatch.setenv(SWEPT, "")
    swept = ["data.target=[a,b],[c]", "objective.center_weight=0,1", "seed=range(0,3)"]
    note_swept(["-m", "data_root=/x", "data.image_size=[64,32]", *swept])
    assert os.environ[SWEPT] == "data.target,objective.center_weight,seed"
    job = f"data.target=[c],data_root={'x' * 99},optim.gamma=1,objective.center_weight=1,seed=2"
    name = folder_name(job, {"optim.gamma": "0,1"})  # as a file of conf/sweep says it
    assert name.startswith("data.target=[c],optim.gamma=1,objective.center_weight=1,seed=2,data_root=xx")
    assert len(name) == 120


def test_installed_as_a_wheel_conf_is_found_in_the_package(tmp_path):
    package = tmp_path / "dien_lightning"
    shutil.copytree(Path(dien_lightning.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CONF, package / "conf")  # as pyproject.toml has it put into the wheel
    code = "from dien_lightning.experiments.keys import CONF, groups_of; print(CONF, groups_of('train')['experiment'])"
    command = [sys.executable, "-c", code]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert finished.stdout.startswith(f"{package / 'conf'} ['demo'")


def test_every_command_has_one_door_in_scripts():
    doors = [path.read_text() for path in (CONF.parent / "scripts").glob("*.py")]
    calling = "from dien_lightning.experiments.cli import main\n\nmain"
    for command in cli.COMMANDS:
        door = f'"""The door to `dien {command}`."""\n\n{calling}("{command}")\n'
        assert doors.count(door) == 1, command
    assert len(doors) == len(cli.COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "door", [["-m", "dien_lightning", "train"], [str(CONF.parent / "scripts" / "train.py")]], ids=["dien", "script"]
)
@pytest.mark.parametrize("several", [["trainer=ddp_cpu"], ["-m", "hydra/launcher=joblib", "seed=0,1"]])
def test_processes_find_the_command_from_an_empty_folder(door, several, drawn_pair, own_conf, tmp_path):
    (tmp_path / "empty").mkdir()
    words = [*TINY, "experiment=mine", "data.num_ids=4", "trainer.max_epochs=1", *several]
    words += [f"data_root={drawn_pair}", "run_dir=run"]
    command = [sys.executable, *door, "--config-dir", str(own_conf), *words]
    finished = subprocess.run(command, cwd=tmp_path / "empty", capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    found = list((tmp_path / "empty" / "run").rglob("results.json"))
    assert len(found) == (1 if "trainer=ddp_cpu" in several else 2)
