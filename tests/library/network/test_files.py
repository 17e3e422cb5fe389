"""The network in a file and back, and what is said about files that are torn or hold something else."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from dien_lightning.network import DIEN, Calibration, load_network, save_network
from dien_lightning.network.files import CALIBRATION, CHECKPOINT_HYPERPARAMETERS, fingerprint
from library.network.networks import Trap, images, small

KINDS = ["network.safetensors", "last.ckpt"]
ONCE = {  # what files said of the network before these were settled
    "attention_input": "raw",
    "attention_detach": False,
    "attention_start_at_one": True,
    "attention_widths": [128, 64],
    "attention_reduction": 16,
}
SINCE = ("batch_norm_size", "last_stride", "pooling", "final_norm")


@pytest.fixture(scope="module")
def network():
    network = small(1, moved=True)
    for seed, domain in enumerate(("source", "target")):
        network.gather_statistics([images(6, seed=seed)], domain)
    return network.eval()


def write(network, path, without=(), **changes):
    """Save the network, with other arguments beside it than its own."""
    arguments = {name: value for name, value in network.hyperparameters.items() if name not in without} | changes
    if path.suffix == ".ckpt":
        state = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
        state["objective.identity.classifier.weight"] = torch.zeros(2, 2)
        torch.save({CHECKPOINT_HYPERPARAMETERS: arguments, "state_dict": state, "epoch": 3}, path)
        return
    save_network(network, path)
    if changes:
        with safe_open(path, framework="pt") as file:
            digest = json.loads(file.metadata()["dien"])["blake2b"]
        save_file(network.state_dict(), path, metadata={"dien": json.dumps({**arguments, "blake2b": digest})})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changes", [{}, {**ONCE, "without": SINCE}], ids=["now", "older"])
def test_round_trip(network, kind, changes, tmp_path):
    write(network, tmp_path / kind, **changes)
    loaded = load_network(tmp_path / kind)
    assert not loaded.training
    assert loaded.hyperparameters == network.hyperparameters
    assert (loaded.gathered("source"), loaded.gathered("target")) == (True, True)
    for domain in ("source", "target"):
        assert torch.equal(loaded(images(), domain).embedding, network(images(), domain).embedding)
    assert [file.name for file in tmp_path.iterdir()] == [kind]


def test_a_network_to_train_on_with_other_arguments(network, tmp_path):
    write(network, tmp_path / "network.safetensors")
    unchanged = load_network(tmp_path / "network.safetensors", last_stride=None, batch_norm_size=None)
    assert unchanged.hyperparameters == network.hyperparameters
    loaded = load_network(tmp_path / "network.safetensors", batch_norm_size=16, last_stride=1, final_norm=True)
    assert loaded.hyperparameters["batch_norm_size"] == 16
    assert loaded.backbone(images()).shape[2:] == (4, 2)
    assert torch.equal(loaded.fusion.weight, network.fusion.weight)
    assert loaded.final_norm[0].weight.tolist() == [1.0] * 16
    with pytest.raises(ValueError, match="change='pooling' is not allowed; choose one of batch_norm_size, last_stride"):
        load_network(tmp_path / "network.safetensors", pooling="generalized_mean")


@pytest.mark.parametrize("change", [{"batch_norm_size": 1}, {"last_stride": 3}])
def test_a_change_that_does_not_go_is_not_the_files_fault(network, change, tmp_path):
    write(network, tmp_path / "network.safetensors")
    (name,) = change
    words = rf"\({name}={change[name]} .*\); leave out the change, or give one that its weights allow\."
    with pytest.raises(ValueError, match=words):
        load_network(tmp_path / "network.safetensors", **change)
    (tmp_path / "network.safetensors").write_bytes(b"torn")
    with pytest.raises(ValueError, match="give a checkpoint that this library wrote"):
        load_network(tmp_path / "network.safetensors", **change)


def test_channels_last_is_saved_too(tmp_path):
    network = small(1).to(memory_format=torch.channels_last).eval()
    save_network(network, tmp_path / "network.safetensors")
    torch.testing.assert_close(load_network(tmp_path / "network.safetensors")(images()), network(images()))


def test_same_network_same_bytes_in_a_new_folder(network, tmp_path):
    for name in ("a", "b"):
        save_network(network, tmp_path / "folder" / f"{name}.safetensors")
    a, b = (tmp_path / "folder" / f"{name}.safetensors" for name in ("a", "b"))
    save_network(network, a)  # replaced
    assert a.read_bytes() == b.read_bytes()


def test_numbers_of_numpy_are_saved_as_plain_ones(tmp_path):
    numbers = {"attention_stage": np.int64(2), "attention_stride": np.int64(2)}
    network = DIEN("resnet18", None, np.int64(8), np.int64(1), image_size=(np.int64(64), np.int64(32)), **numbers)
    save_network(network, tmp_path / "network.safetensors")
    assert load_network(tmp_path / "network.safetensors").hyperparameters == network.hyperparameters


# ---- errors ----


def refused(path, reason=""):
    words = rf"checkpoint=.*{path.name} cannot be read as a DIEN network \(.*{reason}.*\); give a checkpoint that this"
    with pytest.raises(ValueError, match=words):
        load_network(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"checkpoint=.*last\.ckpt is not a file; give a run's check"):
        load_network(tmp_path / "last.ckpt")


@pytest.mark.parametrize("kind", KINDS)
def test_a_torn_or_damaged_file_is_refused(network, kind, tmp_path):
    path = tmp_path / kind
    write(network, path)
    content = path.read_bytes()
    for share in (0, 0.5, 0.99):
        path.write_bytes(content[: int(len(content) * share)])
        refused(path)
    path.write_bytes(content[: len(content) // 2] + bytes(99) + content[len(content) // 2 + 99 :])
    refused(path, "a checksum is wrong")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"attention_input": "normalized"}, "it has attention_input=normalized, which this version no longer builds"),
        ({"attention_widths": [8, 4]}, r"it has attention_widths=\[8, 4\], which this version no longer builds"),
        ({"statistics": "domain"}, "statistics='domain' is not allowed; choose one of domain_and_pass, joint"),
        ({"embedding_dim": 8}, r"size mismatch for embedding\.0\.weight"),
    ],
)
def test_a_network_that_is_built_otherwise_is_told(network, kind, changes, reason, tmp_path):
    write(network, tmp_path / kind, **changes)
    refused(tmp_path / kind, reason)


def test_another_librarys_files_are_refused(tmp_path):
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    refused(path, "it names no DIEN arguments")
    path = tmp_path / "foreign.ckpt"
    torch.save({"state_dict": {}}, path)
    refused(path, "it names no DIEN arguments")
    path.write_text("not a checkpoint")
    refused(path, "it is torn, or torch.save did not write it")
    torch.save(7, path)
    refused(path)


def test_no_code_of_the_file_runs(tmp_path):
    path = tmp_path / "trap.ckpt"
    torch.save({CHECKPOINT_HYPERPARAMETERS: Trap()}, path)
    refused(path)
    assert not Trap.sprung


@pytest.mark.parametrize("kind", KINDS)
def test_the_fingerprint_of_a_file_is_the_networks(network, kind, tmp_path):
    write(network, tmp_path / kind)
    assert fingerprint(load_network(tmp_path / kind)) == fingerprint(network)


def test_the_fingerprint_changes_with_what_changes_an_embedding_and_with_nothing_else():
    first = small(1)
    known = fingerprint(first)
    setattr(first, CALIBRATION, torch.nn.BatchNorm1d(1))
    assert fingerprint(first) == known
    others = [small(1, seed=1), small(1, attention_update="accumulate"), small(1, image_size=(128, 64))]
    first.gather_statistics([images(6)], "target")
    assert len({known, *map(fingerprint, [first, *others])}) == 5


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_calibrated_network_of_any_type_is_read_back(dtype, tmp_path):
    network, path = small(0).eval().to(dtype), tmp_path / "network.safetensors"
    about = {"fingerprint": fingerprint(network), "domain": "source", "pairs_of_people": 100}
    network.calibration = Calibration([0.5, 1.0], [1.0, -1.0], [0.1, 1.0], about)
    save_network(network, path)
    loaded = load_network(path)
    assert loaded.calibration is not None
    assert fingerprint(loaded) == fingerprint(network)
    before = path.read_bytes()
    network.embedding[0].weight.data += 1
    with pytest.raises(ValueError, match=r"the calibration was fitted to another network's embeddings.*calibrate th"):
        save_network(network, path)
    assert path.read_bytes() == before


def test_the_fingerprint_of_a_float32_network_is_what_files_hold():
    known = small(0)
    for number, tensor in enumerate(known.state_dict().values()):
        tensor.copy_(torch.arange(tensor.numel()).reshape(tensor.shape) % 7 + number)
    assert fingerprint(known) == "524a089af046a4340d51a4d0904853e0"
