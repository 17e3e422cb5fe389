"""scripts/evaluate.py as a user calls it."""

from __future__ import annotations

import json

import pytest

from commands import call
from dien_lightning import DIEN, save_network

FAST = ("data.num_workers=0", "accelerator=cpu", "precision=32-true")


@pytest.fixture(scope="module")
def network_file(tmp_path_factory):
    """A network with random weights, which is enough to rank by."""
    path = tmp_path_factory.mktemp("network") / "network.safetensors"
    save_network(DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=1, image_size=(64, 32)), path)
    return path


def evaluate(capfd, monkeypatch, *arguments):
    return call(capfd, monkeypatch, "evaluate", "data.target=pedestrians_night", *FAST, *arguments)


def test_writes_the_figures_and_their_protocol(network_file, drawn_pair, tmp_path, capfd, monkeypatch):
    arguments = (f"checkpoint={network_file}", f"data_root={drawn_pair}", f"output={tmp_path}")
    finished = evaluate(capfd, monkeypatch, *arguments)
    assert finished.code == 0, finished.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert 0 <= results["target"]["rank1"] <= results["target"]["rank5"] <= 1
    assert results["protocol"]["num_queries"] == 8
    assert results["protocol"]["statistics"] == {"target": "source"}  # none were gathered
    assert len(results["passes"]) == 2
    assert "Protocol: junk (pid -1) dropped" in finished.stdout


def test_never_writes_over_other_results(network_file, drawn_pair, tmp_path, capfd, monkeypatch):
    (tmp_path / "results.json").write_text("mine")
    arguments = (f"checkpoint={network_file}", f"data_root={drawn_pair}", f"output={tmp_path}")
    finished = evaluate(capfd, monkeypatch, *arguments)
    assert finished.code == 1
    assert f"error: output={tmp_path} holds a results.json; choose another folder." in finished.stderr
    assert (tmp_path / "results.json").read_text() == "mine"


def test_every_refinement_is_marked(network_file, drawn_pair, tmp_path, capfd, monkeypatch):
    arguments = (f"checkpoint={network_file}", f"data_root={drawn_pair}", f"output={tmp_path}")
    options = ("flip=true", "multi_query=true", "expansion=2", "rerank=true", "gather_statistics=true")
    finished = evaluate(capfd, monkeypatch, *arguments, *options, "data.cameras=none")
    assert finished.code == 0, finished.stderr
    protocol = json.loads((tmp_path / "results.json").read_text())["protocol"]
    assert (protocol["flip"], protocol["multi_query"], protocol["expansion"], protocol["rerank"]) == (
        True,
        True,
        2,
        True,
    )
    assert protocol["same_camera"] == "keep"
    assert protocol["statistics"] == {"target": "target"}
    assert protocol["num_queries"] == 4  # without cameras, one query per person


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("checkpoint=/nowhere.ckpt",), "checkpoint=/nowhere.ckpt is not a file"),
        ((), "checkpoint"),
        (("checkpoint=pyproject.toml",), "cannot be read as a DIEN network"),
        (("checkpoint={network}", "data.target=duke"), "duke"),
        (("checkpoint={network}", "protocol.junk=maybe"), "junk='maybe' is not a protocol; choose one of drop"),
    ],
)
def test_bad_input_ends_in_one_sentence(overrides, words, network_file, drawn_pair, tmp_path, capfd, monkeypatch):
    named = [override.format(network=network_file) for override in overrides]
    finished = evaluate(capfd, monkeypatch, f"data_root={drawn_pair}", f"output={tmp_path / 'out'}", *named)
    assert finished.code == 1
    (sentence,) = [line for line in finished.stderr.splitlines() if line.startswith("error: ")]
    assert words in sentence
    assert "Traceback" not in finished.stderr
