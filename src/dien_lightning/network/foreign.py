"""Backbone weights as other re-identification libraries save them: wrappers, prefixes, numbers and heads come off.

A backbone is told by its first layer, a convolution of three colors, and found under whatever stands before it:

- torchvision: conv1, bn1, layer1 ... layer4, head fc; for MobileNetV2 features and classifier;
- torchreid (pyppbox-torchreid 1.4.1.0): {"state_dict": ..., "rank1": ...}, module., heads fc and classifier;
- fast-reid (fastreid 1.4.0): {"model": ...}, backbone., heads.;
- OpenUnReID (03636a6): {"state_dict_1": ...}, module.backbone., or net. and mean_net. of a student and its teacher, who
  is taken; bn1.dsbn.0., bn1.dsbn.1. with batch norm per domain, of which the last is taken;
- SpCL (7fc45d5): {"state_dict": ...}, module.base.0 ... module.base.7, with ReLU and pooling counted; MMT (1caa15c)
  without ReLU;
- TransReID's ResNet (1075dd5): base.conv1 ..., heads bottleneck and classifier;
- Roboflow's reid (0.1.0rc1): a folder with weights.safetensors and reid_config.json.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor

from dien_lightning.checks import first_line
from dien_lightning.processes import is_first_process

_logger = logging.getLogger(__name__)
_STAGES = ("layer1", "layer2", "layer3", "layer4")
# The name of the first layer, and what the numbers of a Sequential stand for.
_NAMINGS: tuple[tuple[str, dict[str, str]], ...] = (
    ("conv1.weight", {}),
    ("features.0.0.weight", {}),
    ("0.weight", {"0": "conv1", "1": "bn1", **dict(zip("4567", _STAGES, strict=True))}),
    ("0.weight", {"0": "conv1", "1": "bn1", **dict(zip("3456", _STAGES, strict=True))}),
)
# What a library's own network does otherwise with the same weights, by the head that tells whose it is.
_STRIDE = "has a last stride of 1 (here network.last_stride=1)"
_OTHERWISE = {
    "heads": f"fast-reid's pools without a border and rounds up (ceil_mode) after its first layer, and {_STRIDE}",
    "head": f"OpenUnReID's {_STRIDE}",
    "feat_bn": f"SpCL's {_STRIDE}, and so has MMT's, which has no ReLU after its first batch norm",
    "bottleneck": f"TransReID's {_STRIDE}, a pooling of 2 x 2 and no ReLU after its first batch norm",
}
_TEACHERS = r"(^|\.)(mean_net|teacher|ema|.*_ema)(\.|$)"  # a student's mean over its training; it is the better one
_SIGNS = {
    ".IN.": "it has instance normalisation (IBN)",
    ".se.": "it has squeeze and excitation",
    "NL_": "it has non-local blocks",
    "cls_token": "it is a vision transformer",
    "conv2a.": "it is an OSNet",
    "blocks.0.0.weight": "it is a network of this library, which load_network reads",
}
# Checkpoints of torchreid and OpenUnReID keep scores as numpy's numbers; reading these runs nothing.
_SCALAR = np.float64(0).__reduce__()[0]
_NUMPY: list[Any] = [np.dtype, *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "?"))]
_NUMPY += [(_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]


class _Candidate(NamedTuple):
    """A backbone in a file: where it stands, its tensors by torchvision's names, and what else stands beside it."""

    where: str
    state: dict[str, Tensor]
    beside: list[str]


def read_backbone(path: Path, name: str, choices: Iterable[str]) -> dict[str, Tensor]:
    """The weights of a backbone by torchvision's names; heads are left out and named in the log.

    No code from the file is run: pickles are read with `weights_only=True`.

    Args:
        path: of a file, or of a folder that Roboflow's reid wrote.
        name: which backbone it should be.
        choices: the backbones it may be.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: a file that cannot be read, or that holds another network; says which backbone fits.
    """
    file = path / "weights.safetensors" if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(
            f"weights={file} is not a file. Give the path of a {name} that torchvision or another re-identification "
            f"library saved, 'imagenet' or null."
        )
    tables = _tables(file)
    candidates = sorted(_candidates(tables), key=lambda each: not re.search(_TEACHERS, each.where.lower()))
    fitting = [candidate for candidate in candidates if not _faults(candidate, name)]
    if fitting:
        if is_first_process():
            _tell(file, name, *fitting)
        return {key: fitting[0].state[key] for key in _shapes(name)}
    for other in choices:
        if any(not _faults(candidate, other) for candidate in candidates):
            raise ValueError(
                f"weights={file} is a {other}, not a {name}; choose backbone={other} (network.backbone={other})."
            )
    reasons = "; ".join(_reasons(file, tables, min((_faults(each, name) for each in candidates), key=len, default=[])))
    raise ValueError(
        f"weights={file} does not hold a {name} ({reasons}), nor another of {', '.join(choices)}. Give such a file, "
        f"'imagenet' or null."
    )


def _tell(file: Path, name: str, taken: _Candidate, *others: _Candidate) -> None:
    """Log what is taken, what is left out, and what its own library's network does otherwise."""
    if taken.where or taken.beside:
        where = f" under {taken.where}" if taken.where else ""
        _logger.info("weights=%s: %s%s; left out: %s.", file, name, where, ", ".join(taken.beside) or "-")
    if others:
        places = ", ".join(each.where for each in others)
        _logger.info("weights=%s: others of the kind are left out, under %s.", file, places)
    for head in filter(_OTHERWISE.get, taken.beside):
        _logger.info("Its features are not those it was trained with: as published, %s.", _OTHERWISE[head])


def _reasons(file: Path, tables: list[tuple[str, dict[str, Tensor]]], faults: list[str]) -> Iterator[str]:
    names = [key for _, tensors in tables for key in tensors]
    yield from (words for sign, words in _SIGNS.items() if any(sign in key for key in names))
    config = file.with_name("reid_config.json")
    if config.is_file():
        with suppress(ValueError, AttributeError):  # whatever it says, the tensors decide
            yield f"its reid_config.json says {json.loads(config.read_text()).get('architecture')}"
    if faults:
        yield f"{len(faults)} tensors are missing, unknown or of another shape, such as {faults[0]}"
    else:
        yield f"it has {', '.join(names[:3])} ..." if names else "it has no tensors"


def _tables(file: Path) -> list[tuple[str, dict[str, Tensor]]]:
    """Each mapping of the file that has tensors, after the keys that lead to it."""
    try:
        if file.suffix == ".safetensors":
            return [("", load_file(file))]
        with torch.serialization.safe_globals(_NUMPY):
            return list(_mappings(torch.load(file, map_location="cpu", weights_only=True)))
    except Exception as error:  # whatever a foreign file provokes, the reader needs one sentence
        reason = first_line(error)
        if "Unsupported" in str(error):
            reason = "it holds more than tensors and numbers, and its code is not run; save model.state_dict() alone"
        raise ValueError(f"weights={file} cannot be read ({reason}). Give another file, 'imagenet' or null.") from error


def _mappings(content: Any, where: str = "") -> Iterator[tuple[str, dict[str, Tensor]]]:
    if isinstance(content, Mapping):
        tensors = {key: value for key, value in content.items() if isinstance(value, Tensor) and isinstance(key, str)}
        if tensors:
            yield where, tensors
        for key, value in content.items():
            yield from _mappings(value, f"{where}{key}.")


def _candidates(tables: list[tuple[str, dict[str, Tensor]]]) -> Iterator[_Candidate]:
    for where, tensors in tables:
        for first, names in _NAMINGS:
            for key, tensor in tensors.items():
                if f".{key}".endswith(f".{first}") and tensor.dim() == 4 and tensor.shape[1] == 3:
                    prefix = key.removesuffix(first)
                    parts = {k: k.removeprefix(prefix) for k in tensors if k.startswith(prefix)}
                    state = {_renamed(part, names): tensors[k] for k, part in parts.items()}
                    trunk = {"conv1", "bn1", "features", *_STAGES}
                    others = [k for k in tensors if _renamed(parts.get(k, ""), names).split(".")[0] not in trunk]
                    beside = dict.fromkeys(_first_difference(k, prefix) for k in others)
                    yield _Candidate(f"{where}{prefix}".rstrip("."), state, list(beside))


def _renamed(key: str, names: Mapping[str, str]) -> str:
    first, dot, rest = re.sub(r"\.dsbn\.\d+\.", ".", key).partition(".")
    return names.get(first, first) + dot + rest


def _first_difference(key: str, prefix: str) -> str:
    """The part of a tensor's name that tells it from the backbone's: its head."""
    shared = prefix.split(".")
    return next((part for place, part in enumerate(key.split(".")) if shared[place : place + 1] != [part]), key)


def _faults(candidate: _Candidate, name: str) -> list[str]:
    """The tensors that keep a candidate from being that backbone: missing, of another shape, or unknown."""
    shapes, state = _shapes(name), candidate.state
    trunk = (*{key.partition(".")[0] for key in shapes}, "NL_")
    faults = [key for key, shape in shapes.items() if key not in state or state[key].shape != shape]
    known = {*shapes, *(key for key in state if key.endswith("num_batches_tracked"))}
    return faults + [key for key in state if key not in known and key.startswith(trunk)]


@cache
def _shapes(name: str) -> dict[str, torch.Size]:
    """Of torchvision's network without its last layers."""
    with torch.device("meta"):
        network = torchvision.models.get_model(name, weights=None)
    *_, (head, _) = network.named_children()
    return {
        key: tensor.shape
        for key, tensor in network.state_dict().items()
        if not key.startswith(f"{head}.") and not key.endswith("num_batches_tracked")
    }
