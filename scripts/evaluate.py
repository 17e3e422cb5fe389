"""Rank a gallery with a trained network: prints the figures and writes a results.json of its own.

python scripts/evaluate.py checkpoint=outputs/first/checkpoints/last.ckpt data.target=market1501
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hydra
import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.nn.functional import normalize

from command import CONF, command_line, faults_in_one_sentence, precision, protocol, run
from dien_lightning import DIENModule, DomainPairDataModule, RetrievalMetric, RetrievalResult
from dien_lightning.network import load_network
from dien_lightning.retrieval import (
    evaluate_distances,
    evaluate_retrieval,
    expand_queries,
    k_reciprocal_blocks,
    pool_queries,
)
from results import rankings, show, write_json


@hydra.main(version_base="1.3", config_path=CONF, config_name="evaluate")
def main(config: DictConfig) -> None:
    """Load, embed, rank, write."""
    OmegaConf.resolve(config)
    with faults_in_one_sentence():
        evaluate(config)


def evaluate(config: DictConfig) -> None:
    """Rank the target's gallery as the configuration says.

    Raises:
        FileExistsError: the output folder holds a results.json.
        ValueError: a checkpoint or data that cannot be evaluated.
    """
    output = Path(config.output)
    if (output / "results.json").exists():
        raise FileExistsError(f"output={output} holds a results.json; choose another folder.")
    network = load_network(config.checkpoint)
    config.data.image_size = config.data.image_size or network.hyperparameters["image_size"]
    data: DomainPairDataModule = instantiate(config.data, _convert_="all")
    data.prepare_data()
    data.setup("test")
    if not data.evaluation_domains:
        raise ValueError(f"{data.target.root} has no labelled query and gallery to rank; name a set that has.")
    module = DIENModule(network, flip=config.flip, protocol=protocol(config))
    module.gather_target_statistics = config.gather_statistics
    trainer = pl.Trainer(
        accelerator=config.accelerator,
        devices=1,
        precision=precision(config.precision),
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
    )
    trainer.test(module, data, verbose=False)
    result = refine(module.metrics["target"], module.results["target"], config)
    results = {
        "target": result.figures(),
        "passes": [module.results[f"pass{step}"].figures() for step in range(network.attention_loops + 1)]
        if network.attention_loops
        else [],
        "fusion_weights": network.fusion_weights(),
        "protocol": {
            **result.describe(),
            "precision": str(trainer.precision),
            "statistics": {"target": module.statistics_for("target")},
            **{name: config[name] for name in ("flip", "multi_query", "expansion", "rerank")},
        },
        "images_per_second": module.images_per_second,
        "checkpoint": str(config.checkpoint),
        "command": command_line("evaluate"),
    }
    write_json(output / "results.json", results)
    write_json(output / "rankings.json", rankings(module.metrics["target"], data))
    show(results, module.protocol)


def refine(metric: RetrievalMetric, plain: RetrievalResult, config: DictConfig) -> RetrievalResult:
    """The figures after query pooling, query expansion and re-ranking, as far as they are asked for."""
    if not (config.multi_query or config.expansion or config.rerank):
        return plain
    sets = metric.gather()
    query, pids, camids = sets.query, sets.query_pids, sets.query_camids
    if config.multi_query:
        query, pids, camids = pool_queries(query, pids, camids)
        query = normalize(query, dim=1)
    if config.expansion:
        query = normalize(expand_queries(query, sets.gallery, k=config.expansion), dim=1)
    about: Any = (pids, camids, sets.gallery_pids, sets.gallery_camids)
    if config.rerank:
        blocks = k_reciprocal_blocks(query, sets.gallery, **config.reranking)
        result = evaluate_distances(blocks, *about, protocol=metric.protocol)
    else:
        result = evaluate_retrieval(query, *about[:2], sets.gallery, *about[2:], protocol=metric.protocol)
    return result._replace(num_junk=plain.num_junk)


if __name__ == "__main__":
    run(main)
