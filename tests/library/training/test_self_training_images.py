"""Self-training's images: how all are embedded, by one process or two, and whose labels a round goes on with."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from dien_lightning.losses import SelfTrainingObjective
from dien_lightning.network import load_network, save_network
from dien_lightning.training import Rounds, SelfTrainingModule
from library.training.test_self_training import FINE, RESUMED, StopAfter, build, fit, pair
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


@pytest.fixture
def data(drawn_pair):
    return pair(drawn_pair)
