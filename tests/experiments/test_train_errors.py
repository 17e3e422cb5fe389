"""What dien train is told that it cannot train on ends in one sentence."""

from __future__ import annotations

import pytest

from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.keys import CONFIG_DIR
from dien_lightning.experiments.settings import check_start
from experiments.test_train import TINY


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.num_ids=50", "has 6 (24 training images). Lower num_ids (data.num_ids) to 6 or less."),
        ("data.num_idz=3", "data.num_idz is no key; did you mean data.num_ids?"),
        ("network=dine", "network=dine is no choice; did you mean dien?"),
        ("objective.margin=0", "margin=0 is out of range"),
        ("data.source=market1501", "market1501"),
        ("trainer.max_epochs=two", "trainer.max_epochs='two' must be a whole number"),
        ("protocol.ties=x", "ties='x' is not a protocol; choose one of non-match first, match first"),
        ("seed=null", "seed"),
        ("seed=abc", "seed='abc' must be a whole number of at least 0"),
        ("seed=4294967296", "seed=4294967296 is too large for NumPy; choose one below 4294967296."),
        ("record=/dev/null/x/y.json", "record=/dev/null/x/y.json cannot be written to (Not a directory); give write"),
        ("resume=no", "resume='no' must be true or false"),
        ("start=x", "start=x is read by no part of this network, which begins with weights of its own; "),
        ("optimized=source.map", "optimized=source.map is no figure of results.json; did you mean source.mAP?"),
        ("trainer.check_val_every_n_epoch=0", "trainer.check_val_every_n_epoch=0 must be a whole number of at least 1"),
        ("+trainer.val_check_interval=0.5", "trainer.val_check_interval would validate within an epoch"),
        ("data.target_batch_size=1", "target_batch_size is 1, and a batch of one image has no variance"),
        ("data.num_ids=1 data.num_instances=1", "num_ids x num_instances is 1, and a batch of one image has no"),
        ("+optim.lr=1", "optim has no 'lr'; it has learning_rates, momentum"),
        ("+protocol.rank=1", "protocol has no 'rank'; it has junk, same_camera"),
        ("+callbacks.health.collapsed=2", "collapsed=2 is out of range"),
        ("trainer.log_every_n_steps=abc", "trainer.log_every_n_steps='abc' must be a whole number of at least 0"),
        ("group=a=1", "needs quotes for Hydra and the shell: 'run_dir=\"a=1,b=2\"'"),
        ("+trainer.fast_dev_run=true", "trainer.fast_dev_run would rank part of a gallery; data.steps_per_epoch=2"),
    ],
)
def test_bad_input_ends_in_one_sentence(override, words, drawn_pair, tmp_path, dien):
    arguments = (*TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}", *override.split())
    assert words in dien("train", *arguments).refusal()
    assert not (tmp_path / "run" / "config.yaml").exists()


@pytest.mark.parametrize(
    ("given", "value"),
    [("run_dir=2026_11", "202611"), ("record=1e3", "1000.0"), ("data_root=2026", "2026"), ("target_root=2026", "2026")],
)
def test_a_folder_that_reads_as_a_number_needs_quotes(given, value, tmp_path, dien, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sets = ("data.source=market1501", "data.target=market1501", "run_dir=run")
    words = (*TINY, *sets, f"data.{given}" if given.startswith("target") else given)
    said = dien("train", *words).refusal()
    name = given.partition("=")[0]
    assert f"error: {name}={value} is no text; quote a name that reads as a number: '{name}=\"2026\"'." in said
    said = dien("train", *TINY, *sets, 'data_root="2026"').refusal()
    assert "error: 2026/market1501 does not exist; market1501 (Market-1501) was looked for there." in said


@pytest.mark.parametrize(
    ("given", "named"),
    [([], "null"), (["start=runs/network.safetensors"], "runs/network.safetensors"), (["start=2026"], "2026")],
)
def test_a_network_to_begin_with_is_asked_for_before_the_data_is_read(given, named, tmp_path, dien):
    arguments = ("experiment=self_training", "data_root=nowhere", f"run_dir={tmp_path / 'run'}", *given)
    said = dien("train", *arguments).refusal()
    assert f"error: start={named} is no file of a trained network to begin with; give start=RUN/net" in said


def test_an_empty_folder_name_and_a_file_in_its_place_are_told(tmp_path, dien, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = dien("train", *TINY, "run_dir=").refusal()
    assert said == "error: run_dir= is empty; name a folder or a file, or . for the one you are in."
    (tmp_path / "notes.txt").touch()
    said = dien("train", *TINY, "run_dir=notes.txt").refusal()
    assert said == "error: notes.txt cannot be used (File exists); give access to it, or name another."
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("seed: 3", "experiment=... names a file that sets nothing, for it lacks the line `# @package _global_`"),
        ("seed: [3", "A file cannot be read as YAML: while parsing a flow sequence in"),
    ],
)
def test_an_experiment_of_the_users_that_cannot_be_followed_is_told(content, words, tmp_path, dien, monkeypatch):
    monkeypatch.setenv(CONFIG_DIR, "")  # the command sets it
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(content)
    given = ("--config-dir", tmp_path, "experiment=mine", f"run_dir={tmp_path / 'run'}", f"data_root={tmp_path}")
    for command in ("train", "translate"):
        assert words in dien(command, *given).refusal()
    assert words in dien("adapt", *given[:3], f"output={tmp_path / 'out'}").refusal()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "stat: x.safetensors",
            "stat is set in a file of yours, and nothing reads it; did you mean start? If other keys",
        ),
        (
            "networks:\n  attention_loops: 2",
            "networks is set in a file of yours, and nothing reads it; did you mean net",
        ),
        (
            "attention_loops: 2",
            "attention_loops is set in a file of yours, and nothing reads it; did you mean network.a",
        ),
        ("source: msmt17", "source is set in a file of yours, and nothing reads it; did you mean "),
        ("checkpoint: x.safetensors", "checkpoint is set in a file of yours, and nothing reads it"),  # of dien evaluate
        ("colour: red", "colour is set in a file of yours, and nothing reads it. If other keys"),
    ],
)
def test_a_key_in_a_users_own_file_that_nothing_reads_is_told(content, words, tmp_path, dien, monkeypatch):
    monkeypatch.setenv(CONFIG_DIR, "")  # the command sets it
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(f"# @package _global_\n{content}\n")
    given = ("--config-dir", tmp_path, "experiment=mine", f"run_dir={tmp_path / 'run'}", f"data_root={tmp_path}")
    for command in ("train", "translate"):
        assert words in dien(command, *given).refusal()
    assert words in dien("adapt", *given[:3], f"output={tmp_path / 'out'}").refusal()


@pytest.mark.parametrize("reads", ["group: ${project}", "hydra:\n  job:\n    name: ${project}"])
def test_a_name_of_the_users_own_that_another_key_reads_may_stand(reads, tmp_path, dien, monkeypatch):
    monkeypatch.setenv(CONFIG_DIR, "")
    (tmp_path / "experiment").mkdir()
    content = f"# @package _global_\nproject: parking\n{reads}\n"
    (tmp_path / "experiment" / "mine.yaml").write_text(content)
    given = ("--config-dir", tmp_path, "experiment=mine", f"run_dir={tmp_path / 'run'}", f"data_root={tmp_path}")
    assert "does not exist; dukemtmcreid" in dien("train", *given, "+note=first").refusal()
    assert (
        "does not exist; dukemtmcreid" in dien("adapt", *given[:3], *given[4:], f"output={tmp_path / 'out'}").refusal()
    )


def test_a_value_that_is_missing_is_named(dien):
    said = dien("evaluate", "checkpoint=x").refusal()
    assert said == "error: data.target=... is missing. (dien evaluate --help lists the keys.)"


def test_a_row_that_begins_with_random_weights_needs_no_network_to_begin_with():
    check_start(compose_config(["experiment=second_stage", "ablation=scratch_self"]))
