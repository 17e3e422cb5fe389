"""Figures 2 and 4 from a run's folder: the network and the data are found by its config alone."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from commands import run_command
from dien_lightning import DIENModule
from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.reports.network_figures import _network_at_start, network_blocks
from dien_lightning.network import save_network
from library.data.folders import write_image
from proofs.tiny import SMALL


def write_network(folder: Path, data_root: Path, *overrides: str) -> Path:
    """What figures_from needs of a finished run: its config and its network, here as it begins."""
    config = compose_config(["experiment=demo", f"data_root={data_root}", "direction=day2night", *overrides])
    OmegaConf.resolve(config)
    network = instantiate(config.network, _convert_="all")
    folder.mkdir()
    save_network(network, folder / "network.safetensors")
    OmegaConf.save(config, folder / "config.yaml")
    return folder


TINY = ("network.embedding_dim=16", "data.num_ids=3", "data.image_size=[64,32]", "data.num_workers=0")


def test_a_run_gives_both_figures_and_twice_the_same(drawn_pair, tmp_path):
    folder = write_network(tmp_path / "run", drawn_pair, *TINY, "network.attention_loops=2")
    blocks = network_blocks(folder)
    (kind, map_), (grid_kind, grid) = blocks
    assert (kind, grid_kind) == ("gallery", "grid")
    assert "24 source and 24 target training images" in map_.caption
    assert "a random network, as this run began" in map_.caption
    assert len(grid.headings) == 2 + 3 + 2
    assert len(grid.rows) == 4  # the drawn target's four identities
    assert network_blocks(folder) == blocks


def test_a_run_without_attention_has_no_figure_4(drawn_pair, tmp_path):
    folder = write_network(tmp_path / "run", drawn_pair, *TINY, "network.attention_loops=0")
    assert [kind for kind, _ in network_blocks(folder)] == ["gallery"]


@pytest.mark.parametrize(("protocol", "figures"), [("data.cameras=none", 2), ("data.cameras=required", 1)])
def test_figure_4_pairs_by_the_runs_protocol_and_is_left_out_without_pairs(protocol, figures, drawn_pair, tmp_path):
    for number, (role, folder) in enumerate(itertools.product(("query", "gallery"), ("a", "b"))):
        write_image(tmp_path / "mine" / role / folder / "1.jpg", seed=number)  # nobody tells cameras
        write_image(tmp_path / "mine" / "train" / f"{number}.jpg", seed=number)
    target = ("data.target=folder", f"data.target_root={tmp_path / 'mine'}")
    folder = write_network(tmp_path / "run", drawn_pair, *TINY, *target, "network.attention_loops=1", protocol)
    assert len(network_blocks(folder)) == figures


def test_a_folder_without_a_network_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.yaml is missing: figures_from needs a run's whole folder"):
        network_blocks(tmp_path)


def test_the_network_at_the_start_is_the_one_that_was_trained(drawn_pair, tmp_path, monkeypatch):
    first = {}

    build = DIENModule.__init__

    def watched(module, network, *arguments, **options):
        first.update({name: value.clone() for name, value in network.state_dict().items()})
        build(module, network, *arguments, **options)

    monkeypatch.setattr(DIENModule, "__init__", watched)
    arguments = (*SMALL, "data.num_workers=0", "data.steps_per_epoch=1", "trainer.max_epochs=1", "seed=3")
    run_command("train", *arguments, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}")
    config = OmegaConf.load(tmp_path / "run" / "config.yaml")
    data = instantiate(config.data, _convert_="all")
    found = _network_at_start(config, data).state_dict()
    assert all(torch.equal(value, first[name]) for name, value in found.items())
