"""Batch norm's statistics: each domain's and each pass's own, gathered, refused."""

from __future__ import annotations

import copy

import pytest
import torch

from dien_lightning.network import load_network, save_network
from library.network.networks import images, normalizations, small


def seen(network, domain):
    slot = ("source", "target").index(domain)
    return {name: layer.batches[slot].tolist() for name, layer in normalizations(network).items()}


@pytest.mark.parametrize("stage", [1, 3])
def test_each_pass_of_each_domain_moves_its_own(stage):
    network = small(2, attention_stage=stage, moved=True)
    network(images(), "source")
    for name, batches in seen(network, "source").items():
        once = name.startswith(tuple(f"backbone.blocks.{block}." for block in range(stage + 1)))
        passes = 2 if name.startswith("attention") else 1 if once else 3
        assert batches == [1] * passes
        assert seen(network, "target")[name] == [0] * passes
    means = network.embedding[1].running_mean
    assert not torch.allclose(means[0, 0], means[0, 1])
    assert means[1].abs().max() == 0
    assert (network.gathered("source"), network.gathered("target")) == (True, False)
    network(images(), "target")
    assert network.gathered("target")


def test_statistics_that_were_never_gathered_are_refused_by_name(tmp_path):
    network = small(1)
    assert network.eval()(images(), "target").embedding.shape == (4, 16)  # nothing was gathered yet
    network.train()(images(), "source")
    network.eval()
    save_network(network, tmp_path / "network.safetensors")
    for each in (network, load_network(tmp_path / "network.safetensors")):
        assert each(images(), "source").embedding.shape == (4, 16)
        assert [each.statistics_for(name) for name in ("source", "target")] == ["source", "source"]
        with pytest.raises(ValueError, match=r"no batch-norm statistics of target images were gathered; embed with"):
            each(images())
        each.gather_statistics([images()], "target")
        assert each(images()).embedding.shape == (4, 16)
        assert each.statistics_for("target") == "target"


def test_joint_statistics_are_one_and_know_whose_images_they_saw():
    network = small(2, statistics="joint")
    network(images(), "source")
    assert network.embedding[1].running_mean.shape == (1, 1, 16)
    assert network.gathered("source")
    assert not network.gathered("target")
    network.eval()
    network.check_statistics("target")  # one serves both
    assert torch.equal(network(images(), "source").embedding, network(images(), "target").embedding)


def test_evaluation_moves_nothing_and_takes_the_targets_statistics_unless_told(moved):
    before, batch = copy.deepcopy(moved.state_dict()), images()
    assert torch.equal(moved(batch).embedding, moved(batch, "target").embedding)
    moved(batch, "source")
    assert torch.equal(batch, images())
    assert all(torch.equal(value, before[name]) for name, value in moved.state_dict().items())


@pytest.mark.parametrize("statistics", ["domain_and_pass", "joint"])
def test_gathered_statistics_are_the_equal_mean_over_batches_of_two_or_more(statistics):
    network = small(1, moved=True, statistics=statistics).double()
    for domain in ("source", "target") if statistics == "joint" else ("target",):
        network(5 * images(2).double(), domain)  # to be forgotten
    inputs: dict[tuple[str, int], list] = {}

    def keep(name):
        def hook(layer, arguments, output):
            step = min(layer.condition.step - layer.first_step, layer.running_mean.shape[1] - 1)
            inputs.setdefault((name, step), []).append(arguments[0].transpose(0, 1).flatten(1))

        return hook

    for name, layer in normalizations(network).items():
        layer.register_forward_hook(keep(name))
    network.gather_statistics((images(count, seed=count).double() for count in (3, 1, 2)), "target")
    slot = 0 if statistics == "joint" else 1
    for (name, step), batches in inputs.items():
        layer = normalizations(network)[name]
        means = torch.stack([batch.mean(1) for batch in batches]).mean(0)
        variances = torch.stack([batch.var(1) for batch in batches]).mean(0)
        torch.testing.assert_close(layer.running_mean[slot, step], means)
        torch.testing.assert_close(layer.running_var[slot, step], variances)
        assert layer.batches[:, step].tolist() == [0, len(batches)]
    assert len(inputs) >= len(normalizations(network))


@pytest.mark.parametrize("domain", ["source", "target"])
def test_a_layer_that_is_new_gets_its_own_and_the_others_keep_theirs(domain, moved, tmp_path):
    save_network(moved, tmp_path / "network.safetensors")
    # In float64: through a whole network, float32 differs by more than the bounds on some processors.
    network = load_network(tmp_path / "network.safetensors", final_norm=True).double()
    assert not network.gathered(domain)
    before, (norm,) = copy.deepcopy(network.state_dict()), network.final_norm
    network.gather_statistics([images().double()], domain, missing=True)
    assert network.gathered(domain)
    assert network.statistics_for(domain) == domain
    fused = copy.deepcopy(moved).double()(images().double(), domain).embedding
    slot = ("source", "target").index(domain)
    torch.testing.assert_close(norm.running_mean[slot, 0], fused.mean(0))
    torch.testing.assert_close(norm.running_var[slot, 0], fused.var(0))
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {f"final_norm.0.{name}" for name in ("running_mean", "running_var", "batches")}


@pytest.mark.parametrize("training", [True, False])
def test_gathering_changes_nothing_else(training):
    network = small(1)
    network(images(), "source")
    network.train(training)
    before = copy.deepcopy(network.state_dict())
    network.gather_statistics([images()], "target")
    assert network.training == training
    assert all(layer.momentum == 0.1 for layer in normalizations(network).values())
    for name, value in network.state_dict().items():
        is_statistics = name.endswith(("running_mean", "running_var", "batches"))
        ours, theirs = (value[0], before[name][0]) if is_statistics else (value, before[name])  # the source's
        assert torch.equal(ours, theirs), name
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize(
    ("batches", "words"),
    [
        ([], "no batches of target images to gather batch-norm statistics from; give at least one"),
        ([images(1)], "no batches of target images to gather"),
        ([images(), images(2, 32, 32)], "image_size=32 x 32"),
        ("torn", "the disk is gone"),
    ],
)
def test_statistics_that_cannot_be_gathered_leave_the_network_as_it_was(batches, words):
    network = small(1)
    network(images(), "target")
    network.backbone.eval()  # frozen
    before = copy.deepcopy(network.state_dict())

    def torn():
        yield images()
        raise OSError("the disk is gone")

    with pytest.raises((ValueError, OSError), match=words):
        network.gather_statistics(torn() if batches == "torn" else batches, "target")
    assert network.gathered("target")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.training
    assert network.embedding.training
    assert not any(module.training for module in network.backbone.modules())
