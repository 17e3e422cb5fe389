"""The network in a file and back, and what is said about files that are torn or hold something else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dien_lightning.network import DIEN, load_network, save_network
from dien_lightning.network.files import CHECKPOINT_HYPERPARAMETERS
from library.network.networks import images, small


@pytest.fixture(scope="module")
def network():
    network = small(1, attention_start_at_one=False, attention_widths=(8, 4))
    network.gather_statistics([images(6)], "target")
    return network.eval()


def checkpoint_of(network):
    state = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    state["objective.identity.classifier.weight"] = torch.zeros(2, 2)
    return {CHECKPOINT_HYPERPARAMETERS: network.hyperparameters, "state_dict": state, "epoch": 3}


@pytest.mark.parametrize("kind", ["safetensors", "checkpoint"])
def test_round_trip(network, kind, tmp_path):
    path = tmp_path / "folder" / f"network.{'safetensors' if kind == 'safetensors' else 'ckpt'}"
    if kind == "safetensors":
        save_network(network, path)
    else:
        path.parent.mkdir()
        torch.save(checkpoint_of(network), path)
    loaded = load_network(path)
    assert not loaded.training
    assert loaded.hyperparameters == network.hyperparameters
    assert (loaded.gathered("source"), loaded.gathered("target")) == (False, True)
    for domain in ("source", "target"):
        assert torch.equal(loaded(images(), domain).embedding, network(images(), domain).embedding)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_channels_last_is_saved_too(tmp_path):
    network = small(1).to(memory_format=torch.channels_last).eval()
    save_network(network, tmp_path / "network.safetensors")
    torch.testing.assert_close(load_network(tmp_path / "network.safetensors")(images()), network(images()))


def test_same_network_same_bytes(network, tmp_path):
    for name in ("a", "b"):
        save_network(network, tmp_path / f"{name}.safetensors")
    save_network(network, tmp_path / "a.safetensors")  # replaced
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


# ---- errors ----


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"checkpoint=.*last\.ckpt is not a file; give a run's check"):
        load_network(tmp_path / "last.ckpt")


def refused(path, reason=""):
    words = rf"checkpoint=.*{path.name} cannot be read as a DIEN network \(.*{reason}.*\); give a checkpoint that this"
    with pytest.raises(ValueError, match=words):
        load_network(path)


@pytest.mark.parametrize("suffix", ["safetensors", "ckpt"])
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_torn_file_is_refused(network, suffix, share, tmp_path):
    whole, torn = tmp_path / f"whole.{suffix}", tmp_path / f"torn.{suffix}"
    if suffix == "safetensors":
        save_network(network, whole)
    else:
        torch.save(checkpoint_of(network), whole)
    content = whole.read_bytes()
    torn.write_bytes(content[: int(len(content) * share)])
    refused(torn)


def test_another_librarys_files_are_refused(tmp_path):
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    refused(path, "it names no DIEN arguments")
    path = tmp_path / "foreign.ckpt"
    torch.save({"state_dict": {}}, path)
    refused(path, "it names no DIEN arguments")
    path.write_text("not a checkpoint")
    refused(path)
    torch.save(7, path)
    refused(path)


def test_a_checkpoint_of_other_sizes_names_the_layer(network, tmp_path):
    checkpoint = checkpoint_of(network)
    checkpoint[CHECKPOINT_HYPERPARAMETERS] = network.hyperparameters | {"embedding_dim": 8}
    path = tmp_path / "last.ckpt"
    torch.save(checkpoint, path)
    refused(path, r"size mismatch for embedding\.0\.weight")


class Trap:
    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


def test_no_code_of_the_file_runs(tmp_path):
    path = tmp_path / "trap.ckpt"
    torch.save({CHECKPOINT_HYPERPARAMETERS: Trap()}, path)
    refused(path)
    assert not Trap.sprung


@pytest.mark.parametrize("kind", ["safetensors", "checkpoint"])
def test_damaged_weights_are_refused(network, kind, tmp_path):
    path = tmp_path / ("network.safetensors" if kind == "safetensors" else "last.ckpt")
    if kind == "safetensors":
        save_network(network, path)
    else:
        torch.save(checkpoint_of(network), path)
    assert load_network(path).embedding_dim == network.embedding_dim
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 99] = bytes(99)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"cannot be read as a DIEN network \(.*a checksum is wrong\)"):
        load_network(path)


def test_numbers_of_numpy_are_saved_as_plain_ones(tmp_path):
    numbers = {name: np.int64(2) for name in ("attention_stage", "attention_stride", "attention_reduction")}
    numbers |= {"image_size": (np.int64(64), np.int64(32)), "attention_widths": (np.int64(4), np.int64(2))}
    network = DIEN("resnet18", None, np.int64(8), np.int64(1), **numbers)
    save_network(network, tmp_path / "network.safetensors")
    assert load_network(tmp_path / "network.safetensors").hyperparameters == network.hyperparameters
