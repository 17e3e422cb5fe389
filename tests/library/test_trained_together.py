"""Two processes normalise, and gather statistics, as one; that they train as one is a proof (test_processes_agree)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dien_lightning.data import DomainPairDataModule
from dien_lightning.losses import DIENObjective
from dien_lightning.network import DIEN, DomainBatchNorm
from dien_lightning.processes import Processes
from dien_lightning.training.module import DIENModule, _mixed
from processes import run_on_processes


class Images(NamedTuple):
    image: Tensor


def embed_both() -> dict[str, Tensor]:
    """Embeddings of four source and eight target images in one batch, this rank's share of each, and its statistics."""
    torch.manual_seed(0)
    how = {"image_size": (64, 32), "statistics": "joint", "batch_norm_size": 4}
    network = DIEN("resnet18", weights=None, embedding_dim=8, attention_loops=1, **how)
    module = DIENModule(network, DIENObjective(num_classes=2, embedding_dim=8)).double()
    processes, generator = Processes(), torch.Generator().manual_seed(1)
    images = torch.randn(12, 3, 64, 32, dtype=torch.float64, generator=generator)
    images[4:] += 2  # another light
    shares = [part.chunk(processes.world_size)[processes.rank] for part in images.split([4, 8])]
    source, target = module._embed(dict(zip(("source", "target"), map(Images, shares), strict=True)))
    found = {"source": processes.join(source.embedding), "target": processes.join(target.embedding)}
    return {**found, "steps": processes.join(target.steps), **dict(network.named_buffers())}


def test_parts_of_a_batch_of_both_domains_are_those_of_one_process_and_hold_both():
    assert _mixed(4, 8).tolist() == [4, 0, 5, 6, 1, 7, 8, 2, 9, 10, 3, 11]  # each third a third of each domain's
    expected = embed_both()
    for found in run_on_processes(embed_both):
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-10)


def gather(root: str, **options: int) -> dict[str, Tensor]:
    """The network's buffers after gathering statistics from the data module's batches."""
    torch.manual_seed(0)
    network = DIEN("resnet18", weights=None, embedding_dim=8, attention_loops=1, image_size=(64, 32))
    options = {"num_workers": 0, "gather_batch_size": 5} | options
    data = DomainPairDataModule(root, None, "pedestrians_night", image_size=(64, 32), **options)
    if Processes().rank:
        network.backbone.blocks[0][0].weight.data.mul_(1 + 1e-6)  # as another device rounds
    network.gather_statistics((batch.image for batch in data.statistics_dataloader()), "target")
    assert all(module.synchronize for module in network.modules() if isinstance(module, DomainBatchNorm))
    return dict(network.named_buffers())


def test_the_control_is_the_same_bit_for_bit_whatever_gathers_it(drawn_pair):
    expected = gather(str(drawn_pair))
    others = [gather(str(drawn_pair), **options) for options in ({"num_workers": 2}, {"eval_batch_size": 8, "seed": 1})]
    for found in (*run_on_processes(gather, str(drawn_pair)), *others):
        assert all(torch.equal(found[name], value) for name, value in expected.items())
    smaller = gather(str(drawn_pair), gather_batch_size=4)
    assert any(not torch.equal(smaller[name], value) for name, value in expected.items())  # this alone moves it
