"""Every file in conf/ composes, and what it names can be built."""

from __future__ import annotations

import pytest
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from dien_lightning import DIEN, DIENModule, DIENObjective, DomainPairDataModule
from dien_lightning.experiments.config import compose_config, optim, protocol
from dien_lightning.experiments.keys import CONF, CONFIG_DIR
from dien_lightning.experiments.reports import table1_rows
from dien_lightning.experiments.train import build_module
from dien_lightning.network import save_network
from dien_lightning.training import SelfTrainingModule

FOLDER = CONF
SECOND_STAGE = (
    "network=started",
    "objective=self_training",
    *(f"experiment={name}" for name in ("self_training", "pul", "second_stage", "second_stage_pretrained")),
    *(f"experiment={name}_self_training" for name in ("demo", "drawn")),
)
GROUPS = sorted(
    f"{path.parent.name}={path.stem}"
    for path in FOLDER.glob("*/*.yaml")
    if path != FOLDER / "data" / "pair.yaml"  # it leaves source and target open
    and path.parent.name not in ("rounds", "module")  # with experiments and rows of their own
    and path.stem != "tj_aidl"  # test_tj_aidl.py
    and path.stem not in table1_rows.SECOND_STAGE  # test_second_stage.py
    and f"{path.parent.name}={path.stem}" not in SECOND_STAGE
)


def composed(*overrides: str):
    config = compose_config([*overrides, "direction=day2night"])
    OmegaConf.resolve(config)
    return config


@pytest.mark.parametrize("choice", GROUPS)
def test_every_file_composes_and_builds(choice, tmp_path):
    config = composed(choice, f"run_dir={tmp_path}", "network.weights=null", "network.backbone=resnet18")
    network = instantiate(config.network, _convert_="all")
    objective = instantiate(config.objective, num_classes=4, _convert_="all")
    module = DIENModule(network, objective, **optim(config))
    data = instantiate(config.data, _convert_="all")
    assert isinstance(network, DIEN)
    assert isinstance(objective, DIENObjective)
    assert isinstance(data, DomainPairDataModule)
    assert protocol(config).sentence()
    assert len(module.recipe.optimizer(network, objective).param_groups) >= 3
    for part in filter(None, (config.trainer, *config.callbacks.values(), *config.logger.values())):
        assert get_class(part._target_)


@pytest.mark.parametrize(
    ("experiment", "batch_norm_size", "rate", "groups"),
    [
        ("self_training", 64, 3.5e-4, 3),
        ("drawn_self_training", None, 3.5e-4, 3),
        ("demo_self_training", None, 3.5e-4, 3),
        ("pul", None, 1e-3, 4),
    ],
)
def test_the_second_stages_files_compose_and_build(experiment, batch_norm_size, rate, groups, tmp_path):
    network = DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=1, image_size=(64, 32))
    save_network(network, tmp_path / "network.safetensors")
    given = [f"experiment={experiment}", f"start={tmp_path / 'network.safetensors'}", f"run_dir={tmp_path}"]
    given += ["data.image_size=[64,32]"]
    config = composed(*given, *(["rounds.num_clusters=9"] if experiment == "pul" else []))
    module = build_module(config, instantiate(config.data, _convert_="all"), **optim(config))
    assert isinstance(module, SelfTrainingModule)
    assert module.network.hyperparameters["batch_norm_size"] == batch_norm_size
    assert module.network.training
    found = module.recipe.optimizer(module.network, module.objective).param_groups
    assert [group["lr"] for group in found] == [rate] * groups


def test_rounds_without_their_experiment_are_refused():
    with pytest.raises(
        ValueError, match="rounds= is of experiment=self_training, which names its data, network and obj"
    ):
        build_module(composed("rounds=clusters", "network.weights=null", "network.backbone=resnet18"), None)


def test_the_pretrained_table_has_the_papers_rates_and_weights_of_terms():
    config = composed("experiment=pretrained", "ablation=r08_full_t3")
    assert (config.network.backbone, config.network.weights) == ("mobilenet_v2", "imagenet")
    assert config.network.embedding_dim == config.objective.embedding_dim == 2048
    assert config.network.attention_loops == 3
    assert (config.objective.center_weight, config.objective.domain_weight) == (1.0, 0.1)
    assert config.optim.learning_rates == composed("experiment=market2duke").optim.learning_rates
    assert (config.trainer.max_epochs, config.optim.milestones) == (10, [7])
    assert config.trainer.gradient_clip_val == 1
    assert config.optim.supervise == "fused"


def test_the_fast_pretrained_table_differs_in_rates_steps_and_the_domain_terms_weight():
    own, papers = composed("experiment=pretrained_fast"), composed("experiment=pretrained")
    assert own.network.weights.endswith("mobilenet_v2-b0353104.pth")
    assert (own.objective.domain_weight, own.optim.learning_rates.domain) == (1.0, 1.0)
    assert (own.optim.learning_rates.backbone, own.optim.milestones, own.trainer.max_epochs) == (1e-2, [4], 6)
    for config in (own, papers):
        config.objective.domain_weight = config.network.weights = config.optim.milestones = None
        config.optim.learning_rates.update(domain=None, backbone=None)
        config.trainer.max_epochs = None
    for group in ("data", "network", "objective", "optim", "trainer"):
        assert own[group] == papers[group], group


def test_self_training_goes_on_from_the_fast_pretrained_table():
    config = composed("experiment=second_stage_pretrained", "ablation=t3_self", "seed=2")
    first = composed(f"experiment={config.first_stage.experiment}")
    assert config.first_stage.run_dir == first.run_dir
    assert config.start == f"{first.run_dir}/r08_full_t3_day2night_2/network.safetensors"
    assert config.rounds == composed("experiment=second_stage", "ablation=t3_self", "seed=2").rounds


@pytest.mark.parametrize(
    ("experiment", "source", "target"),
    [
        ("market2duke", "market1501", "dukemtmcreid"),
        ("duke2market", "dukemtmcreid", "market1501"),
    ],
)
def test_the_papers_experiments_have_the_papers_settings(experiment, source, target):
    config = composed(f"experiment={experiment}")
    assert (config.data.source, config.data.target) == (source, target)
    assert config.network.backbone == "resnet50"
    assert config.network.weights == "imagenet"
    assert config.network.embedding_dim == 2048
    assert config.network.attention_loops == 3
    assert config.data.image_size == [256, 128]
    assert (config.data.num_ids, config.data.num_instances, config.data.target_batch_size) == (16, 4, 64)
    objective = config.objective
    assert (objective.triplet, objective.margin) == ("cross_domain", 0.3)
    assert (objective.triplet_weight, objective.domain_weight, objective.center_weight) == (1.0, 0.1, 1.0)
    assert config.optim.learning_rates == {
        "backbone": 1e-4,
        "embedding": 1e-1,
        "attention": 1e-2,
        "identity": 1e-1,
        "domain": 1e-1,
    }
    assert config.optim.schedule == "milestones"
    assert config.optim.milestones == [40]
    assert (config.trainer.max_epochs, config.trainer.gradient_clip_val) == (60, 1)


def test_an_experiment_of_the_users_may_say_where_runs_lie(tmp_path, monkeypatch):
    monkeypatch.setenv(CONFIG_DIR, str(tmp_path))
    (tmp_path / "experiment").mkdir()
    words = "# @package _global_\nhydra:\n  run:\n    dir: mine\n  sweep:\n    subdir: ${hydra:job.num}\n"
    (tmp_path / "experiment" / "own.yaml").write_text(words)
    config = compose_config(["experiment=own", "run_dir=x"], with_hydra=True)
    assert OmegaConf.to_container(config.hydra.run) == {"dir": "mine"}
    assert OmegaConf.to_container(config.hydra.sweep) == {"dir": "${run_dir}", "subdir": "${hydra:job.num}"}
