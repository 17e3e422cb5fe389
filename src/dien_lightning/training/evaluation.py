"""One evaluation: embed query and gallery of each set, rank them, measure how fast it goes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dien_lightning.checks import check_choice
from dien_lightning.network import DIEN, Domain
from dien_lightning.network.normalization import DOMAINS, normalizations
from dien_lightning.precision import full_float32
from dien_lightning.retrieval import Protocol, RetrievalMetric, RetrievalResult
from dien_lightning.training.embedding import autocast, embed, prepare
from dien_lightning.types import Sample

_SETS = ("target", "source")


class EvaluationResults(dict[str, RetrievalResult]):
    """Figures by set ("target", "source") and, after a test, by pass ("pass0", ...); of any other it says why not.

    Args:
        results: what was evaluated.
        why_not: why another set was not.

    Example:
        >>> EvaluationResults()
        target: not evaluated: nothing has been yet
        source: not evaluated: nothing has been yet
    """

    def __init__(self, results: Mapping[str, RetrievalResult] | None = None, why_not: str = "nothing has been yet"):
        super().__init__(results or {})
        self.why_not = why_not

    def __missing__(self, name: str) -> RetrievalResult:
        raise ValueError(f"{name}: not evaluated: {self.why_not}.")

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {self._line(name)}" for name in dict.fromkeys([*_SETS, *self]))

    def _line(self, name: str) -> str:
        if name not in self:
            return f"not evaluated: {self.why_not}"
        return ", ".join(f"{figure} {value:.3f}" for figure, value in self[name].figures().items())


class Evaluated(NamedTuple):
    """What came of an evaluation.

    Attributes:
        results: figures by set and pass.
        metrics: what gathered the embeddings for them, by the same names.
        images_per_second: how fast this process embedded them.
    """

    results: EvaluationResults
    metrics: dict[str, RetrievalMetric]
    images_per_second: float


class Evaluation:
    """Gathers the embeddings of each set, batch by batch, and ranks each set when all have come.

    Args:
        network: what embeds.
        names: the sets, "target" and "source" or one of them.
        protocol: how to count; the defaults of `Protocol` if not given.
        each_pass: rank the target by each pass's own embedding too, as "pass0", "pass1", ...
        **how: of `embed`: precision, flip, channels_last.

    Attributes:
        names: the sets, one for each loader.
        metrics: a metric for each set and pass, by name.
    """

    def __init__(
        self,
        network: DIEN,
        names: Sequence[str],
        protocol: Protocol | None = None,
        *,
        each_pass: bool = False,
        **how: Any,
    ) -> None:
        for name in names:
            check_choice("set", name, _SETS)
        self.network = network
        self.names = list(names)
        self.how = how
        self.passes: list[str] = []
        self._domains = {name: network.statistics_for(name) for name in names}  # asked once: a GPU waits meanwhile
        if each_pass and network.attention_loops and "target" in names:
            self.passes = [f"pass{step}" for step in range(network.attention_loops + 1)]
        device = next(network.parameters()).device
        self.metrics = {name: RetrievalMetric(protocol=protocol).to(device) for name in [*names, *self.passes]}
        self._num_images = 0
        self._started = time.perf_counter()

    def update(self, batch: Sample, name: str) -> None:
        """Embed a batch of the set `name`, with its own batch-norm statistics where there are any."""
        passes = self.passes if name == "target" else []
        embedded = embed(self.network, batch.image, domain=self._domains[name], each_pass=bool(passes), **self.how)
        about: dict[str, Any] = {label: value for label, value in batch._asdict().items() if label != "image"}
        self.metrics[name].update(embedded.embedding, **about)
        for step, own in enumerate(passes):
            self.metrics[own].update(embedded.steps[:, step], **about)
        self._num_images += len(batch.image)

    def compute(self) -> Evaluated:
        """Rank each set; every process has to call this."""
        speed = self._num_images / (time.perf_counter() - self._started)
        results = {name: metric.compute() for name, metric in self.metrics.items()}
        return Evaluated(EvaluationResults(results, "no labelled query and gallery was given"), self.metrics, speed)


def evaluate(
    network: DIEN, loaders: Mapping[str, Iterable[Sample]], protocol: Protocol | None = None, **how: Any
) -> Evaluated:
    """Embed and rank query and gallery of each set.

    Args:
        network: on the device to compute on.
        loaders: by set, "target" and "source" or one of them; `DomainPairDataModule.test_dataloader` gives such.
        protocol: how to count; the defaults of `Protocol` if not given.
        **how: of `Evaluation`: each_pass, precision, flip, channels_last.

    Raises:
        ValueError: a set of another name, or one that cannot be ranked.
    """
    evaluation = Evaluation(network, list(loaders), protocol, **how)
    for name, loader in loaders.items():
        for batch in loader:
            evaluation.update(batch, name)
    return evaluation.compute()


def gather_from_loader(
    network: DIEN,
    loader: Iterable[Sample],
    domain: Domain = "target",
    *,
    missing: bool = False,
    precision: str = "auto",
    channels_last: bool = True,
) -> None:
    """Take a domain's batch-norm statistics from these images, see `DIEN.gather_statistics`.

    Args:
        network: changed in place.
        loader: `DomainPairDataModule.statistics_dataloader`.
        domain: whose images these are.
        missing: see `DIEN.gather_statistics`.
        precision: see `embed`.
        channels_last: see `embed`.
    """
    with full_float32(), autocast(network, precision):
        images = (prepare(network, batch.image, channels_last) for batch in loader)
        network.gather_statistics(images, domain, missing)


def gather_missing(network: DIEN, data: Any, domain: Domain, *, begun: bool = False, **how: Any) -> None:
    """Take a domain's batch-norm statistics from its training images for the layers that have none, if there are any.

    Args:
        network: changed in place; with joint statistics, either domain's are enough.
        data: a `DomainPairDataModule`.
        domain: whose.
        begun: do nothing where no layer has any, or the domain has no images: a layer that is new (`final_norm`) gets
            what the others brought along.
        **how: of `gather_from_loader`: precision, channels_last.
    """
    if begun and not (domain in data.fingerprints and any(layer.gathered(domain) for layer in normalizations(network))):
        return
    is_joint = network.hyperparameters["statistics"] == "joint"
    if not any(network.gathered(each) for each in (DOMAINS if is_joint else (domain,))):
        gather_from_loader(network, data.statistics_dataloader(domain=domain), domain, missing=True, **how)
