"""Every file in conf/ composes, and what it names can be built."""

from __future__ import annotations

import pytest
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf

from dien_lightning import DIEN, DIENModule, DIENObjective, DomainPairDataModule
from dien_lightning.experiments.config import compose_config, optim, protocol
from dien_lightning.experiments.keys import CONF

FOLDER = CONF
GROUPS = sorted(
    f"{path.parent.name}={path.stem}"
    for path in FOLDER.glob("*/*.yaml")
    if path != FOLDER / "data" / "pair.yaml"  # it leaves source and target open
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
