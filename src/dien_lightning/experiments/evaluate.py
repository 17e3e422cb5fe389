"""Rank a gallery with a trained network: prints the figures and writes a results.json of its own.

dien evaluate checkpoint=outputs/first/checkpoints/last.ckpt data.target=market1501
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hydra
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.progress import track
from torch import Tensor

from dien_lightning import DomainPairDataModule, RetrievalMetric, RetrievalResult
from dien_lightning.checks import check_bool, check_int, check_path, first_line
from dien_lightning.experiments.command import faults_in_one_sentence
from dien_lightning.experiments.config import protocol
from dien_lightning.experiments.files import write_json
from dien_lightning.experiments.keys import CONF
from dien_lightning.experiments.provenance import command_line, trials
from dien_lightning.experiments.ranked_lists import LENGTH, chosen_queries, describe_lists, rankings
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.run_folder import check_writable
from dien_lightning.experiments.threads import use_threads
from dien_lightning.network import load_network
from dien_lightning.retrieval import (
    evaluate_sets,
    expand_queries,
    k_reciprocal_blocks,
    rank_gallery,
)
from dien_lightning.retrieval.reranking import check_reranking
from dien_lightning.training import evaluation, resolve_precision
from dien_lightning.training.counting import check_counting


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="evaluate")
def main(config: DictConfig) -> None:
    """Load, embed, rank, write: once, or as one job of a sweep."""
    with faults_in_one_sentence():
        if not OmegaConf.is_missing(config, "output"):
            check_path("output", config.output)
        config.output = HydraConfig.get().runtime.output_dir
        OmegaConf.resolve(config)
        evaluate(config)


def evaluate(config: DictConfig) -> None:
    """Rank the target's gallery as the configuration says.

    Raises:
        FileExistsError: the output folder holds a results.json.
        ValueError: a checkpoint or data that cannot be evaluated.
    """
    for name in ("gather_statistics", "flip", "multi_query", "rerank"):
        check_bool(name, config[name])
    check_int("expansion", config.expansion, 0, "0 averages nothing")
    check_reranking(**config.reranking)
    output = Path(config.output)
    if (output / "results.json").exists():
        raise FileExistsError(f"output={output} holds a results.json; choose another folder.")
    check_writable("output", output, output)
    use_threads(config.threads)
    network = load_network(config.checkpoint)
    config.data.image_size = config.data.image_size or network.hyperparameters["image_size"]
    data: DomainPairDataModule = instantiate(config.data, _convert_="all")
    data.prepare_data()
    data.setup("test")
    counting = protocol(config)
    if "target" not in data.evaluation_domains:
        alone = data.target.is_evaluated("leave_one_out")
        remedy = "rank it by protocol=leave_one_out" if alone else "name a set that has"
        raise ValueError(f"{data.target.root} has no labelled query and gallery to rank; {remedy}.")
    check_counting(data, counting)
    device = device_of(config.accelerator)
    how: dict[str, Any] = {"precision": resolve_precision(config.precision, device.type)}
    network.to(device)
    if config.gather_statistics:
        evaluation.gather_from_loader(network, data.statistics_dataloader(), **how)
    loaders = {"target": track(data.test_dataloader()[0], "embedding")}
    found = evaluation.evaluate(network, loaders, counting, each_pass=True, flip=config.flip, **how)
    data.teardown()
    result, lists = refine(found.metrics["target"], found.results["target"], data, config)
    results = Results(
        target=result.figures(),
        passes=[each.figures() for name, each in found.results.items() if name.startswith("pass")],
        fusion_weights=network.fusion_weights(),
        protocol={
            **result.describe(),
            **how,
            "statistics": {"target": network.statistics_for("target")},
            **refinements(config),
            **trials(data),
            **({"gather_batch_size": data.gather_batch_size} if config.gather_statistics else {}),
        },
        images_per_second=found.images_per_second,
        checkpoint=str(config.checkpoint),
        command=command_line("evaluate"),
    )
    results.write(output / "results.json")
    write_json(output / "rankings.json", lists)
    results.show(counting)
    if used := [f"{name}={value}" for name, value in refinements(config).items() if value]:
        print(f"With {', '.join(used)}.")


def device_of(accelerator: str) -> torch.device:
    """Where to compute: "auto" is the GPU where there is one, "gpu" too; else torch's name, such as cpu or cuda:1.

    Raises:
        ValueError: no such device.
    """
    there = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    device = {"auto": there or torch.device("cpu"), "gpu": there}.get(accelerator) or accelerator
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"accelerator={accelerator} is not there ({first_line(error)}); choose auto or cpu."
        ) from error


def refinements(config: DictConfig) -> dict[str, Any]:
    """What was done beside ranking plain embeddings by the statistics of the network."""
    names = ("gather_statistics", "flip", "multi_query", "expansion", "rerank")
    found: dict[str, Any] = {name: config[name] for name in names}
    return found | ({"reranking": dict(config.reranking)} if config.rerank else {})


def refine(
    metric: RetrievalMetric, plain: RetrievalResult, data: DomainPairDataModule, config: DictConfig
) -> tuple[RetrievalResult, dict[str, Any]]:
    """Figures and ranked lists after query expansion and re-ranking, as far as they are asked for."""
    if not (config.expansion or config.rerank):
        return plain, rankings(metric, data)
    sets, protocol = metric.gather(), metric.protocol
    if config.expansion:
        sets = expand_queries(sets, config.expansion).normalized("query")
    rows = chosen_queries(len(sets.query))
    kept: list[Tensor] = []
    blocks = remember(k_reciprocal_blocks(sets, **config.reranking), rows, kept) if config.rerank else None
    result = evaluate_sets(sets, blocks, protocol=protocol)
    distances = torch.cat(kept) if config.rerank else None
    lists = rank_gallery(sets.take(query=rows), distances, k=LENGTH, protocol=protocol)
    return result, describe_lists(lists, rows, sets, result, data)


def remember(blocks: Iterable[Tensor], rows: Sequence[int], kept: list[Tensor]) -> Iterator[Tensor]:
    """Hand blocks of distances on, and keep a copy of these rows: the reader overwrites the blocks."""
    start = 0
    for block in blocks:
        stop = start + len(block)
        kept.append(block[[row - start for row in rows if start <= row < stop]])
        yield block
        start = stop
