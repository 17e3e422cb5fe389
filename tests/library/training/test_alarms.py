"""Trouble is provoked and told once; a training that learns is left in peace."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import pytest
import torch

from dien_lightning import DomainPairDataModule
from dien_lightning.network.normalization import DomainBatchNorm
from dien_lightning.training import HealthMonitor
from dien_lightning.training.recipe import LEARNING_RATES
from library.training.test_module import build, trainer


def watch(monitor, triplets, spreads):
    """Warnings of a run whose steps logged these figures."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step, (triplet, spread) in enumerate(zip(triplets, spreads, strict=True), start=1):
            logged = {"train/loss_triplet": triplet, "train/embedding_spread": spread}
            metrics = {name: torch.tensor(value) for name, value in logged.items() if value is not None}
            trainer = SimpleNamespace(callback_metrics=metrics, global_step=step)
            monitor.on_train_batch_end(trainer, None, None, None, step - 1)
    return [str(warning.message) for warning in caught]


def test_a_triplet_loss_at_its_margin_is_told():
    told = watch(HealthMonitor(window=4), [0.31, 0.29, 0.301, 0.299], [0.8] * 4)
    assert len(told) == 1
    assert told[0].startswith("step 4: the triplet loss has been 0.300, its margin, for 4 steps")
    assert told[0].endswith("Lower the embedding's learning rate.")


def test_collapsed_embeddings_are_told():
    told = watch(HealthMonitor(window=2), [0.1] * 2, [0.01, 0.0])
    assert len(told) == 1
    assert told[0].startswith("step 2: the embedding spread is 0.0050 (0 means that all images get one embedding).")


def logged_in_every_step(figures):
    """Warnings of a run whose every step logged these figures."""
    metrics = {name: torch.tensor(value) for name, value in figures.items()}
    monitor = HealthMonitor(window=2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for step in (1, 2):
            trainer = SimpleNamespace(callback_metrics=metrics, global_step=step)
            monitor.on_train_batch_end(trainer, None, None, None, step - 1)
    return [str(warning.message) for warning in caught]


def test_a_collapsed_target_is_told_where_the_source_is_not():
    (told,) = logged_in_every_step({"train/embedding_spread": 0.8, "train/target_spread": 0.01})
    assert told.startswith("step 2: the target's embedding spread is 0.0100")


def test_both_at_once_and_each_once_alone():
    told = watch(HealthMonitor(window=2), [0.3] * 8, [0.0] * 8)
    assert len(told) == 2
    assert ["margin" in told[0], "spread" in told[1]] == [True, True]


def test_trouble_that_comes_later_is_told_when_it_comes():
    told = watch(HealthMonitor(window=2), [0.6, 0.5, 0.3, 0.3], [0.9] * 4)
    assert [text.split(":")[0] for text in told] == ["step 4"]


@pytest.mark.parametrize(
    ("triplets", "spreads"),
    [
        ([0.6, 0.45, 0.35, 0.2, 0.1, 0.05], [0.7] * 6),  # learning
        ([0.3, 0.1] * 3, [0.02, 0.5] * 3),  # troubled in single steps, not in the mean
        ([None] * 6, [0.7] * 6),  # no triplet loss
        ([None] * 6, [None] * 6),
        ([0.3], [0.0]),  # the window is not full
    ],
)
def test_silent_otherwise(triplets, spreads):
    assert watch(HealthMonitor(window=2), triplets, spreads) == []


def test_the_margin_is_the_objectives():
    assert watch(HealthMonitor(window=1, margin=0.5), [0.3], [0.9]) == []
    assert len(watch(HealthMonitor(window=1, margin=0.5), [0.5], [0.9])) == 1


def watch_domain(accuracies, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        monitor = HealthMonitor(window=2, domain_windows=3, **options)
        for step, accuracy in enumerate(accuracies, start=1):
            trainer = SimpleNamespace(
                callback_metrics={"train/domain_accuracy": torch.tensor(accuracy)}, global_step=step
            )
            monitor.on_train_batch_end(trainer, None, None, None, step - 1)
    return [str(warning.message) for warning in caught]


def test_a_domain_classifier_that_always_wins_is_told_once():
    (told,) = watch_domain([1.0, 0.99] * 6)
    assert told == (
        "step 6: the domain classifier has been right in 100% of all cases for 6 steps, so the domains stay apart. "
        "Raise objective.domain_weight or objective.reversal."
    )


def test_a_domain_classifier_at_chance_is_told():
    (told,) = watch_domain([0.9, 0.8, 0.5, 0.5, 0.4, 0.6, 0.5, 0.5])
    assert told.startswith(
        "step 8: the domain classifier has been right in 50% of all cases for 6 steps, as if by chance."
    )


@pytest.mark.parametrize(
    "accuracies",
    [
        [1.0] * 4 + [0.8] * 2 + [1.0] * 4,  # not for long
        [0.5] * 5,
        [0.7] * 20,
        [0.2] * 20,
    ],
)
def test_a_domain_classifier_that_struggles_is_left_in_peace(accuracies):
    assert watch_domain(accuracies) == []


def test_domain_windows_must_be_one_at_least():
    with pytest.raises(ValueError, match=r"domain_windows=0 must be a whole number of at least 1"):
        HealthMonitor(domain_windows=0)


def test_window_must_be_a_step_at_least():
    with pytest.raises(ValueError, match=r"window=0 must be a whole number of at least 1"):
        HealthMonitor(window=0)


def test_a_training_whose_embeddings_collapsed_is_told_of_all_its_troubles(drawn_pair):
    module = build(learning_rates=dict.fromkeys(LEARNING_RATES, 1e-20))  # it cannot help itself
    for layer in module.network.embedding.modules():
        if isinstance(layer, DomainBatchNorm):
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.ones_(layer.bias)
    sizes = {"num_ids": 3, "num_instances": 2, "target_batch_size": 6, "steps_per_epoch": 4, "image_size": (64, 32)}
    data = DomainPairDataModule(str(drawn_pair), "pedestrians_day", "pedestrians_night", num_workers=0, **sizes)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer(callbacks=[HealthMonitor(window=2, domain_windows=2)], limit_val_batches=0).fit(module, data)
    told = [str(warning.message) for warning in caught]
    for words in (
        "step 2: the triplet loss has been 0.300, its margin, for 2 steps",
        "step 2: the embedding spread is 0.0000",
        "step 2: the target's embedding spread is 0.0000",
        "step 4: the domain classifier has been right in 50% of all cases for 4 steps, as if by chance.",
    ):
        assert sum(text.startswith(words) for text in told) == 1
