"""Can the domain classifier learn anything where batch norm has aligned the domains, and what makes it learn?

    make weights
    dien draw root=data/drawn1 seed=1
    python benchmarks/domain_classifier.py weights=FILE [data=data/drawn1] [variants=none,paper,...] [epochs=10]
        [seeds=0] [precision=auto] [output=results/domain_classifier.json]

Each variant trains Base + CCCDTL (lambda 1) + DC on the tuning pair, day -> night, by MobileNetV2 from `weights`
(ImageNet), the backbone's rate 1e-2 and the others the paper's: 50 steps an epoch. It says

- how often the classifier was right in the last 50 steps of training,
- how often a linear classifier that only looks (no gradient goes back) tells held-out images of the two domains apart,
  after the last batch norm (`embedding`), before it (`projection`) and before the embedding layer (`pooled`),
- rank-1 and mAP of the target, mAP of the source's held-out people.

A finished variant is kept in `output` and not run again. Labels of the target serve the last figures alone.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from omegaconf import OmegaConf
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from dien_lightning import DIEN, DIENModule, DIENObjective, DomainPairDataModule
from dien_lightning.experiments.files import write_json
from dien_lightning.losses import DomainAdversarialLoss
from dien_lightning.losses.domain import DomainTerms
from dien_lightning.training import Recipe, embed, resolve_precision

PLACES = {"embedding": "embedding", "projection": "embedding.0", "pooled": "pooling"}
"""Where a classifier may look, and the part of the network whose output that is."""
STEPS = 50


class Variant(NamedTuple):
    """How the domain classifier is trained.

    Attributes:
        place: what it sees.
        weight: beta2, of its loss.
        reversal: coefficient of the gradient that goes back.
        rate: of the classifier itself.
        passes: T; above 0 each pass's embedding has the losses of its own.
    """

    place: str = "embedding"
    weight: float = 0.1
    reversal: float = 1.0
    rate: float = 0.1
    passes: int = 0


VARIANTS = {
    "none": Variant(weight=0.0),
    "paper": Variant(),
    "full_weight": Variant(weight=1.0),
    "reversed_alone": Variant(weight=1.0, reversal=0.1),
    "slow": Variant(weight=1.0, reversal=0.1, rate=0.01),
    "fast": Variant(rate=10.0),
    "fast_full": Variant(weight=1.0, rate=1.0),
    "projection": Variant("projection", weight=1.0, reversal=0.1, rate=0.01),
    "projection_full": Variant("projection", weight=1.0, reversal=1.0, rate=0.01),
    "each_pass": Variant(weight=1.0, reversal=0.1, rate=0.01, passes=1),
    "pooled": Variant("pooled", weight=1.0, reversal=0.1, rate=0.01),
    "pooled_full": Variant("pooled", weight=1.0, reversal=1.0, rate=0.01),
}


class _Watched:
    """Keeps the last two outputs of a part of the network: a step's source, then its target."""

    def __init__(self, network: DIEN, place: str) -> None:
        self.outputs: deque[Tensor] = deque(maxlen=2)
        network.get_submodule(PLACES[place]).register_forward_hook(lambda *call: self.outputs.append(call[-1]))


class _DomainLossAt(DomainAdversarialLoss):
    """The domain classifier's loss on what is watched, instead of the embeddings."""

    def __init__(self, watched: _Watched, width: int, reversal: float) -> None:
        super().__init__(width, reversal=reversal)
        self.watched = watched

    def terms(self, _source: Tensor, _target: Tensor, progress: float = 1.0) -> DomainTerms:
        """As `DomainAdversarialLoss.terms`."""
        return super().terms(*self.watched.outputs, progress)


class _Accuracy(pl.Callback):
    """How often the classifier is right, over the last steps."""

    def __init__(self) -> None:
        self.values: deque[float] = deque(maxlen=STEPS)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Note a step's."""
        if "train/domain_accuracy" in trainer.callback_metrics:
            self.values.append(float(trainer.callback_metrics["train/domain_accuracy"]))

    @property
    def mean(self) -> float | None:
        """None where there is no classifier."""
        return sum(self.values) / len(self.values) if self.values else None


def separability(network: DIEN, data: DomainPairDataModule) -> dict[str, float]:
    """By place, the share of held-out images whose domain a linear classifier tells; 0.5 is chance."""
    watched = {place: _Watched(network, place) for place in PLACES}
    seen: dict[str, list[Tensor]] = {place: [] for place in PLACES}
    domains: list[Tensor] = []
    for number, domain in enumerate(("source", "target")):
        for batch in data.statistics_dataloader(domain=domain):
            embed(network, batch.image, domain=domain)
            for place, own in watched.items():
                seen[place].append(own.outputs[-1].detach().float())
            domains.append(torch.full((len(batch.image),), number))
    answers = torch.cat(domains).numpy()
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
    shuffled = torch.randperm(len(answers), generator=torch.Generator().manual_seed(0)).numpy()
    return {
        place: float(cross_val_score(classifier, torch.cat(own).numpy()[shuffled], answers[shuffled], cv=3).mean())
        for place, own in seen.items()
    }


def run(variant: Variant, options: Any, seed: int) -> dict[str, Any]:
    """Train one variant and look at it."""
    pl.seed_everything(seed, verbose=False)
    data = DomainPairDataModule(
        options.data,
        source="pedestrians_day",
        target="pedestrians_night",
        image_size=(128, 64),
        steps_per_epoch=STEPS,
        num_workers=0,
        seed=seed,
    )
    data.prepare_data()
    data.setup()
    network = DIEN(
        "mobilenet_v2", weights=options.weights, embedding_dim=512, attention_loops=variant.passes, image_size=(128, 64)
    )
    objective = DIENObjective(data.num_classes, 512, domain_weight=variant.weight, reversal=variant.reversal)
    if objective.domain is not None and variant.place != "embedding":
        width = network.embedding[0].in_features if variant.place == "pooled" else 512
        objective.domain = _DomainLossAt(_Watched(network, variant.place), width, variant.reversal)
    recipe = Recipe(
        learning_rates={"backbone": 1e-2, "domain": variant.rate}, milestones=[max(1, 2 * options.epochs // 3)]
    )
    accuracy = _Accuracy()
    module = DIENModule(network, objective, recipe=recipe, supervise="every_pass")
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=options.epochs,
        gradient_clip_val=1,
        precision=resolve_precision(options.precision),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        check_val_every_n_epoch=options.epochs,
        callbacks=[accuracy],
    )
    trainer.fit(module, data)
    figures = {name: module.results[name].figures() for name in ("target", "source")}
    return {
        **variant._asdict(),
        "seed": seed,
        "training_accuracy": accuracy.mean,
        "separability": separability(network, data),
        "target_rank1": figures["target"]["rank1"],
        "target_mAP": figures["target"]["mAP"],
        "source_mAP": figures["source"]["mAP"],
        "precision": resolve_precision(options.precision),
    }


def main() -> None:
    """Run what is missing, print a table."""
    asked = OmegaConf.from_cli(sys.argv[1:])
    defaults = {"data": "data/drawn1", "variants": ",".join(VARIANTS), "epochs": 10, "seeds": "0", "precision": "auto"}
    options = OmegaConf.merge({**defaults, "output": "results/domain_classifier.json"}, asked)
    output = Path(options.output)
    runs = json.loads(output.read_text())["runs"] if output.exists() else []
    command = f"python benchmarks/domain_classifier.py weights=FILE epochs={options.epochs} variants={options.variants}"
    for seed in map(int, str(options.seeds).split(",")):
        for name in options.variants.split(","):
            if not any(run["variant"] == name and run["seed"] == seed for run in runs):
                runs.append({"variant": name, **run(VARIANTS[name], options, seed)})
                write_json(output, {"command": command, "steps": STEPS * options.epochs, "runs": runs})
    print("| variant | seed | right in training | embedding | projection | pooled | rank-1 / mAP | source mAP |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for each in runs:
        told = [each["training_accuracy"], *(each["separability"][place] for place in PLACES)]
        cells = [each["variant"], each["seed"], *("–" if value is None else f"{value:.2f}" for value in told)]
        cells += [
            f"{100 * each['target_rank1']:.1f} / {100 * each['target_mAP']:.1f}",
            f"{100 * each['source_mAP']:.1f}",
        ]
        print("| " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()
