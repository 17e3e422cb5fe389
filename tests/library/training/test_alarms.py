"""Trouble is provoked and told once; a training that learns is left in peace."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dien_lightning import Recipe
from dien_lightning.network.normalization import DomainBatchNorm
from dien_lightning.training import HealthMonitor
from dien_lightning.training.recipe import LEARNING_RATES
from library.training.modules import build, trainer

TROUBLES = {
    "margin": "the triplet loss has been",
    "source": "the embedding spread is",
    "target": "the target's embedding spread is",
    "chance": "the domain classifier has been no better than chance",
    "certain": "the domain classifier has been right in",
}
HEALTHY = {  # means of the logged figures of r08 (T = 3) on the drawn pair, 500 steps, over each 50
    "loss_triplet": [0.471, 0.397, 0.255, 0.191, 0.142, 0.098, 0.079, 0.052, 0.056, 0.055],
    "loss_domain": [0.699, 0.696, 0.676, 0.671, 0.670, 0.676, 0.677, 0.676, 0.676, 0.672],
    "domain_accuracy": [0.494, 0.510, 0.581, 0.584, 0.579, 0.582, 0.577, 0.584, 0.575, 0.587],
    "embedding_spread": [0.91, 0.95, 0.97, 0.98, 0.98, 0.98, 0.99, 0.99, 0.99, 0.99],
    "target_spread": [0.91, 0.93, 0.95, 0.96, 0.97, 0.98, 0.98, 0.99, 0.99, 0.99],
}
NOISE = {"loss_triplet": 0.05, "loss_domain": 0.018, "domain_accuracy": 0.05}
"""Deviations of a single step, as in these runs; those of the spreads are 0.01."""


def said(figures, steps_each=50, batch=None, monitor=None, seed=0, noise=1.0, batches_a_step=1):
    """What a run is told whose figures have these means over each so many steps."""
    draw = np.random.default_rng(seed)
    monitor = monitor or HealthMonitor()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in range(steps_each * len(next(iter(figures.values())))):
            metrics = {}
            for name, means in figures.items():
                value = means[step // steps_each] + noise * NOISE.get(name, 0.01) * draw.standard_normal()
                metrics[f"train/{name}"] = torch.tensor(min(max(value, 0.0), 1.0))
            trainer = SimpleNamespace(callback_metrics=metrics, global_step=(step + 1) // batches_a_step)
            monitor.on_train_batch_end(trainer, None, None, batch, step)
    return [str(warning.message) for warning in caught]


def told(figures, **options):
    """(step, trouble) of each warning."""
    parts = [text.removeprefix("step ").split(": ", maxsplit=1) for text in said(figures, **options)]
    return [(int(step), *(name for name, words in TROUBLES.items() if text.startswith(words))) for step, text in parts]


@pytest.mark.parametrize("seed", range(20))
def test_a_training_that_learns_is_left_in_peace(seed):
    assert told(HEALTHY, seed=seed) == []


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # from ImageNet weights with the paper's rates, over each fifty steps of fourteen runs
        (
            {
                "loss_domain": [0.70, 0.69, 0.71, 0.70, 0.69, 0.70, 0.69, 0.71, 0.70, 0.69],
                "domain_accuracy": [0.48, 0.54, 0.50, 0.51, 0.53, 0.49, 0.54, 0.48, 0.50, 0.52],
            },
            [(300, "chance")],
        ),
        ({"loss_triplet": [0.6, 0.5, 0.305, 0.295, 0.308, 0.30, 0.31, 0.292, 0.30, 0.305]}, [(400, "margin")]),
        ({"loss_triplet": [0.1] * 3 + [0.30] * 7}, [(450, "margin")]),  # it had learned
        ({"embedding_spread": [0.9] * 4 + [0.004] * 6}, [(250, "source")]),
        ({"target_spread": [0.9] * 9 + [0.004]}, [(500, "target")]),
        ({"loss_domain": [0.7, 0.3] + [0.06] * 8, "domain_accuracy": [0.5, 0.9] + [0.98] * 8}, [(400, "certain")]),
    ],
)
def test_each_trouble_is_told_once_in_realistic_noise(changes, expected, seed):
    assert told(HEALTHY | changes, seed=seed) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"loss_domain": [0.69, 0.55] + [0.694] * 8, "domain_accuracy": [0.5, 0.7] + [0.5] * 8},  # learned, then fooled
        {"loss_domain": [0.7] * 5 + [0.66] * 5},  # a long warm-up
        {"loss_domain": [0.3] + [0.06] * 5 + [0.3] + [0.06] * 3},  # certain, but not for long
        {"loss_triplet": [0.35 - 0.01 * window for window in range(10)]},  # falls slowly past its margin
    ],
)
def test_what_passes_or_is_meant_to_be_is_not_told(changes):
    assert told(HEALTHY | changes) == []


def test_every_trouble_at_once_by_its_words():
    monitor = HealthMonitor(window=2, windows=2, margin=0.5)
    figures = {"loss_triplet": 0.5, "loss_domain": 0.7, "domain_accuracy": 0.5, "embedding_spread": 0.001}
    assert said({name: [value] * 4 for name, value in figures.items()}, 2, monitor=monitor, noise=0) == [
        "step 2: the embedding spread is 0.0010 (0 means that all images get one embedding). Lower the learning rates "
        "or objective.domain_weight; in self-training also network.batch_norm_size, else objective.center_weight.",
        "step 4: the triplet loss has been 0.500, its margin, for 4 steps: hardest positives are as far as hardest "
        "negatives. Lower the embedding's learning rate.",
        "step 4: the domain classifier has been no better than chance for 4 steps, and never before: its loss is 0.700 "
        "(chance: 0.693), its accuracy 50%. What it sends back means nothing, so adaptation is off. Raise "
        "optim.learning_rates.domain or objective.domain_weight, or lower objective.reversal.",
    ]


def test_a_figure_that_begins_within_a_window_is_divided_by_how_often_it_came():
    monitor = HealthMonitor(window=50, windows=1, collapsed=0.3)
    assert said({"embedding_spread": [0.5]}, 40, monitor=monitor, noise=0) == []
    assert said({"target_spread": [0.5]}, 10, monitor=monitor, noise=0) == []


def test_a_window_counts_steps_and_not_the_batches_that_make_one():
    figures = {"loss_domain": [0.694], "domain_accuracy": [0.5]}
    (sentence,) = said(figures, 4 * 300, noise=0, batches_a_step=4)
    assert sentence.startswith("step 300: the domain classifier has been no better than chance for 300 steps")


def test_chance_knows_how_many_images_are_the_targets():
    batch = {name: SimpleNamespace(image=range(size)) for name, size in (("source", 64), ("target", 32))}
    figures = {"loss_domain": [0.637] * 6, "domain_accuracy": [0.667] * 6}  # -(1/3 ln 1/3 + 2/3 ln 2/3) = 0.6365
    assert told(figures, batch=batch) == [(300, "chance")]
    assert told(figures) == []  # of two equal halves this would be better


def test_a_resumed_run_remembers_that_the_classifier_had_learned():
    before, after = HealthMonitor(), HealthMonitor()
    told({"loss_domain": [0.6]}, monitor=before)
    after.load_state_dict(before.state_dict())
    fooled = {"loss_domain": [0.694] * 10}
    assert told(fooled, monitor=after) == []
    assert told(fooled) == [(300, "chance")]


@pytest.mark.parametrize("name", ["window", "windows"])
def test_windows_and_their_steps_must_be_one_at_least(name):
    with pytest.raises(ValueError, match=rf"{name}=0 must be a whole number of at least 1"):
        HealthMonitor(**{name: 0})


def test_a_training_whose_embeddings_collapsed_is_told_of_all_its_troubles(data):
    module = build(recipe=Recipe(learning_rates=dict.fromkeys(LEARNING_RATES, 1e-20)))  # it cannot help itself
    for layer in module.network.embedding.modules():
        if isinstance(layer, DomainBatchNorm):
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.ones_(layer.bias)
    data._steps_per_epoch = 4
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer(callbacks=[HealthMonitor(window=2, windows=2)], limit_val_batches=0).fit(module, data)
    for words in (
        "step 2: the embedding spread is 0.0000",
        "step 2: the target's embedding spread is 0.0000",
        "step 4: the triplet loss has been 0.300, its margin, for 4 steps",
        "step 4: the domain classifier has been no better than chance for 4 steps",
    ):
        assert sum(str(warning.message).startswith(words) for warning in caught) == 1
