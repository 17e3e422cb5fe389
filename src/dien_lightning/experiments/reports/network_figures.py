"""Figures 2 and 4 of one finished run: they need its network and its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from torch import Tensor, nn

from dien_lightning import DIEN, DomainPairDataModule
from dien_lightning.data.dataset import ReIDDataset
from dien_lightning.data.images import read_picture
from dien_lightning.data.records import Record
from dien_lightning.experiments.older_runs import as_today
from dien_lightning.experiments.reports.attention_maps import attention_maps, figure_4
from dien_lightning.experiments.reports.embedding_map import figure_2
from dien_lightning.experiments.reports.page import Block
from dien_lightning.experiments.settings import counted
from dien_lightning.network import load_network
from dien_lightning.training import embed

NUM_POINTS = 250
NUM_PICTURES = 6


def network_blocks(run_dir: Path) -> list[Block]:
    """Figure 2 c/d and figure 4, the latter where there is attention and a query with a match.

    Raises:
        FileNotFoundError: the run's config or network is missing, or its data have been moved.
    """
    for name in ("config.yaml", "network.safetensors"):
        if not (run_dir / name).is_file():
            raise FileNotFoundError(f"{run_dir / name} is missing: figures_from needs a run's whole folder.")
    config = OmegaConf.load(run_dir / "config.yaml")
    assert isinstance(config, DictConfig)
    config = as_today(config)
    data: DomainPairDataModule = instantiate(config.data, _convert_="all")
    data.setup()
    trained = load_network(run_dir / "network.safetensors")
    start = _network_at_start(config, data)
    records = {"source": _some(data.source.train), "target": _some(data.target.train)}
    before = {name: _pooled(start, _images(data, own)) for name, own in records.items()}
    after = {
        name: embed(
            trained,
            _images(data, own).split(64),
            domain=trained.statistics_for(name),
            precision=config.trainer.precision,
        ).embedding.numpy()
        for name, own in records.items()
    }
    what = "the pooled features of " + (
        "a random network, as this run began" if config.network.weights is None else "the pretrained backbone"
    )
    blocks = [
        Block("gallery", figure_2((before["source"], before["target"]), (after["source"], after["target"]), what))
    ]
    pairs = _pairs(data, counted(config)["same_camera"]) if trained.attention_loops else []
    if pairs:
        queries, matches = ([pair[side] for pair in pairs] for side in (0, 1))
        stage = _stage_to_show(trained, data.image_size)
        maps = attention_maps(trained, _images(data, queries), _images(data, matches), stage=stage)
        pictures, references = ([_picture(data, record) for record in own] for own in (queries, matches))
        blocks.append(Block("grid", figure_4(pictures, references, maps)))
    return blocks


def _network_at_start(config: DictConfig, data: DomainPairDataModule) -> DIEN:
    """The network as the run's first step saw it: the same seed, built in the same order as `dien train` does."""
    pl.seed_everything(config.seed, verbose=False)
    instantiate(config.objective, num_classes=data.num_classes, _convert_="all")
    return instantiate(config.network, _convert_="all").eval()


def _some(records: Sequence[Record]) -> list[Record]:
    order = np.random.default_rng(0).permutation(len(records))[:NUM_POINTS]
    return [records[place] for place in sorted(order)]


def _images(data: DomainPairDataModule, records: list[Record]) -> Tensor:
    """The records' images as the network sees them in evaluation: (N, 3, H, W)."""
    dataset = ReIDDataset(records, data.evaluation_transform)
    return torch.stack([dataset[place].image for place in range(len(dataset))])


@torch.no_grad()
def _pooled(network: DIEN, images: Tensor) -> np.ndarray:
    """What goes into the embedding layer in pass 0: (N, 2C)."""
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        kept.append(inputs[0])

    handle = network.embedding.register_forward_pre_hook(keep)
    try:
        found = []
        for batch in images.split(64):
            kept.clear()
            network(batch, "source")
            found.append(kept[0])
    finally:
        handle.remove()
    return torch.cat(found).numpy()


def _pairs(data: DomainPairDataModule, same_camera: str) -> list[tuple[Record, Record]]:
    """A few target queries of different people, each with a match: if `same_camera` is "drop", of another camera."""
    pairs: dict[int, tuple[Record, Record]] = {}
    queries, gallery = data.evaluation_records("target")
    for place in np.random.default_rng(0).permutation(len(queries)):
        query = queries[place]
        others = (image for image in gallery if image.pid == query.pid and image.path != query.path)
        match = next((image for image in others if same_camera == "keep" or image.camid != query.camid), None)
        if match is not None and query.pid not in pairs:
            pairs[query.pid] = (query, match)
        if len(pairs) == NUM_PICTURES:
            break
    return list(pairs.values())


def _stage_to_show(network: DIEN, image_size: tuple[int, int]) -> int:
    """The last stage, or the one before it where the last one's map is too coarse to look at (under 6 rows)."""
    first = network.hyperparameters["attention_stage"] + 1
    return next((stage for stage in (4, 3) if stage >= first and image_size[0] / 2 ** (stage + 1) >= 6), 4)


def _picture(data: DomainPairDataModule, record: Record) -> Image.Image:
    height, width = data.image_size
    return read_picture(record.path).resize((width, height))
