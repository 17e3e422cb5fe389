"""`dien adapt`, and which key=value goes to which of its two trainings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from dien_lightning import DIEN, save_network
from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.keys import CONFIG_DIR
from dien_lightning.experiments.provenance import fingerprints_of
from dien_lightning.experiments.results import Results
from experiments.test_demo import trainings
from library.data.folders import write_image

__all__ = ["trainings"]  # a fixture


def test_two_stages_adapt_to_crops_that_nobody_labelled(trainings, tmp_path, dien, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crops").mkdir()
    given = ("data.target=folder", "data.target_root=crops", "rounds.eps=0.4", "objective.center_weight=1")
    finished = dien("adapt", f"output={tmp_path / 'out'}", *given).done()
    start = f"start={tmp_path / 'out' / 'first'}/network.safetensors"
    assert trainings == [
        ("first", ["experiment=demo", *given[:2], given[3]]),
        ("second", ["experiment=drawn_self_training", "data=day2night", start, *given[:3]]),
    ]
    assert str(tmp_path / "out" / "second" / "network.safetensors") in finished.stdout
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Self-training on crops" in page
    assert "In the last round there were 3, and 10% of the images were in none." in page
    said = dien("adapt", f"output={tmp_path / 'out'}", *given[:2], "rounds.eps=0.5").refusal()
    assert "first is of a run with objective.center_weight=1" in said
    assert f"Delete {tmp_path / 'out' / 'first'} and {tmp_path / 'out' / 'second'} to start afresh" in said
    assert "error: output= is empty; write output=VALUE" in dien("adapt", "output=").refusal()
    assert "error: 'start=x' is for dien adapt to choose; give output=DIR." in dien("adapt", "start=x").refusal()


def test_a_finished_run_is_not_kept_once_the_folder_holds_other_images(trainings, tmp_path, dien):
    for number in range(4):
        write_image(tmp_path / "people" / f"p{number % 2}" / f"{number}.jpg", seed=number)
        write_image(tmp_path / "crops" / f"{number}.jpg", seed=number)
    given = [f"data.{role}=folder" for role in ("source", "target")] + ["data.num_ids=2"]
    given += [f"data.source_root={tmp_path / 'people'}", f"data.target_root={tmp_path / 'crops'}"]
    command = ("adapt", f"output={tmp_path / 'out'}", *given)
    dien(*command)
    for name, words in trainings:
        run = Results.read(tmp_path / "out" / name)
        seen = fingerprints_of(instantiate(compose_config(words).data, _convert_="all"))
        replace(run, fingerprints=seen).write(run.path)
    assert dien(*command).stdout.count("is finished and kept") == 2
    (tmp_path / "crops" / "0.jpg").rename(tmp_path / "crops" / "4.jpg")
    assert "first is of a run with other names or identities of its target's images, so" in dien(*command).refusal()
    write_image(tmp_path / "crops" / "0.jpg")
    assert "first is of a run with 4 images of its target (not 5), so" in dien(*command).refusal()
    (tmp_path / "crops").rename(tmp_path / "moved")
    assert dien(*command).stdout.count("is finished and kept") == 2


def test_a_missing_folder_is_told_before_anything_is_trained(trainings, tmp_path, dien):
    command = ("adapt", f"output={tmp_path / 'out'}", "data.target=folder", f"data.target_root={tmp_path / 'gone'}")
    assert dien(*command).refusal() == (
        f"error: data.target_root={tmp_path / 'gone'} does not exist; name a folder of images: any, for a target; one "
        f"sub-folder per identity, for a source."
    )
    second = ("adapt", f"output={tmp_path / 'out'}", "second.data.target=folder", "second.data.target_root=gone")
    assert "error: data.target_root=gone does not exist" in dien(*second).refusal()
    assert not trainings


@pytest.mark.parametrize("is_finished", [True, False])
def test_a_second_stage_of_other_settings_costs_the_first_one_nothing(is_finished, trainings, tmp_path, dien):
    dien("adapt", f"output={tmp_path}")
    second = tmp_path / "second"
    if not is_finished:
        (second / "config.yaml").write_text(OmegaConf.to_yaml(compose_config(trainings[1][1])))
        (second / "results.json").unlink()
    said = dien("adapt", f"output={tmp_path}", "rounds.eps=0.4").refusal()
    assert said == (
        f"error: {second} is of a run with rounds.eps=0.5 (not 0.4), so it is not the one asked for. "
        f"Delete {second} to start afresh, or give output=DIR."
    )
    assert [name for name, _ in trainings] == ["first", "second"]


def test_the_output_may_have_any_name(trainings, tmp_path, dien):
    output = tmp_path / "a=1, b"
    dien("adapt", f"output={output}").done()
    assert compose_config(trainings[1][1]).start == f"{output}/first/network.safetensors"


def test_a_second_stage_of_another_network_is_not_kept(trainings, tmp_path, dien):
    (tmp_path / "out" / "first").mkdir(parents=True)
    said = []
    for _ in range(2):
        network = DIEN("mobilenet_v2", weights=None, embedding_dim=8, attention_loops=0)
        save_network(network, tmp_path / "out" / "first" / "network.safetensors")
        said.append(dien("adapt", f"output={tmp_path / 'out'}"))
    assert said[0].code == 0, said[0].stderr
    words = f"error: {tmp_path / 'out' / 'second'} is of a run with network.path_fingerprint="
    assert said[1].refusal().startswith(words)
    assert [name for name, _ in trainings] == ["first", "second"]


def test_every_knob_of_self_training_can_be_turned(trainings, tmp_path, dien):
    """Those that docs/self-training.md and its warnings name, and what is new to Hydra."""
    knobs = {
        "objective.hard": ("second.objective.hard=true", True),
        "network.batch_norm_size": ("second.network.batch_norm_size=16", 16),
        "optim.learning_rates.backbone": ("second.optim.learning_rates.backbone=1e-4", 1e-4),
        "trainer.overfit_batches": ("+second.trainer.overfit_batches=0", 0),
        "data.steps_per_epoch": ("second.data.steps_per_epoch=7", 7),
        "data.target_num_instances": ("data.target_num_instances=8", 8),
        "source_term": ("source_term=spcl", "spcl"),
        "rounds.eps": ("rounds.eps=0.4", 0.4),
    }
    shared = ("data.steps_per_epoch=3", "+trainer.overfit_batches=1", "optim.learning_rates.backbone=1e-3")
    given = [*(word for word, _ in knobs.values()), *shared]
    for command in ("adapt", "demo"):
        dien(command, f"output={tmp_path / command}", *given).done()
        *_, first, second = [compose_config(words) for _, words in trainings]
        assert [OmegaConf.select(second, key) for key in knobs] == [value for _, value in knobs.values()]
        assert (first.data.steps_per_epoch, first.trainer.overfit_batches) == (3, 1)
        assert (first.network.batch_norm_size, first.optim.learning_rates.backbone) == (None, 1e-3)


@pytest.mark.parametrize("command", ["adapt", "demo"])
@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("rounds.epz=0.4", "rounds.epz is no key; did you mean rounds.eps?"),
        ("second.objective.hrad=true", "objective.hrad is no key; did you mean objective.hard?"),
        ("rounds.eps=1.5", "eps=1.5 is out of range; "),
        ("data.target_batch_size=50", "target_batch_size=50 must hold clusters of target_num_instances=4 images"),
        ("second.optim.momentum=2", "momentum=2 is out of range; "),
        ("second.trainer.max_epochs=two", "trainer.max_epochs='two' must be a whole number of at least 1; "),
        ("source_term=source", "source_term='source' is not allowed; "),
        ("second.protocol.ties=x", "ties='x' is not a protocol; "),
        ("second.run_dir=x", "'second.run_dir=x' is for dien "),
    ],
)
def test_a_misspelt_key_and_a_value_out_of_range_are_refused_before_anything_is_trained(
    command, argument, words, trainings, tmp_path, dien
):
    assert words in dien(command, f"output={tmp_path}", argument).refusal()
    assert not trainings


def test_the_second_stage_adapts_to_the_first_experiments_pair(trainings, tmp_path, dien, monkeypatch):
    own = "# @package _global_\ndata: {target: folder, target_root: 'my \"crops\"', target_pid_pattern: 'p(\\d+)'}\n"
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "own.yaml").write_text(f"{own}data_root: data/drawn1\n")
    monkeypatch.setenv(CONFIG_DIR, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'my "crops"').mkdir()
    for chosen in (["experiment=duke2market", "second=self_training"], ["experiment=own", "data=duke2market"]):
        dien("adapt", f"output={tmp_path / chosen[0][-3:]}", *chosen).done()
    *_, (_, paper), (_, first), (_, second) = trainings
    config = compose_config(paper)
    assert (config.data.source, config.data.target) == ("dukemtmcreid", "market1501")
    pairs = [compose_config(overrides).data for overrides in (first, second)]
    for name in ("root", "source", "target", "target_root", "target_pid_pattern", "image_size"):
        assert pairs[0][name] == pairs[1][name]
    assert (pairs[1].root, pairs[1].source, pairs[1].target_root) == ("data/drawn1", "dukemtmcreid", 'my "crops"')


def test_the_second_stage_takes_the_pair_of_the_first_whatever_its_own_experiment_names(
    trainings, tmp_path, dien, monkeypatch
):
    (tmp_path / "experiment").mkdir()
    for name, root, base in (("own", "mine", "demo"), ("further", "others", "drawn_self_training")):
        own = f"# @package _global_\ndefaults: [{base}]\ndata: {{root: {root}}}\n"
        (tmp_path / "experiment" / f"{name}.yaml").write_text(own)
    monkeypatch.setenv(CONFIG_DIR, str(tmp_path))
    for name, chosen in enumerate((["experiment=own"], ["experiment=own", "second=further"], ["second=further"])):
        dien("adapt", f"output={tmp_path / str(name)}", *chosen).done()
    roots = [compose_config(words).data.root for _, words in trainings]
    assert roots == ["mine", "mine", "mine", "mine", "data", "data"]
