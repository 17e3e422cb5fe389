"""One evaluation: embed query and gallery of each set, rank them, measure how fast it goes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn.functional import normalize

from dien_lightning.network import DIEN, Domain
from dien_lightning.retrieval import Protocol, RetrievalMetric, RetrievalResult
from dien_lightning.types import Sample


class Evaluation:
    """Gathers the embeddings of each set, batch by batch, and ranks each set when all have come.

    Args:
        network: what embeds, in evaluation mode.
        names: the sets, "target" and "source" or one of them.
        protocol: how to count.
        each_pass: rank the target by each pass's own embedding too, as "pass0", "pass1", ...
        flip: average the embeddings of an image and its mirror image.

    Attributes:
        names: the sets, one for each loader.
        metrics: a metric for each set and pass, by name.
    """

    def __init__(
        self, network: DIEN, names: Sequence[str], protocol: Protocol, *, each_pass: bool = False, flip: bool = False
    ) -> None:
        self.network = network
        self.names = list(names)
        self.flip = flip
        self.passes: list[str] = []
        if each_pass and network.attention_loops and "target" in names:
            self.passes = [f"pass{step}" for step in range(network.attention_loops + 1)]
        device = next(network.parameters()).device
        self.metrics = {name: RetrievalMetric(protocol=protocol).to(device) for name in [*names, *self.passes]}
        self._num_images = 0
        self._started = time.perf_counter()

    def update(self, batch: Sample, name: str, domain: Domain) -> None:
        """Embed a batch of the set `name` with the batch-norm statistics of `domain`."""
        embedding, steps = embed(self.network, batch.image, domain, self.flip)
        about: Any = (batch.pid, batch.camid, batch.is_query, batch.index)
        self.metrics[name].update(embedding, *about)
        if name == "target":
            for step, own in enumerate(self.passes):
                self.metrics[own].update(steps[:, step], *about)
        self._num_images += len(batch.image)

    def compute(self) -> dict[str, RetrievalResult]:
        """Rank each set; every process has to call this."""
        return {name: metric.compute() for name, metric in self.metrics.items()}

    @property
    def images_per_second(self) -> float:
        """How many images this process has embedded in each second since the start."""
        return self._num_images / (time.perf_counter() - self._started)


def embed(network: DIEN, images: Tensor, domain: Domain, flip: bool = False) -> tuple[Tensor, Tensor]:
    """The fused embeddings and each pass's own: (B, 3, H, W) -> (B, D), (B, T + 1, D).

    Args:
        network: in evaluation mode.
        images: batch.
        domain: whose batch-norm statistics to take.
        flip: average the embeddings of an image and its mirror image, each of unit length.
    """
    output = network(images, domain)
    if not flip:
        return output.embedding, output.steps
    mirrored = network(images.flip(-1), domain)
    return (
        normalize(output.embedding, dim=1) + normalize(mirrored.embedding, dim=1),
        normalize(output.steps, dim=2) + normalize(mirrored.steps, dim=2),
    )
