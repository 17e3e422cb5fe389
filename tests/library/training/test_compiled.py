"""A compiled training: eager's numbers, names and statistics, translated once for each domain."""

from __future__ import annotations

import copy
import functools
import re

import pytest
import torch

from commands import run_command
from library.network.networks import images
from library.training.modules import build
from proofs.tiny import TINY


@pytest.fixture(autouse=True)
def translated_only(monkeypatch):
    """The translation is ours to keep whole; what a compiler makes of it takes minutes and is torch's."""
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    torch._dynamo.utils.counters.clear()
    yield
    torch._dynamo.reset()


def steps(module, number=2):
    """Losses of a few steps of plain descent on both domains."""
    losses, optimizer = [], torch.optim.SGD(module.network.parameters(), lr=1e-3)
    for step in range(number):
        outputs = [module(images(seed=step), "source"), module(images(6, seed=9 + step), "target")]
        loss = sum(output.embedding.square().mean() + output.steps.std() for output in outputs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


@pytest.mark.slow
def test_eagers_losses_and_statistics_and_one_translation_for_each_domain():
    eager, compiled = (build(attention_loops=1, compiled=compiled).train() for compiled in (False, True))
    losses = steps(compiled, 1)
    with torch._dynamo.config.patch(error_on_recompile=True):
        losses += steps(compiled, 2)[:1]
    assert not any("_orig_mod" in name for name in compiled.state_dict())
    expected = steps(eager, 1) + steps(eager, 2)[:1]
    torch.testing.assert_close(losses, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(compiled.state_dict(), eager.state_dict(), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_bytes_of_one_left_alone_and_translates_no_more_than_two_graphs(
    drawn_pair, tmp_path
):
    options = ("compile=true", "network.attention_loops=0", "network.backbone=resnet18", "optim.schedule=milestones")
    for folder, epochs, *more in (("whole", 2), ("cut", 1), ("cut", 2, "resume=true")):
        run = (f"data_root={drawn_pair}", f"run_dir={tmp_path / folder}", f"trainer.max_epochs={epochs}", *more)
        run_command("train", *TINY, *options, *run)
        assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 2  # source and target; evaluation is eager
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
    whole, cut = (tmp_path / folder / "network.safetensors" for folder in ("whole", "cut"))
    assert cut.read_bytes() == whole.read_bytes()
    state = torch.load(tmp_path / "cut" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert not any("_orig_mod" in name for name in state)


def test_a_copy_trains_its_own_network():
    module = build(attention_loops=0, compiled=True).train()
    copied = copy.deepcopy(module)
    copied(images(), "source")
    assert copied.network.gathered("source")
    assert not module.network.gathered("source")


def test_it_keeps_to_training_on_one_process():
    module = build(compiled=True).eval()
    assert torch.equal(module(images(), "source").embedding, module.network(images(), "source").embedding)
    assert not torch._dynamo.utils.counters["stats"]
    with pytest.raises(ValueError, match=re.escape("compiled='yes' must be")):
        build(compiled="yes")
    with pytest.raises(ValueError, match=re.escape("compiled=True (compile) chooses itself what to compute anew")):
        build(compiled=True, checkpoint_passes=True)
