"""`scripts/rank.py` on images of one's own."""

from __future__ import annotations

import csv
import os

import pytest
import torch

from commands import call
from dien_lightning.network import DIEN, save_network
from library.data.folders import write_image


@pytest.fixture
def rank(capfd, monkeypatch):
    return lambda *arguments: call(capfd, monkeypatch, "rank", *arguments)


def read(folder):
    with (folder / "out" / "ranks.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    network = DIEN("resnet18", weights=None, embedding_dim=8, attention_loops=0, image_size=(64, 32))
    save_network(network, tmp_path / "network.safetensors")
    for i in range(4):
        write_image(tmp_path / "crops" / f"{i}.jpg", seed=i)
    write_image(tmp_path / "query" / "same as 2.jpg", seed=2)
    return tmp_path


def test_lists_and_page(rank, folder):
    arguments = [
        f"checkpoint={folder}/network.safetensors",
        f"query={folder}/query",
        f"gallery={folder}/crops",
        "top=3",
    ]
    done = rank(*arguments, f"output={folder}/out")
    assert done.code == 0, done.stderr
    assert "1 queries ranked against 4 images" in done.stdout
    rows = read(folder)
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["image"].endswith("crops/2.jpg")
    assert float(rows[0]["distance"]) < 1e-3
    page = (folder / "out" / "ranks.html").read_text()
    assert page.count("<img") == 4
    assert "1 of 1 queries, each with the nearest of 4 images" in page
    assert "1 · 0.00" in page
    assert "http" not in page


@pytest.mark.parametrize("gallery", ["crops", "query/../crops"])
def test_a_query_is_not_in_its_own_list(gallery, rank, folder):
    arguments = [f"checkpoint={folder}/network.safetensors", f"query={folder}/crops", f"gallery={folder}/{gallery}"]
    rank(*arguments, f"output={folder}/out")
    rows = read(folder)
    assert len(rows) == 4 * 3
    assert all(os.path.realpath(row["query"]) != os.path.realpath(row["image"]) for row in rows)


def test_what_is_missing_is_named(rank, folder):
    assert "error: query=... is missing" in rank(f"checkpoint={folder}/network.safetensors").stderr
    everything = [f"checkpoint={folder}/network.safetensors", f"gallery={folder}/crops", f"output={folder}/out"]
    assert f"query={folder}/out holds no image" in rank(*everything, f"query={folder}/out").stderr
    assert "'galery' is not an option" in rank("galery=x").stderr
    assert "top=0 must be a whole number" in rank(*everything, f"query={folder}/out", "top=0").stderr


@pytest.mark.parametrize("name", ["2024", "0042", "2024_01_05", "off", "1e3"])
def test_folders_may_be_called_by_a_number(name, rank, folder, monkeypatch):
    (folder / "crops").rename(folder / name)
    monkeypatch.chdir(folder)
    done = rank("checkpoint=network.safetensors", "query=query", f"gallery={name}", f"output={name}")
    assert done.code == 0, done.stderr
    assert (folder / name / "ranks.csv").is_file()
