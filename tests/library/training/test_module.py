"""DIENModule: what it hands to the losses, and whose statistics it evaluates with."""

from __future__ import annotations

import pytest
import pytorch_lightning as pl
import torch

from dien_lightning import DIEN, DIENModule, Recipe
from library.training.modules import build, trainer


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


def test_a_network_that_was_evaluated_before_trains_in_training_mode(data):
    module = build()
    module.eval()
    trainer().fit(module, data)
    assert module.network.gathered("source")  # batch norm has seen training batches
    assert all(part.training for part in module.network.modules())


def test_every_pass_averages_the_objective_over_fused_and_own_embeddings():
    module = build(supervise="every_pass")
    output = module.network(torch.randn(4, 3, 64, 32), "source")
    nothing, (fused, first, second) = module._views(None, output)
    assert nothing == [None] * 3
    assert torch.equal(fused, output.embedding)
    assert torch.equal(first, output.steps[:, 0])
    assert torch.equal(second, output.steps[:, 1])


@pytest.mark.parametrize("statistics", ["domain_and_pass", "joint"])
def test_base_never_reads_the_target_and_is_evaluated_with_source_statistics(statistics, data):
    module = build({"triplet_weight": 0, "domain_weight": 0}, attention_loops=0, statistics=statistics)
    data.target_batch_size = 0
    run = trainer()
    run.fit(module, data)
    assert module.network.statistics_for("target") == "source"
    run.test(module, data, verbose=False)
    plain = module.results["target"]
    module.gather_target_statistics = True
    run.test(module, data, verbose=False)
    assert module.network.statistics_for("target") == "target"
    assert module.results["target"].mAP != plain.mAP


class Stop(pl.Callback):
    """Ends a training before its first step."""

    def on_train_start(self, trainer, pl_module):
        trainer.should_stop = True
        trainer.fit_loop.epoch_loop.min_steps = None


@pytest.mark.parametrize(
    ("limits", "batches"),
    [
        ({"max_epochs": 6}, 4),
        ({"max_epochs": None, "max_steps": 12}, 4),
        ({"max_epochs": 6, "max_steps": 2}, 4),
        ({"max_epochs": -1}, 4),
        ({"max_epochs": 6, "accumulate_grad_batches": 2}, 4),
        ({"max_epochs": 6, "limit_train_batches": 3}, 4),
        ({"max_epochs": 6, "limit_train_batches": 0}, 4),
    ],
)
def test_milestones_are_epochs_however_the_training_is_limited(limits, batches, data):
    data._steps_per_epoch = batches
    module = build(attention_loops=0, recipe=Recipe(milestones=[2, 4]))
    run = trainer(callbacks=[Stop()], limit_val_batches=0, **limits)
    run.fit(module, data)
    last, given = list(limits.items())[-1]
    steps = {"accumulate_grad_batches": batches / 2, "limit_train_batches": given}.get(last, batches)
    assert sorted(module.lr_schedulers().milestones) == ([2 * steps, 4 * steps] if steps else [])


class OneBatch(pl.Callback):
    """Trains on its first batch again and again; remembers the gradient of each step, which changes nothing."""

    def __init__(self):
        self.batch, self.gradients = None, []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.batch = self.batch or dict(batch)
        batch.update(self.batch)

    def on_before_optimizer_step(self, trainer, pl_module, optimizer):
        self.gradients.append(pl_module.network.embedding[0].weight.grad.clone())
        for parameter in pl_module.parameters():
            parameter.grad = None


@pytest.mark.parametrize("together", [2, 3])
def test_an_epochs_last_step_is_a_mean_over_its_batches_too(together, data):
    data._steps_per_epoch = 4
    watch, module = OneBatch(), build({"triplet_weight": 0, "domain_weight": 0, "identity_dropout": 0.0}, 0)
    trainer(limit_val_batches=0, callbacks=[watch], accumulate_grad_batches=together).fit(module, data)
    assert len(watch.gradients) == 2
    for gradient in watch.gradients:
        torch.testing.assert_close(gradient, watch.gradients[0])


@pytest.mark.parametrize("kind", ["milestones", "one_cycle"])
def test_a_checkpoint_is_evaluated_by_any_trainer_and_without_one(kind, data, tmp_path):
    run = trainer()
    run.fit(build(attention_loops=0, recipe=Recipe(schedule=kind)), data)
    run.save_checkpoint(tmp_path / "run.ckpt")
    expected = run.lightning_module.network.state_dict()
    with_objective = build(attention_loops=0)
    for module in (with_objective, DIENModule(build(attention_loops=0).network)):
        trainer(max_epochs=5).test(module, data, ckpt_path=tmp_path / "run.ckpt", weights_only=True, verbose=False)
        assert 0 <= module.results["target"].mAP <= 1
    loaded = DIENModule.load_from_checkpoint(
        tmp_path / "run.ckpt",
        network=build(attention_loops=0).network,
        objective=build(attention_loops=0).objective,
        weights_only=True,
    )
    for module in (with_objective, loaded):
        assert all(torch.equal(value, expected[name]) for name, value in module.network.state_dict().items())


def test_a_module_without_objective_says_that_it_only_evaluates(data):
    module = DIENModule(DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=0))
    with pytest.raises(ValueError, match="objective=None: this module only evaluates"):
        trainer().fit(module, data)


class Watched(pl.Callback):
    """Remembers which images each step sees; may save a checkpoint after one of them."""

    def __init__(self, path=None, after=None):
        self.path, self.after, self.steps = path, after, []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.steps.append([batch[domain].index.tolist() for domain in ("source", "target")])

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.global_step == self.after:
            trainer.save_checkpoint(self.path)


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_any_checkpoint_is_taken_up_at_its_own_step(after, data, tmp_path):
    data._steps_per_epoch = 3
    whole, rest = Watched(tmp_path / "step.ckpt", after), Watched()
    first, second = (build({"identity_dropout": 0.0}) for _ in range(2))
    trainer(max_epochs=2, limit_val_batches=0, callbacks=[whole]).fit(first, data)
    trainer(max_epochs=2, limit_val_batches=0, callbacks=[rest]).fit(
        second, data, ckpt_path=whole.path, weights_only=True
    )
    assert rest.steps == whole.steps[after:]
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_a_checkpoint_of_another_recipe_is_refused(data, tmp_path):
    run = trainer(limit_val_batches=0)
    run.fit(build(attention_loops=0), data)
    run.save_checkpoint(tmp_path / "run.ckpt")
    other = build(attention_loops=0, supervise="every_pass", recipe=Recipe(momentum=0.5))
    with pytest.raises(
        ValueError, match=r"trained with supervise=fused \(not every_pass\), momentum=0\.9 \(not 0\.5\)"
    ):
        trainer(max_epochs=2).fit(other, data, ckpt_path=tmp_path / "run.ckpt", weights_only=True)


def test_a_fit_after_the_test_of_a_checkpoint_begins_at_the_beginning(data, tmp_path):
    data._steps_per_epoch = 3
    first, then = Watched(tmp_path / "step.ckpt", 2), Watched()
    trainer(limit_val_batches=0, callbacks=[first]).fit(build(), data)
    run, module = trainer(limit_val_batches=0, callbacks=[then]), build()
    run.test(module, data, ckpt_path=first.path, verbose=False, weights_only=True)
    run.fit(module, data)
    assert then.steps == first.steps


def test_the_total_is_the_mean_over_what_the_losses_see(data):
    module = build({"identity_dropout": 0.0}, supervise="every_pass")
    with torch.no_grad():
        for parameter in module.network.attention.parameters():
            parameter.add_(torch.randn_like(parameter))  # else every mask is 1, and the passes say the same
    seen = []
    module.objective.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    logged = {}
    module.log_dict = lambda values, **_options: logged.update(values)
    trainer(limit_val_batches=0).fit(module, data)
    totals = torch.stack([output.total for output in seen])
    assert len(totals) == 3
    assert logged["train/loss_total"] == pytest.approx(float(totals.detach().mean()))
    assert logged["train/loss_identity"] == float(seen[0].terms["identity"])
    assert logged["train/loss_identity"] != float(seen[2].terms["identity"])


@pytest.mark.parametrize(
    ("run", "objective", "changes", "words"),
    [
        ({"overfit_batches": 2}, {}, {}, "overfit_batches=2 takes the sampler of P x K batches away"),
        ({"precision": "bf16-true"}, {}, {}, "precision=bf16-true .* choose bf16-mixed"),
        ({"precision": "16-true"}, {}, {}, "precision=16-true .* choose bf16-mixed"),
        ({"max_epochs": -1}, {"reversal_schedule": "dann"}, {}, "'dann' needs to know its end: set max_epochs or max_"),
        (
            {},
            {},
            {"image_size": (128, 64)},
            r"at 64 x 32, .* image_size=128 x 64 would .* set data\.image_size=\[64,32",
        ),
        ({}, {}, {"target_batch_size": 0}, r"target_batch_size=0 \(data.target_batch_size\) leaves out the target"),
        ({}, {"num_classes": 4}, {}, r"the objective tells 4 identities apart \(num_classes\) and the source has 6"),
    ],
)
def test_what_would_break_training_is_told_before_it(run, objective, changes, words, data):
    module = build(objective, attention_loops=0)
    for name, value in changes.items():
        setattr(data, name, value)
    with pytest.raises(ValueError, match=words):
        trainer(**run).fit(module, data)


@pytest.mark.parametrize(
    ("objective", "options", "words"),
    [
        ({"embedding_dim": 32}, {}, "the network gives embeddings of 16 numbers and the objective takes 32"),
        ({}, {"supervise": "all"}, "supervise='all' is not allowed; choose one of fused, every_pass"),
    ],
)
def test_arguments_are_checked_where_they_enter(objective, options, words):
    with pytest.raises(ValueError, match=words):
        build(objective, **options)
