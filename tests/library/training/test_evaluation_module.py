"""EvaluationModule: what it ranks of the loaders that a Trainer has, and what it logs."""

from __future__ import annotations

import warnings

import pytest
import torch

from dien_lightning.training import embed
from library.training.modules import build, trainer


@pytest.mark.parametrize("options", [{"num_sanity_val_steps": 2}, {"num_sanity_val_steps": 0, "fast_dev_run": True}])
def test_lightnings_own_first_looks_rank_nothing(data, options):
    data.eval_batch_size = 2  # two batches are queries alone
    module = build()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Running in `fast_dev_run` mode")
        trainer(**options).fit(module, data)
    assert set(module.results) == (set() if "fast_dev_run" in options else {"target", "source"})


@pytest.mark.parametrize("size", [8, 480])
def test_the_control_does_not_depend_on_the_evaluation_batch_size(size, data):
    expected = build(attention_loops=0).network
    expected.gather_statistics((batch.image for batch in data.statistics_dataloader()), "target")
    module, data.eval_batch_size = build(attention_loops=0), size
    module.gather_target_statistics = True
    trainer().test(module, data, verbose=False)
    assert all(torch.equal(value, expected.state_dict()[name]) for name, value in module.network.state_dict().items())


def test_loaders_without_a_data_module_are_the_targets_and_the_sources(data):
    module, run = build(), trainer()
    run.validate(module, data, verbose=False)
    target, source = data.val_dataloader()
    (figures,) = run.validate(module, target, verbose=False)  # not taken for the data module's
    assert set(module.results) == {"target"}
    run.test(module, [target, source], verbose=False)
    assert set(module.results) == {"target", "source", "pass0", "pass1"}
    assert figures["val/target_mAP"] == pytest.approx(module.results["target"].mAP)
    with pytest.raises(ValueError, match="3 evaluation loaders were given; give the target's, or"):
        run.validate(module, [target] * 3, verbose=False)


def test_a_module_without_a_trainer_embeds_as_the_network_does():
    module, crops = build(), torch.rand(2, 3, 64, 32)
    assert torch.equal(module.embed(crops).embedding, embed(module.network, crops).embedding)


def test_a_test_leaves_its_figures_with_the_trainer(data):
    module, run = build(), trainer()
    run.test(module, data, verbose=False)
    assert run.callback_metrics["test/target_rank1"] == pytest.approx(module.results["target"].rank(1))
    assert {"test/source_mAP", "test/pass1_mAP"} <= set(run.callback_metrics)
    assert run.callback_metrics["test/images_per_second"] == pytest.approx(module.images_per_second)


@pytest.mark.parametrize(("limit", "is_ranked"), [(1, False), (0.5, False), (99, True), (1.0, True)])
def test_part_of_a_gallery_is_not_ranked(limit, is_ranked, data, caplog):
    data.eval_batch_size = 2
    module = build()
    trainer(limit_val_batches=limit).fit(module, data)
    assert bool(module.results) is bool(module.metrics) is is_ranked
    for said in (caplog.text, str(module.results)):
        assert ("part of the gallery was left out (limit_val_batches, limit_test_batches)" in said) is not is_ranked


def test_statistics_are_gathered_from_a_data_module(data):
    module = build()
    module.gather_target_statistics = True
    data.setup()
    with pytest.raises(ValueError, match="gather_target_statistics needs a DomainPairDataModule"):
        trainer().test(module, data.val_dataloader()[0], verbose=False)
