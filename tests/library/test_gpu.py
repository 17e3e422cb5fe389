"""A GPU computes what the CPU does: losses, batch norm, ranking, self-training. `pytest -m gpu`; skipped without one.

DIEN_DEVICE=cpu lets the tests themselves be tried where there is none.
"""

from __future__ import annotations

import os

import pytest
import torch

from dien_lightning import DIENObjective, evaluate_retrieval
from dien_lightning.retrieval import EvaluationSets, evaluate_sets, k_reciprocal_blocks
from dien_lightning.training import Rounds
from library.network.networks import images, small
from library.training.test_rounds import crowd
from library.training.test_self_training import build, fit, pair
from library.training.test_self_training_resumed import RESUMED, StopAfter

DEVICE = os.environ.get("DIEN_DEVICE", "cuda")
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(DEVICE == "cuda" and not torch.cuda.is_available(), reason="no CUDA device is here"),
    pytest.mark.filterwarnings("ignore:The .* does not have many workers"),
]


def step(device: str, dtype: torch.dtype, **changes: object) -> dict[str, dict[str, torch.Tensor]]:
    """Losses, gradients and batch-norm statistics of one step."""
    network = small(2, moved=True, **changes).to(device, dtype, memory_format=torch.channels_last)
    torch.manual_seed(0)
    objective = DIENObjective(4, 16, identity_dropout=0.0).to(device, dtype)
    source, target = (images(8, seed=seed).to(device, dtype) for seed in (1, 2))
    pids = torch.arange(8, device=device) // 2
    output = objective(network(source, "source").embedding, pids, network(target, "target").embedding)
    output.total.backward()
    found = {"losses": {"total": output.total.detach(), **output.terms}}
    found["gradients"] = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    found["statistics"] = dict(network.named_buffers())
    return {kind: {name: tensor.cpu() for name, tensor in part.items()} for kind, part in found.items()}


@pytest.mark.parametrize("changes", [{}, {"batch_norm_size": 4}, {"checkpoint_passes": True}])
def test_losses_gradients_and_batch_norm_are_the_cpus(changes):
    found, expected = (step(device, torch.float64, **changes) for device in (DEVICE, "cpu"))
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-8)


def test_losses_in_single_precision_are_near_the_cpus():
    torch.testing.assert_close(
        step(DEVICE, torch.float32)["losses"], step("cpu", torch.float32)["losses"], rtol=1e-3, atol=1e-3
    )


def sets(device: str) -> dict[str, object]:
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(20, 64, generator=generator)
    parts: dict[str, object] = {}
    for role, number in (("query", 40), ("gallery", 200)):
        pids = torch.randint(20, (number,), generator=generator)
        embedding = torch.nn.functional.normalize(
            centers[pids] + 2 * torch.randn(number, 64, generator=generator), dim=1
        )
        camids = torch.randint(3, (number,), generator=generator)
        parts |= {role: embedding.to(device), f"{role}_pids": pids, f"{role}_camids": camids}
    return parts


def test_ranking_and_reranking_are_the_cpus():
    expected, found = evaluate_retrieval(**sets("cpu")), evaluate_retrieval(**sets(DEVICE))
    assert found.figures() == pytest.approx(expected.figures(), abs=1e-4)
    both = [EvaluationSets(**sets(device)) for device in ("cpu", DEVICE)]
    expected, found = (evaluate_sets(each, k_reciprocal_blocks(each)) for each in both)
    assert found.figures() == pytest.approx(expected.figures(), abs=1e-3)
    assert expected.mAP > evaluate_sets(both[0]).mAP


@pytest.mark.parametrize("options", [{}, {"reliable": True}, {"method": "pul", "num_clusters": 8}])
def test_labels_are_the_cpus_and_lie_there(options):
    embeddings, _ = crowd()
    rounds = Rounds(k1=6, k2=3, **options)
    found = rounds.label(embeddings.to(DEVICE)).labels
    assert found.device.type == "cpu"
    assert torch.equal(found, rounds.label(embeddings).labels)


@pytest.mark.parametrize("kind", RESUMED)
def test_a_training_goes_its_rounds_and_is_taken_up(kind, drawn_pair, tmp_path):
    accelerator = {"accelerator": "gpu" if DEVICE == "cuda" else "cpu", "devices": 1, "max_epochs": 3}
    stop = StopAfter(4, tmp_path / "run.ckpt")
    with pytest.raises(SystemExit):
        fit(build(**RESUMED[kind]), pair(drawn_pair), callbacks=[stop], **accelerator)
    module = build(**RESUMED[kind])
    run = fit(module, pair(drawn_pair), tmp_path / "run.ckpt", **accelerator)
    assert run.global_step == 9
    assert all(value.isfinite().all() for value in module.state_dict().values())
    assert module.labels.device.type == "cpu"
