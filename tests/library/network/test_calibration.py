"""A calibration: a table that is never left, and a buffer that leaves with the network."""

from __future__ import annotations

import copy

import pytest
import torch

from dien_lightning.network import Calibration, fingerprint, load_network, save_network
from dien_lightning.network.files import CHECKPOINT_HYPERPARAMETERS
from library.network.networks import images, small

TABLE = ([0.5, 1.0, 1.5], [1.0, 0.0, -2.0], [0.01, 0.1, 1.0])


def calibration_of(network, **changes):
    about = {"fingerprint": fingerprint(network), "domain": "source", "pairs_of_people": 100, "data": "drawn"}
    return Calibration(*TABLE, about | changes)


@pytest.fixture
def network():
    network = small(0)
    network.gather_statistics([images(6)], "source")
    network.eval()
    network.calibration = calibration_of(network)
    return network


def test_values_lie_on_lines_and_stay_beyond_the_ends(network):
    ratios, shares = network.calibration(torch.tensor([[0.0, 0.5, 0.75], [1.25, 1.5, 2.0]]))
    assert ratios.tolist() == [[1.0, 1.0, 0.5], [-1.0, -2.0, -2.0]]
    assert shares.tolist() == [[0.01, 0.01, pytest.approx(0.055)], [pytest.approx(0.55), 1.0, 1.0]]


def test_strangers_in_words(network):
    words = [network.calibration.strangers_in_words(distance) for distance in (0.2, 0.75, 1.4)]
    assert words[0] == "at most 1 in 100 strangers looks this alike"
    assert words[1] == "about 1 in 18 strangers looks this alike"
    assert words[2] == "more than half of all strangers look this alike"


def test_it_leaves_with_the_network_and_changes_no_embedding(network, tmp_path):
    before = network(images(), "source").embedding
    save_network(network, tmp_path / "network.safetensors")
    loaded = load_network(tmp_path / "network.safetensors")
    assert loaded.calibration.about == network.calibration.about
    assert loaded.calibration.table.tolist() == network.calibration.table.tolist()
    assert torch.equal(loaded(images(), "source").embedding, before)
    assert fingerprint(loaded) == fingerprint(network)
    narrow = copy.deepcopy(loaded).half()
    assert narrow.calibration(0.75) == network.calibration(0.75)
    assert Calibration.of_buffer(narrow.state_dict()["calibration.text"]).about == loaded.calibration.about


def test_it_goes_when_the_network_changes(network, tmp_path):
    save_network(network, tmp_path / "network.safetensors")
    assert load_network(tmp_path / "network.safetensors", final_norm=True).calibration is None
    for change in ({"checkpoint_passes": True}, {"synchronize": False}, {"batch_norm_size": 4}):
        assert load_network(tmp_path / "network.safetensors", **change).calibration is not None
    loaded = load_network(tmp_path / "network.safetensors")
    loaded.gather_statistics([images(6)], "target")
    assert loaded.calibration is None
    assert network.train().eval().calibration is None


def test_that_of_another_network_or_domain_is_refused(network, tmp_path):
    network.calibration.check_fits(fingerprint(network), "source")
    with pytest.raises(ValueError, match="fitted to embeddings with domain=source, and these are with domain=target"):
        network.calibration.check_fits(fingerprint(network), "target")
    with pytest.raises(ValueError, match="fitted to embeddings with flip=false, and these are with flip=true"):
        network.calibration.check_fits(fingerprint(network), "source", flip=True)
    other = small(0, seed=1).eval()
    with pytest.raises(ValueError, match="the calibration was fitted to another network's embeddings"):
        network.calibration.check_fits(fingerprint(other), "source")
    other.calibration = network.calibration
    with pytest.raises(ValueError, match=r"fitted to another network's embeddings.*calibrate this network"):
        save_network(other, tmp_path / "network.safetensors")
    state = {f"network.{name}": tensor for name, tensor in other.state_dict().items()}
    torch.save({CHECKPOINT_HYPERPARAMETERS: other.hyperparameters, "state_dict": state}, tmp_path / "last.ckpt")
    with pytest.raises(ValueError, match=r"last\.ckpt cannot be read .*fitted to another network's"):
        load_network(tmp_path / "last.ckpt")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (([1.0, 0.5], [1.0, 0.0], [0.1, 1.0]), "distances must rise, its ratios not rise and its shares not fall"),
        (([0.5, 1.0], [0.0, 1.0], [0.1, 1.0]), "distances must rise, its ratios not rise"),
        (([0.5, 1.0], [float("inf"), 0.0], [0.1, 1.0]), "must be finite"),
        (([0.5, 1.0], [1.0, 0.0], [0.0, 1.0]), r"shares in \(0, 1\]"),
    ],
)
def test_a_table_that_is_none_is_refused(table, words):
    with pytest.raises(ValueError, match=words):
        Calibration(*table, {"fingerprint": "", "domain": "target", "pairs_of_people": 9})


@pytest.mark.parametrize("text", ["", "{}", '{"format": 9}', "[1]", '{"format": 1, "distances": 3}'])
def test_a_text_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"the calibration cannot be read \(.*\); calibrate again"):
        Calibration.loads(text)
    with pytest.raises(ValueError, match="a calibration must say its fingerprint"):
        Calibration(*TABLE, {})
