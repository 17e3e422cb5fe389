"""DIENModule: what it hands to the losses, and whose statistics it evaluates with."""

from __future__ import annotations

import warnings

import pytest
import pytorch_lightning as pl
import torch

from dien_lightning import DIEN, DIENModule, DIENObjective, DomainPairDataModule
from dien_lightning.types import Sample


@pytest.fixture
def data(drawn_pair):
    return DomainPairDataModule(
        str(drawn_pair),
        "pedestrians_day",
        "pedestrians_night",
        num_ids=3,
        num_instances=2,
        target_batch_size=6,
        steps_per_epoch=1,
        image_size=(64, 32),
        num_workers=0,
    )


def build(objective_options=(), attention_loops=1, statistics="domain_and_pass", **options) -> DIENModule:
    torch.manual_seed(0)
    network = DIEN(
        "resnet18",
        weights=None,
        embedding_dim=16,
        attention_loops=attention_loops,
        image_size=(64, 32),
        statistics=statistics,
    )
    return DIENModule(network, DIENObjective(num_classes=6, embedding_dim=16, **dict(objective_options)), **options)


def trainer(**options) -> pl.Trainer:
    return pl.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **options,
    )


@pytest.fixture(autouse=True)
def without_lightnings_advice():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The .* does not have many workers")
        yield


@pytest.mark.parametrize(
    ("options", "module_options"),
    [
        ({}, {}),
        ({}, {"supervise": "every_pass"}),
        ({}, {"statistics": "joint"}),
        ({}, {"attention_loops": 0, "supervise": "every_pass"}),
        ({"triplet_weight": 0, "domain_weight": 0}, {}),
    ],
)
def test_trains_and_evaluates_both_sets(options, module_options, data):
    module = build(options, **module_options)
    run = trainer()
    run.fit(module, data)
    assert torch.isfinite(run.callback_metrics["train/loss_total"])
    assert {"val/target_rank1", "val/target_mAP", "val/source_rank1"} <= set(run.callback_metrics)


def test_every_pass_averages_the_objective_over_fused_and_own_embeddings():
    module = build(supervise="every_pass")
    output = module.network(torch.randn(4, 3, 64, 32), "source")
    fused, first, second = module._views(output)
    assert torch.equal(fused, output.embedding)
    assert torch.equal(first, output.steps[:, 0])
    assert torch.equal(second, output.steps[:, 1])


def test_base_never_reads_the_target_and_is_evaluated_with_source_statistics(data):
    module = build({"triplet_weight": 0, "domain_weight": 0}, attention_loops=0)
    data.target_batch_size = 0
    run = trainer()
    run.fit(module, data)
    assert module.statistics_for("target") == "source"
    run.test(module, data, verbose=False)
    plain = module.results["target"]
    module.gather_target_statistics = True
    run.test(module, data, verbose=False)
    assert module.statistics_for("target") == "target"
    assert module.results["target"].mAP != plain.mAP


def test_a_flip_changes_nothing_for_images_that_are_their_own_mirror_image():
    half = torch.randn(4, 3, 64, 16)
    images = torch.cat([half, half.flip(-1)], dim=-1)
    batch = Sample(images, torch.tensor([1, 1, 2, 2]), torch.tensor([0, 1, 0, 1]), torch.arange(4), torch.arange(4) < 1)
    embeddings = []
    for flip in (False, True):
        module = build(flip=flip).eval()
        module.metrics = {"target": (metric := Recorder())}
        module._images = 0
        with torch.no_grad():
            module._evaluate(batch, "target")
        embeddings.append(torch.nn.functional.normalize(metric.embedding, dim=1))
    torch.testing.assert_close(*embeddings)


class Recorder:
    def update(self, embedding, *about):
        self.embedding = embedding


def test_an_unknown_supervision_is_refused():
    with pytest.raises(ValueError, match="supervise='all' is not allowed; choose fused or every_pass"):
        build(supervise="all")


def test_a_module_without_objective_says_that_it_only_evaluates():
    module = DIENModule(DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=0))
    with pytest.raises(ValueError, match="objective=None: this module only evaluates"):
        module.parameter_groups()
    with pytest.raises(ValueError, match="objective=None: this module only evaluates; give it a DIENObjective"):
        module.training_step({}, 0)
