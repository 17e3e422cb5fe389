"""SelfTrainingModule: what a round labels, deals out and remembers, and a training that goes on as it was."""

from __future__ import annotations

import warnings
from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from torch.nn.functional import normalize

from dien_lightning import DIEN, DomainPairDataModule, Recipe
from dien_lightning.losses import SelfTrainingObjective
from dien_lightning.training import Rounds, SeedEachStep, SelfTrainingDataModule, SelfTrainingModule
from dien_lightning.types import UNLABELED
from library.training.modules import trainer

FINE = {"k1": 4, "k2": 2, "min_samples": 2}


@pytest.fixture
def data(drawn_pair):
    return pair(drawn_pair)


def pair(root, **options) -> SelfTrainingDataModule:
    given = {"source": "pedestrians_day", "target": "pedestrians_night", "num_ids": 3, "num_instances": 2}
    given |= {"target_batch_size": 6, "target_num_instances": 2, "steps_per_epoch": 3, "image_size": (64, 32)}
    return SelfTrainingDataModule(root=str(root), num_workers=0, gather_batch_size=5, **(given | options))


def build(rounds=FINE, supervise="fused", loops=0, statistics="domain_and_pass", **options) -> SelfTrainingModule:
    torch.manual_seed(0)
    shape = {"attention_loops": loops, "image_size": (64, 32), "statistics": statistics}
    network = DIEN("mobilenet_v2", weights=None, embedding_dim=16, **shape)
    recipe = Recipe(algorithm="adam", learning_rates=dict.fromkeys(("backbone", "embedding", "attention"), 1e-4))
    objective = SelfTrainingObjective(16, **options)
    return SelfTrainingModule(network, objective, Rounds(**rounds), recipe=recipe, supervise=supervise)


def fit(module, data, checkpoint=None, **options) -> pl.Trainer:
    data.takes_source = module.objective.needs_source
    callbacks = [SeedEachStep(), *options.pop("callbacks", [])]
    run = trainer(**({"limit_val_batches": 0} | options), callbacks=callbacks)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(of the target's images are in no|holds|are of one camera)")
        run.fit(module, data, ckpt_path=checkpoint, weights_only=True)
    return run


class Seen(pl.Callback):
    """Remembers each step's batch."""

    def __init__(self):
        self.batches = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.batches.append(batch)


@pytest.mark.parametrize(
    ("options", "terms"),
    [
        ({}, {"cluster"}),
        ({"loops": 1, "supervise": "every_pass", "hard": True}, {"cluster"}),
        ({"source_term": "spcl", "rounds": {**FINE, "reliable": True}}, {"cluster", "source"}),
        ({"source_term": "separate", "domain_weight": 0.5}, {"cluster", "source", "domain"}),
        ({"domain_weight": 0.5}, {"cluster", "domain"}),
        ({"num_clusters": 4, "rounds": {"method": "pul", "num_clusters": 4, "similarity": 0.3}}, {"cluster"}),
    ],
)
def test_trains_by_each_recipe_and_evaluates(options, terms, data):
    module = build(**options)
    before = module.network.backbone.blocks[0][0][0].weight.clone()
    run = fit(module, data, limit_val_batches=1.0, max_epochs=2)
    logged = {name.removeprefix("train/loss_") for name in run.callback_metrics if name.startswith("train/loss_")}
    assert logged == terms | {"total"}
    assert {"clusters/number", "clusters/outliers", "val/target_mAP", "val/source_mAP"} <= set(run.callback_metrics)
    assert not torch.equal(module.network.backbone.blocks[0][0][0].weight, before)
    assert module.network.gathered("target")


def test_a_batch_holds_clusters_and_no_label_of_the_target(data):
    module, seen = build(), Seen()
    fit(module, data, callbacks=[seen])
    for batch in seen.batches:
        assert set(batch) == {"target"}  # no term needs the source
        assert set(batch["target"].pid.tolist()) == {UNLABELED}
        clusters = module.labels[batch["target"].index].view(3, 2)
        assert (clusters[:, 0] == clusters[:, 1]).all()
        assert (clusters >= 0).all()
    assert not module.objective.state_dict()


def test_the_memory_begins_with_the_clusters_means(data):
    module = build()
    fit(module, data, max_steps=1)  # the entries of three clusters have moved
    embeddings, labels = module._embed_all("target")[0], module.labels
    assert len(module.objective.memory.entries) == int(labels.max()) + 1
    module._fill(embeddings)
    own = [normalize(embeddings[labels == cluster].mean(0), dim=0) for cluster in range(int(labels.max()) + 1)]
    torch.testing.assert_close(module.objective.memory.entries, torch.stack(own))


def test_spcls_memory_holds_source_classes_and_every_image_each_outlier_alone(data):
    module = build(source_term="spcl")
    seen = Seen()
    fit(module, data, callbacks=[seen])
    memory, labels = module.objective.memory, module.labels
    assert memory.momentum == 0.2
    assert len(memory.entries) == 6 + 24
    assert memory.classes[:6].tolist() == list(range(6))
    assert len(memory.sizes) == 6 + int(labels.max()) + 1 + int((labels == -1).sum())
    clustered = labels >= 0
    assert torch.equal(memory.classes[6:][clustered], 6 + labels[clustered])
    before = memory.entries[:6].clone()
    module._fill(module._embed_all("target")[0])
    assert torch.equal(memory.entries[:6], normalize(before, dim=1))  # the source's follow their own momentum
    assert {"source", "target"} == set(seen.batches[0])


def test_a_memory_of_the_sources_own_begins_with_its_classes_once(data):
    module = build(source_term="separate")
    seen = Seen()
    fit(module, data, max_steps=1, callbacks=[seen])
    memory, labels = module.objective.memory, module.labels
    assert len(memory.entries) == int(labels.max()) + 1
    assert len(module.objective.source_memory.entries) == 6
    assert {"source", "target"} == set(seen.batches[0])
    before = module.objective.source_memory.entries.clone()
    module._fill(module._embed_all("target")[0])
    assert torch.equal(module.objective.source_memory.entries, before)  # they follow their own momentum
    module.objective.source_memory.restore(torch.zeros(0, 0), torch.zeros(0, dtype=torch.long))
    module._fill(module._embed_all("target")[0])
    pids = torch.tensor([record.pid for record in data.source.train])
    embeddings = module._embed_all("source")[0]
    means = [normalize(embeddings[pids == person].mean(0), dim=0) for person in range(6)]
    torch.testing.assert_close(module.objective.source_memory.entries, torch.stack(means))


def test_pul_begins_again_from_the_first_network(data):
    module = build({"method": "pul", "num_clusters": 4, "similarity": 0.3, "epochs": 2}, num_clusters=4)
    start = {name: value.clone() for name, value in module.network.named_parameters()}
    firsts = []

    class First(pl.Callback):
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if batch_idx == 0:
                firsts.append({name: value.clone() for name, value in pl_module.network.named_parameters()})
                if trainer.current_epoch % 2 == 0:
                    assert not trainer.optimizers[0].state

    fit(module, data, max_epochs=4, callbacks=[First()])
    same = [all(torch.equal(first[name], value) for name, value in start.items()) for first in firsts]
    assert same == [True, False, True, False]


# ---- troubles and errors ----


@pytest.mark.parametrize(
    ("eps", "words"),
    [
        (0.001, r"epoch 0: .* needs two clusters to tell apart, and 100% of .* in no cluster.* Raise rounds\.eps"),
        (0.999, r"epoch 0: .* needs two clusters to tell apart, and one cluster holds 100% .* Lower rounds\.eps\. Or"),
    ],
)
def test_nothing_to_tell_apart_stops_a_training_unless_the_source_is_in_the_same_memory(eps, words, data):
    rounds = {"k1": 24, "k2": 6, "min_samples": 20, "eps": eps}
    for options in ({}, {"domain_weight": 0.5}, {"source_term": "separate"}):
        with pytest.raises(ValueError, match=words):
            fit(build(rounds, **options), data)
    trouble = "of the target's images are in no cluster" if eps < 0.5 else "one cluster holds 100% of the clustered"
    data.takes_source = True
    with pytest.warns(UserWarning, match=f"epoch 0: .*{trouble}") as told:
        trainer(limit_val_batches=0, max_epochs=3).fit(build(rounds, source_term="spcl"), data)
    assert sum(trouble in str(warning.message) for warning in told) == 1  # once, not in each round


def test_the_objective_has_to_fit_the_rounds():
    with pytest.raises(
        ValueError, match=r"have num_clusters=None; .* for 'clusters' build the objective with num_clusters=None"
    ):
        build(num_clusters=4)
    for term in ("spcl", "separate"):
        with pytest.raises(
            ValueError, match=f"source_term='{term}' needs a memory, and PUL has none; set source_term="
        ):
            build(num_clusters=4, source_term=term)
    with pytest.raises(ValueError, match="objective=null is for a module with losses of its own"):
        SelfTrainingModule.for_data(lambda: None, None, None)


def test_puls_batches_hold_an_image_once(drawn_pair):
    options = {"rounds": Rounds(method="pul", num_clusters=4)}
    given = (lambda: build().network, partial(SelfTrainingObjective, num_clusters=4))
    with pytest.raises(
        ValueError, match=r"data\.target_num_instances=2 is for clusters, and rounds by 'pul' draw images"
    ):
        SelfTrainingModule.for_data(*given, pair(drawn_pair), **options)
    assert (
        SelfTrainingModule.for_data(*given, pair(drawn_pair, target_num_instances=1), **options).rounds.num_clusters
        == 4
    )


@pytest.mark.parametrize("size", [7, 0])
def test_a_batch_holds_whole_clusters(size, drawn_pair):
    with pytest.raises(
        ValueError, match=f"target_batch_size={size} must hold clusters of target_num_instances=2 images"
    ):
        pair(drawn_pair, target_batch_size=size)


def test_every_image_is_embedded_once_in_whole_batches(data):
    assert [batch.index.tolist() for batch in data.embedding_dataloader()] == [
        list(range(start, min(start + 5, 24))) for start in range(0, 24, 5)
    ]
    assert isinstance(data, DomainPairDataModule)
    assert pair(data.target.root.parent, source=None, steps_per_epoch=None).steps_per_epoch == 4
