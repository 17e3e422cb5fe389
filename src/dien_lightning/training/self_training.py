"""SelfTrainingModule: the second stage, which trains a network on pseudo-labels that it makes of the target itself."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor
from torch.nn.functional import normalize

from dien_lightning.data.cluster_sampler import with_outliers_packed
from dien_lightning.data.dataset import seeded
from dien_lightning.data.fingerprint import what_changed
from dien_lightning.losses.cluster import summed
from dien_lightning.losses.self_training import SelfTrainingObjective
from dien_lightning.network import DIEN, Domain
from dien_lightning.processes import Processes
from dien_lightning.training.embedding import embed
from dien_lightning.training.evaluation import gather_missing
from dien_lightning.training.module import DIENModule
from dien_lightning.training.preconditions import CHECKPOINT_DATA, required_objective
from dien_lightning.training.rounds import Labeled, Rounds, check_drawn_once, check_two_clusters, figures_of, troubles
from dien_lightning.types import UNLABELED, Sample, with_outliers_alone

CHECKPOINT_ROUND = "self_training"
"""The key of a training checkpoint that holds the round it was written in."""


class SelfTrainingModule(DIENModule):
    """Labels the target by clusters of its own embeddings, trains on these labels, and labels it anew.

    Each round embeds all training images of the target in evaluation mode, each process its share, clusters them, and
    fills the memory and the sampler. No label of the target is read: its samples carry none, and an image's cluster is
    known by `Sample.index`. Needs a `SelfTrainingDataModule`.

    Args:
        network: to begin with, such as `load_network` gives; where it has no batch-norm statistics of a domain, these
            are gathered first, those of a layer that is new (`final_norm`) of each domain that the others have.
        objective: with `num_clusters` for rounds by "pul", else with a memory.
        rounds: how often and how to label.
        **options: of `DIENModule`: recipe, protocol, supervise.

    Raises:
        ValueError: an objective that does not fit the network or the rounds; while training, fewer than two clusters
            where the source shares no memory with them, or another target than that of the round that is taken up.
    """

    objective: SelfTrainingObjective  # type: ignore[assignment]

    def __init__(
        self, network: DIEN, objective: SelfTrainingObjective, rounds: Rounds | None = None, **options: Any
    ) -> None:
        super().__init__(network.train(), objective, **options)  # type: ignore[arg-type]
        self.rounds = rounds or Rounds()
        classes = None if objective.identity is None else objective.identity.classifier.out_features
        if classes != (self.rounds.num_clusters if self.rounds.method == "pul" else None):
            raise ValueError(
                f"the objective has num_clusters={classes}, and rounds by {self.rounds.method!r} have "
                f"num_clusters={self.rounds.num_clusters}; for 'pul' give both the same number; for 'clusters' build "
                f"the objective with num_clusters=None."
            )
        self.labels: Tensor | None = None  # (N,) of the round
        self._first_epoch = -1  # of the round
        self._labeled: dict[str, Any] | None = None  # the fingerprint of the target that a checkpoint's labels are of
        self._threshold: float | None = None
        self._rows = torch.zeros(0, dtype=torch.long)  # (N,) which entry, or class, is each image's
        self._start = copy.deepcopy(network.state_dict()) if self.rounds.method == "pul" else {}
        self._told: set[str] = set()

    @classmethod
    def for_data(cls, network: Any, objective: Any, data: Any, **options: Any) -> SelfTrainingModule:
        """As `DIENModule.for_data`; `objective` is given the network's `embedding_dim`."""
        made = network()
        loss = required_objective(objective)(embedding_dim=made.embedding_dim)
        check_drawn_once(options.get("rounds"), data)
        data.takes_source = loss.needs_source
        return cls(made, loss, **options)

    def training_step(self, batch: dict[str, Sample], batch_idx: int) -> Tensor:
        rows = Processes().join(self._rows[torch.as_tensor(batch["target"].index)])
        pids = None
        if self.objective.needs_source:
            source, target = self._embed(batch)
            assert target is not None
            targets, sources = self._views(target, source)
            pids = Processes().join(torch.as_tensor(batch["source"].pid))
        else:
            targets, sources = self._views(self(batch["target"].image, "target"), None)
        progress = self._progress
        outputs = [self.objective(t, rows, s, pids, progress) for t, s in zip(targets, sources, strict=True)]
        loss = self._loss_of(outputs, batch_idx)
        self.objective.update(targets[0], rows, sources[0], pids)
        return loss

    def setup(self, stage: str) -> None:
        super().setup(stage)
        if stage == "fit":  # another training's labels may be of other images; a checkpoint brings its own, after this
            self.labels, self._first_epoch, self._threshold = None, -1, None
            for memory in self.objective.memories.values():
                memory.restore(torch.zeros(0, 0), torch.zeros(0, dtype=torch.long))

    def on_train_start(self) -> None:
        change = what_changed(self._labeled, self._datamodule.fingerprints["target"]) if self._labeled else ""
        if change and self._is_in_round:
            raise ValueError(
                f"epoch {self.current_epoch} goes on with pseudo-labels of the target as it was: {change}. Put it back "
                f"until the round has ended, or start anew."
            )
        if change:
            self.labels = None  # of other images
        if self.labels is not None:
            self._deal_out(self.labels)  # a resumed round goes on

    def on_train_epoch_start(self) -> None:
        if not self._is_in_round:
            self._begin_round()

    @property
    def _is_in_round(self) -> bool:
        return self.labels is not None and 0 <= self.current_epoch - self._first_epoch < self.rounds.epochs

    def _begin_round(self) -> None:
        embedding, is_there = self._embed_all("target")
        before, number = self.labels, torch.full((len(embedding),), UNLABELED)
        labeled = Labeled(number)
        with Processes().failing_together():
            if Processes().rank == 0:  # one process decides, whatever the others' rounding
                labeled = self.rounds.label(embedding[is_there], self._threshold)
                number[is_there.cpu()] = labeled.labels
        threshold = torch.tensor([torch.nan if labeled.threshold is None else labeled.threshold], dtype=torch.float64)
        threshold = Processes().share(threshold, sender=0)
        self._threshold = None if bool(threshold.isnan()) else float(threshold)
        self.labels, self._first_epoch = Processes().share(number, sender=0), self.current_epoch
        self._look_at(self.labels, before)
        if self.rounds.method == "pul":
            self._begin_again()
        else:
            self._fill(embedding)
        gather_missing(self.network, self._datamodule, "source", begun=True, precision=self._precision)
        self._deal_out(self.labels)

    def _embed_all(self, domain: Domain) -> tuple[Tensor, Tensor]:  # (N, D), (N,)
        """L2-normalised embeddings of a domain's training images, and which of them could be read."""
        data: Any = self._datamodule
        gather_missing(self.network, data, domain, precision=self._precision)
        places: list[Tensor] = []
        loader = data.embedding_dataloader(domain)

        def images() -> Any:
            for batch in loader:
                places.append(batch.index)
                yield batch

        like = next(self.network.parameters())
        whole = like.new_zeros(len(getattr(data, domain).train), 1 + self.network.embedding_dim)
        if len(loader):  # a process may have no share of a small set
            found = normalize(embed(self.network, images(), domain=domain, precision=self._precision).embedding, dim=1)
            whole[torch.cat(places).to(like.device)] = torch.cat([torch.ones_like(found[:, :1]), found], dim=1)
        whole = Processes().sum(whole)
        count = whole[:, :1]  # above 1 where an image took an unreadable one's place in another process's batch
        return whole[:, 1:] / count.clamp(min=1), count[:, 0] > 0

    def _look_at(self, labels: Tensor, before: Tensor | None) -> None:
        from dien_lightning.clustering import summarize_clusters  # noqa: PLC0415  (scikit-learn takes its time)

        data: Any = self._datamodule
        summary = summarize_clusters(labels, before, torch.tensor([record.camid for record in data.target.train]))
        figures = figures_of(summary)
        self.log_dict(figures, logger=False, rank_zero_only=True)  # for callbacks
        for logger in self.loggers:  # at once: Lightning's turn comes after this epoch's checkpoint, or never
            logger.log_metrics({**figures, "epoch": self.current_epoch}, step=self.global_step)
        if not self.objective.shares_memory:
            check_two_clusters(summary, self.rounds.method, self.current_epoch)
        for name, sentence in troubles(summary, self.rounds.method).items():
            if name not in self._told:
                self._told.add(name)
                rank_zero_warn(f"epoch {self.current_epoch}: {sentence}")

    def _fill(self, embedding: Tensor) -> None:
        """The memory: the clusters' means, or the source's classes and every image; once, the source's of its own."""
        memory, source = self.objective.memory, self.objective.source_memory
        assert memory is not None
        assert self.labels is not None
        labels = self.labels.to(embedding.device)
        if self.objective.shares_memory:
            classes = memory.entries[: self._datamodule.num_classes] if len(memory.entries) else self._source_classes()
            first = torch.arange(len(classes), device=labels.device)
            own = len(classes) + with_outliers_alone(labels)
            memory.fill(torch.cat([classes, embedding]), torch.cat([first, own]))
            return
        kept = labels != UNLABELED
        memory.fill(summed(embedding[kept], labels[kept]))
        if source is not None and not len(source.entries):
            source.fill(self._source_classes())

    def _source_classes(self) -> Tensor:  # (C, D), of any length
        data: Any = self._datamodule
        embedding, _ = self._embed_all("source")
        return summed(embedding, torch.tensor([record.pid for record in data.source.train], device=embedding.device))

    def _deal_out(self, labels: Tensor) -> None:
        """Tell the sampler which images are drawn together, and each image which entry or class is its own."""
        data: Any = self._datamodule
        images = torch.arange(len(labels))
        if self.rounds.method == "pul":  # every image is drawn as often as any other
            groups, self._rows = images.where(labels != UNLABELED, UNLABELED), labels
        elif self.objective.shares_memory:
            groups, self._rows = with_outliers_packed(labels, data.target_num_instances), data.num_classes + images
        else:
            groups = self._rows = labels
        self._rows = self._rows.to(self.device)
        data.assign(groups.tolist())

    def _begin_again(self) -> None:
        """PUL: the first network, and a classifier that knows nothing."""
        assert self.objective.identity is not None
        self.network.load_state_dict(self._start)
        classifier = self.objective.identity.classifier
        with seeded(self.rounds.seed + self.current_epoch):  # on the CPU, so that each device begins alike
            fresh = torch.nn.Linear(classifier.in_features, classifier.out_features)
        classifier.load_state_dict(fresh.state_dict())
        for optimizer in self.trainer.optimizers:
            optimizer.state.clear()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_save_checkpoint(checkpoint)
        checkpoint[CHECKPOINT_ROUND] = {
            "labels": self.labels,
            "first_epoch": self._first_epoch,
            "threshold": self._threshold,
            **{name: (memory.entries, memory.classes) for name, memory in self.objective.memories.items()},
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        super().on_load_checkpoint(checkpoint)
        round_ = checkpoint.get(CHECKPOINT_ROUND)
        if round_ is None or round_["labels"] is None:
            return
        self.labels, self._first_epoch = round_["labels"], round_["first_epoch"]
        self._labeled = checkpoint.get(CHECKPOINT_DATA, {}).get("target")
        self._threshold = round_["threshold"]
        for name, memory in self.objective.memories.items():
            memory.restore(*(part.to(self.device) for part in round_[name]))

    @property
    def _settings(self) -> dict[str, Any]:
        return {**super()._settings, "rounds": asdict(self.rounds)}
