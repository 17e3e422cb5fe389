"""TJAIDLModule and its data: what a step trains, when the target is adapted to, what is refused."""

from __future__ import annotations

import copy
import shutil
import warnings
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch

from dien_lightning import DIEN, DIENModule, Recipe
from dien_lightning.rivals.tj_aidl.attributes import Attributes
from dien_lightning.rivals.tj_aidl.data import AttributedPairDataModule
from dien_lightning.rivals.tj_aidl.losses import TJAIDLObjective
from dien_lightning.rivals.tj_aidl.module import TJAIDLModule
from dien_lightning.training import SeedEachStep
from dien_lightning.types import UNLABELED
from library.training.modules import trainer


def pair(root, **options) -> AttributedPairDataModule:
    given = {"source": "pedestrians_day", "target": "pedestrians_night", "num_ids": 3, "num_instances": 2}
    given |= {"target_batch_size": 6, "steps_per_epoch": 2, "image_size": (64, 32), "gather_batch_size": 5}
    return AttributedPairDataModule(root=str(root), num_workers=0, **(given | options))


def network(attention_loops: int = 0) -> DIEN:
    torch.manual_seed(0)
    return DIEN("mobilenet_v2", None, embedding_dim=16, attention_loops=attention_loops, image_size=(64, 32))


def build(data, adaptation: float = 0.5, **options) -> TJAIDLModule:
    recipe = Recipe(learning_rates=dict.fromkeys(("backbone", "embedding", "identity"), 1e-2), milestones=[])
    return TJAIDLModule.for_data(network, None, data, adaptation=adaptation, recipe=recipe, hidden_dims=[8], **options)


def fit(module, data, checkpoint=None, **options) -> pl.Trainer:
    callbacks = [SeedEachStep(), *options.pop("callbacks", [])]
    run = trainer(**({"limit_val_batches": 0, "max_epochs": 2} | options), callbacks=callbacks)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The .* does not have many workers")
        run.fit(module, data, ckpt_path=checkpoint, weights_only=True)
    return run


class Watch(pl.Callback):
    """Which parameters each epoch moves, and what it logs."""

    def __init__(self):
        self.moved, self.logged = [], []

    def on_train_epoch_start(self, trainer, pl_module):
        self.before = copy.deepcopy(dict(pl_module.named_parameters()))

    def on_train_epoch_end(self, trainer, pl_module):
        now = dict(pl_module.named_parameters())
        moved = {name for name, parameter in now.items() if not torch.equal(parameter, self.before[name])}
        self.moved.append({".".join(name.split(".")[: 2 if name.startswith("objective") else 1]) for name in moved})
        self.logged.append({name for name in trainer.callback_metrics if name.startswith("train/")})


def test_the_source_trains_all_parts_and_the_target_all_that_says_attributes(drawn_pair):
    data, watch = pair(drawn_pair), Watch()
    module = build(data)
    fit(module, data, callbacks=[watch])
    heads = {"objective.identity", "objective.attributes", "objective.inferred"}
    assert watch.moved[0] == {"network", "identity_network", *heads}
    assert watch.moved[1] == {"network", "objective.attributes", "objective.inferred"}
    terms = {f"train/loss_{name}" for name in ("identity", "attribute", "code", "reconstruction", "transfer", "total")}
    assert terms < watch.logged[0]
    assert "train/target_agreement" in watch.logged[1]
    assert module.network.gathered("target")


def test_without_adaptation_no_target_image_is_seen(drawn_pair):
    data = pair(drawn_pair)
    module = build(data, adaptation=0)
    fit(module, data)
    assert module.source_epochs == 2
    assert not module.network.gathered("target")
    assert not module.identity_network.gathered("target")


def test_each_parameter_is_in_one_group_at_its_parts_rate(drawn_pair):
    module = build(pair(drawn_pair))
    groups = {group["name"]: group for group in module._optimizer().param_groups}
    branches = ["backbone", "embedding", "identity_backbone", "identity_embedding"]
    assert list(groups) == [*branches, "identity", "attribute"]
    grouped = [id(parameter) for group in groups.values() for parameter in group["params"]]
    assert sorted(grouped) == sorted(map(id, module.parameters()))
    assert {group["lr"] for group in groups.values()} == {1e-2}


def test_attributes_are_those_of_each_identity(drawn_pair):
    data = pair(drawn_pair)
    assert data.attributes.values.shape[0] == data.num_classes == 6
    file = (drawn_pair / "pedestrians_day" / "attributes.csv").read_text().splitlines()
    place, row = file[0].split(",").index("lower"), data.attributes.names
    for number, line in enumerate(file[1:7]):  # training's people come first
        worn = f"lower={line.split(',')[place]}"
        assert worn not in row or data.attributes.values[number, row.index(worn)] == 1
    assert {record.pid for record in data.target.train} == {UNLABELED}


def test_a_folder_drawn_without_attributes_gets_them(drawn_pair, tmp_path):
    shutil.copytree(drawn_pair, tmp_path / "data")
    path = tmp_path / "data" / "pedestrians_day" / "attributes.csv"
    before = path.read_bytes()
    path.unlink()
    pair(tmp_path / "data").prepare_data()
    assert path.read_bytes() == before


def test_a_checkpoint_of_other_attributes_or_another_adaptation_is_refused(drawn_pair, tmp_path):
    data = pair(drawn_pair)
    fit(build(data), data).save_checkpoint(tmp_path / "one.ckpt")
    with pytest.raises(ValueError, match=r"the checkpoint was trained with source_epochs=1 \(not 2\)"):
        fit(build(data), data, checkpoint=tmp_path / "one.ckpt", max_epochs=4)
    lines = (drawn_pair / "pedestrians_day" / "attributes.csv").read_text().splitlines()
    (tmp_path / "x.csv").write_text("\n".join([lines[0], *reversed(lines[1:])]))
    same = pair(drawn_pair, attributes=str(tmp_path / "x.csv"))
    assert torch.equal(same.attributes.values, data.attributes.values)  # the order of lines is nothing
    (tmp_path / "x.csv").write_text("pid,hat\n" + "".join(f"{pid},{pid % 2}\n" for pid in range(1, 7)))
    other = pair(drawn_pair, attributes=str(tmp_path / "x.csv"))
    with pytest.raises(ValueError, match=r"the checkpoint does not fit: objective.attributes.weight"):
        fit(build(other), other, checkpoint=tmp_path / "one.ckpt")


def test_the_attribute_branch_alone_is_what_a_checkpoint_is_evaluated_by(drawn_pair, tmp_path):
    data = pair(drawn_pair)
    module = build(data)
    fit(module, data).save_checkpoint(tmp_path / "x.ckpt")
    plain = DIENModule(network())
    run = trainer()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The .* does not have many workers")
        run.test(plain, pair(drawn_pair), ckpt_path=tmp_path / "x.ckpt", verbose=False, weights_only=True)
    assert torch.equal(plain.network.state_dict()["embedding.0.weight"], module.network.embedding[0].weight)


def test_what_does_not_fit_is_refused(drawn_pair):
    data = pair(drawn_pair)
    with pytest.raises(ValueError, match=r"attention_loops=1 .*: TJ-AIDL has no attention; set 0"):
        TJAIDLModule.for_data(lambda: network(1), None, data)
    with pytest.raises(ValueError, match=r"adaptation=1.5 is out of range"):
        build(data, adaptation=1.5)
    with pytest.raises(ValueError, match="module=tj_aidl is of ablation=tj_aidl, which names its data"):
        TJAIDLModule.for_data(network, TJAIDLObjective, data)
    objective = TJAIDLObjective(num_classes=6, num_attributes=2, embedding_dim=16)
    few = Attributes(("a", "b"), torch.zeros(5, 2))
    with pytest.raises(ValueError, match="there are 2 attributes of 5 people, and the objective has num_attributes=2"):
        TJAIDLModule(network(), objective, few)
    with pytest.raises(ValueError, match=r"adaptation is a share of the epochs; set max_epochs"):
        fit(build(data), data, max_epochs=-1, max_steps=1)
    with pytest.raises(
        ValueError, match=r"adaptation=0.2 .* of max_epochs=2 .* leaves 2 epochs for the source and 0 for"
    ):
        fit(build(data, adaptation=0.2), data)
    with pytest.raises(ValueError, match=r"max_epochs=1 .* leaves 0 epochs for the source and 1 for the target"):
        fit(build(data, adaptation=0.9), data, max_epochs=1)


def test_several_processes_are_refused(drawn_pair):
    module = build(pair(drawn_pair))
    module.trainer = SimpleNamespace(world_size=2, max_epochs=2)
    with pytest.raises(ValueError, match="TJ-AIDL trains in one process, and 2 were asked for"):
        module.on_fit_start()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": ["pedestrians_day", "pedestrians_night"]}, "are of one data set, and the source .* names 2"),
        ({"source": None}, "are of one data set, and the source .* names 0"),
        ({"source": "market1501"}, "source='market1501' brings no attributes of its people; give their file"),
    ],
)
def test_sources_without_attributes_are_refused(options, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        pair(tmp_path, **options)


def test_attributes_of_another_set_stop_before_training(drawn_pair):
    night = drawn_pair / "pedestrians_night" / "attributes.csv"
    with pytest.raises(ValueError, match="says nothing of 6 of the 6 people that the source trains, such as pid 1:"):
        pair(drawn_pair, attributes=str(night)).setup()
