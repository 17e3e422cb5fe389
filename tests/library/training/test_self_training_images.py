"""Self-training's images: how all are embedded, by one process or two, and whose labels a round goes on with."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from dien_lightning.data.dataset import seeded
from dien_lightning.losses import SelfTrainingObjective
from dien_lightning.network import load_network, save_network
from dien_lightning.training import Rounds, SelfTrainingModule
from dien_lightning.types import UNLABELED
from library.training.test_self_training import FINE, build, fit, pair
from library.training.test_self_training_resumed import RESUMED, StopAfter
from processes import run_on_processes

UNREADABLE = 4  # of the target; image 5 takes its place, and lies in the next batch


def embed_all(root):
    data, module = pair(root, on_error="skip"), build()
    data.setup("fit")
    module._trainer = SimpleNamespace(precision="32-true", datamodule=data)
    return module._embed_all("target")


def test_two_processes_embed_what_one_does_where_an_image_cannot_be_read(drawn_pair, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(drawn_pair, root)
    data = pair(root)
    data.setup("fit")
    with open(data.target.train[UNREADABLE].path, "wb"):
        pass
    expected, is_there = embed_all(root)
    assert (~is_there).nonzero().flatten().tolist() == [UNREADABLE]
    for found, found_there in run_on_processes(embed_all, root):
        assert torch.equal(found_there, is_there)
        torch.testing.assert_close(found, expected)


def words_of_a_round_that_fails(root):
    data, module = pair(root), build({"method": "pul", "num_clusters": 25}, num_clusters=25)
    data.setup("fit")
    module._trainer = SimpleNamespace(precision="32-true", datamodule=data)
    with pytest.raises(ValueError, match=r"process|num_clusters") as error:
        module._begin_round()
    return str(error.value)


def test_every_process_ends_where_the_first_cannot_label(drawn_pair):
    assert run_on_processes(words_of_a_round_that_fails, drawn_pair, timeout=120) == [
        "num_clusters=25 is more than there are images, 24; lower it.",
        "another process failed; its own message says why.",
    ]


@pytest.mark.parametrize("source_term", ["none", "spcl", "separate"])
def test_another_training_begins_with_labels_of_its_own_images(source_term, drawn_pair):
    module = build(source_term=source_term)
    fit(module, pair(drawn_pair, source="pedestrians_night", target="pedestrians_day"))
    module.network, other = copy.deepcopy(build().network), build(source_term=source_term)
    for each in (module, other):
        fit(each, pair(drawn_pair))
    assert torch.equal(module.labels, other.labels)
    for name, memory in other.objective.memories.items():
        torch.testing.assert_close(module.objective.memories[name].entries, memory.entries)


def test_puls_classifier_is_drawn_alike_on_each_device_and_moves_no_other_stream(monkeypatch):
    module = build({"method": "pul", "num_clusters": 4, "seed": 5}, num_clusters=4)
    module._trainer = SimpleNamespace(optimizers=[], current_epoch=2)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("a GPU was seeded"))
    before = torch.get_rng_state()
    module._begin_again()
    assert torch.equal(torch.get_rng_state(), before)
    with seeded(7):
        assert torch.equal(module.objective.identity.classifier.weight, torch.nn.Linear(16, 4).weight)


def test_a_joint_networks_statistics_stay_those_of_both_domains(data):
    module = build(source_term="spcl", statistics="joint")
    fit(module, data, max_steps=1)
    before = {name: value.clone() for name, value in module.network.state_dict().items()}
    assert not module.network.gathered("source")  # a batch of both counts as the target's
    module._embed_all("source")
    assert [name for name, value in module.network.state_dict().items() if not torch.equal(value, before[name])] == []


@pytest.mark.parametrize("method", ["clusters", "pul"])
def test_a_layer_that_is_new_takes_no_statistics_of_the_source_away(method, data, tmp_path):
    network, images = build().network, torch.randn(8, 3, 64, 32)
    for domain in ("source", "target"):
        network.gather_statistics([images], domain)
    save_network(network, tmp_path / "network.safetensors")
    given = RESUMED["pul"] if method == "pul" else {}
    objective = SelfTrainingObjective(16, num_clusters=given.get("num_clusters"))
    rounds = Rounds(**given.get("rounds", FINE))
    for source, is_kept in (("pedestrians_day", True), (None, False)):
        begun = load_network(tmp_path / "network.safetensors", final_norm=True)
        module = SelfTrainingModule(begun, objective, rounds)
        fit(module, pair(data.target.root.parent, source=source), max_steps=1)
        assert module.network.gathered("target")
        assert module.network.gathered("source") == is_kept
        own, theirs = (each.embedding[1] for each in (module.network, network))
        assert torch.equal(own.running_mean[0], theirs.running_mean[0])  # the file's


@pytest.mark.parametrize("outliers", [15, 3, 1, 0])
def test_spcls_batches_hold_an_outlier_once_while_there_are_enough(outliers, drawn_pair):
    data = pair(drawn_pair, target_batch_size=8, target_num_instances=4, steps_per_epoch=20)
    module = build(source_term="spcl")
    data.setup("fit")
    module._trainer = SimpleNamespace(datamodule=data)
    labels = torch.arange(24) % 2
    labels[4 : 4 + outliers] = UNLABELED
    data.train_dataloader()
    module._deal_out(labels)
    assert module._rows.tolist() == list(range(6, 30))  # each image's own entry, after six people of the source
    batches = torch.tensor([int(draw) for draw in data._sampler]).view(20, 2, 4)
    assert set(batches.flatten().tolist()) == set(range(24))
    for first, second in batches.tolist():
        assert not set(first) & set(second)
        for group in (first, second):
            assert len(set(group)) == (min(4, outliers) if labels[group[0]] == UNLABELED else 4)


@pytest.mark.parametrize(("step", "is_in_round"), [(2, True), (3, False)])
def test_a_round_goes_on_with_the_images_that_it_labeled_alone(step, is_in_round, drawn_pair, tmp_path):
    with pytest.raises(SystemExit):
        fit(build(), pair(drawn_pair), callbacks=[StopAfter(step, tmp_path / "run.ckpt", epoch_end=not is_in_round)])
    root = tmp_path / "data"
    shutil.copytree(drawn_pair, root)
    data = pair(root)
    data.setup("fit")
    first = Path(data.target.train[0].path)
    first.rename(first.with_name(f"{first.stem}z{first.suffix}"))  # as many images
    module = build()
    if is_in_round:
        with pytest.raises(ValueError, match="epoch 0 goes on with pseudo-labels of the target as it was: other files"):
            fit(module, pair(root), tmp_path / "run.ckpt", max_epochs=2)
    else:
        assert fit(module, pair(root), tmp_path / "run.ckpt", max_epochs=2).global_step == 6


def test_a_later_round_and_one_after_a_resume_take_the_first_rounds_threshold(drawn_pair, tmp_path, monkeypatch):
    given, fixed, label = [], [], Rounds.label

    def noted(rounds, embeddings, threshold=None):
        given.append(threshold)
        labeled = label(rounds, embeddings, threshold)
        fixed.append(labeled.threshold)
        return labeled

    monkeypatch.setattr(Rounds, "label", noted)
    options = {"source_term": "spcl", "rounds": {**FINE, "reliable": True}}
    fit(build(**options), pair(drawn_pair), max_epochs=2)
    with pytest.raises(SystemExit):
        fit(build(**options), pair(drawn_pair), callbacks=[StopAfter(3, tmp_path / "run.ckpt", epoch_end=True)])
    fit(build(**options), pair(drawn_pair), tmp_path / "run.ckpt", max_epochs=2)
    assert 0 < fixed[0] <= 1
    assert given == [None, fixed[0]] * 2


@pytest.fixture
def data(drawn_pair):
    return pair(drawn_pair)
