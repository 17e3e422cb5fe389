"""The network in a file: written as safetensors with its arguments, read back from that or from a checkpoint."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from dien_lightning.atomic import atomic_write
from dien_lightning.checks import check_choice, first_line
from dien_lightning.network.calibration import Calibration
from dien_lightning.network.dien import DIEN

_METADATA, _DIGEST = "dien", "blake2b"
ONCE: dict[str, Any] = {
    "attention_input": "raw",
    "attention_detach": False,
    "attention_start_at_one": True,
    "attention_widths": [128, 64],
    "attention_reduction": 16,
}
"""Arguments that `DIEN` once had, and the value that it now always has."""
_CHANGEABLE = ("batch_norm_size", "last_stride", "synchronize", "final_norm", "checkpoint_passes")
_DECIDING = ("image_size", "attention_stage", "attention_update", "attention_stride", "last_stride", "pooling")
CALIBRATION = "calibration"
"""The module of a network whose buffers say how alike two people are; it changes no embedding."""
CHECKPOINT_HYPERPARAMETERS = "network_hyperparameters"
"""The key of a training checkpoint that holds the network's arguments."""


def save_network(network: DIEN, path: str | os.PathLike[str]) -> None:
    """Write the network alone, without heads and optimiser: weights and arguments in one safetensors file.

    Args:
        network: to save.
        path: of the file, usually ending in .safetensors; replaced in one step if it exists.

    Raises:
        OSError: it cannot be written, on a full disk for instance; what it held before stays.
        ValueError: its calibration was fitted to other weights.

    Example:
        >>> import tempfile
        >>> network = DIEN("resnet18", weights=None, embedding_dim=8, attention_loops=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_network(network, f"{folder}/network.safetensors")
        ...     load_network(f"{folder}/network.safetensors").embedding_dim
        8
    """
    if network.calibration is not None:  # `load_network` would refuse the file
        network.calibration.check_fits(fingerprint(network), network.calibration.about["domain"])
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    about = json.dumps({**network.hyperparameters, _DIGEST: _digest(tensors)})  # two entries would come in any order
    with atomic_write(path) as draft:
        draft.write_bytes(save(tensors, metadata={_METADATA: about}))


def load_network(path: str | os.PathLike[str], **changes: Any) -> DIEN:
    """Read a network from what `save_network` wrote, or from a training checkpoint (`checkpoints/last.ckpt`).

    No code from the file is run: checkpoints are read with `weights_only=True`.

    Args:
        path: of a .safetensors file or a checkpoint.
        **changes: arguments of `DIEN` in place of the file's, to train on with: batch_norm_size, last_stride,
            synchronize, checkpoint_passes, and final_norm, a new layer, without statistics of either domain until
            training or `gather_statistics(batches, domain, missing=True)` gives it some. None keeps the file's.

    Returns:
        The network in evaluation mode, on the CPU.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a file that is torn or holds something else; a change that its weights do not allow.
    """
    path = Path(path).expanduser()
    for name in changes:
        check_choice("change", name, _CHANGEABLE)
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint={path} is not a file; give a run's checkpoints/last.ckpt.")
    given = {name: value for name, value in changes.items() if value is not None}
    remedy = "give a checkpoint that this library wrote"
    try:
        hyperparameters, state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_checkpoint(path)
        for name, value in ONCE.items():
            if hyperparameters.get(name, value) != value:
                raise ValueError(f"it has {name}={hyperparameters[name]}, which this version no longer builds")
        known = {name: value for name, value in hyperparameters.items() if name not in ONCE}
        if given:  # the file itself could be read
            remedy = "leave out the change, or give one that its weights allow"
        network = DIEN(**(known | given), weights=None)
        if given.get("final_norm"):  # a new layer, where the file has none
            state = {**{n: v for n, v in network.state_dict().items() if n.startswith("final_norm.")}, **state}
        calibration = state.pop(f"{CALIBRATION}.text", None)
        network.load_state_dict(state)
        changes_embeddings = given.keys() & {"last_stride", "final_norm"}
        if calibration is not None and not changes_embeddings:
            network.calibration = Calibration.of_buffer(calibration)
            network.calibration.check_fits(fingerprint(network), network.calibration.about["domain"])
    except Exception as error:  # whatever a foreign file provokes, the reader needs one sentence
        raise ValueError(
            f"checkpoint={path} cannot be read as a DIEN network ({first_line(error)}); {remedy}."
        ) from error
    return network.eval()


def fingerprint(network: DIEN) -> str:
    """What tells this network's embeddings from another's: a digest of its weights, statistics and arguments.

    A checkpoint and the network.safetensors beside it have the same one. Weights of another type count as the float32
    that `load_network` makes of them. A calibration changes no embedding, so it does not count; batch-norm statistics
    that are gathered anew do.

    Args:
        network: on any device.

    Example:
        >>> network = DIEN("resnet18", weights=None, embedding_dim=8, attention_loops=0)
        >>> len(fingerprint(network)), fingerprint(network) == fingerprint(network)
        (32, True)
    """
    state = network.state_dict()
    weights = {name: state[name].detach().cpu() for name in state if name.split(".")[0] != CALIBRATION}
    tensors = {name: (t.float() if t.is_floating_point() else t).contiguous() for name, t in weights.items()}
    deciding = json.dumps({name: network.hyperparameters[name] for name in _DECIDING})
    return hashlib.blake2b(f"{deciding} {_digest(tensors)}".encode(), digest_size=16).hexdigest()


def has_wrong_checksum(path: Path) -> bool:
    """Whether a file of torch.save is damaged inside: torch.load does not look at the checksums.

    Raises:
        zipfile.BadZipFile: it was not written by torch.save.
    """
    with zipfile.ZipFile(path) as archive:
        return archive.testzip() is not None


def _read_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        if _METADATA not in metadata:
            raise SafetensorError("it names no DIEN arguments")
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = json.loads(metadata[_METADATA])
        if about.pop(_DIGEST, None) not in (None, _digest(state)):
            raise SafetensorError("its weights are damaged: a checksum is wrong")
        return about, state


def _read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    if not zipfile.is_zipfile(path):
        raise ValueError("it is torn, or torch.save did not write it")
    if has_wrong_checksum(path):
        raise ValueError("it is damaged: a checksum is wrong")
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    if CHECKPOINT_HYPERPARAMETERS not in checkpoint:
        raise ValueError("it names no DIEN arguments")
    prefix = "network."
    state = {
        name.removeprefix(prefix): tensor
        for name, tensor in checkpoint["state_dict"].items()
        if name.startswith(prefix)
    }
    return checkpoint[CHECKPOINT_HYPERPARAMETERS], state


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
