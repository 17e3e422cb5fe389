"""Backbone weights as other libraries save them; the names are those that their own networks give, written down here.

pyppbox-torchreid 1.4.1.0, fastreid 1.4.0 and reid 0.1.0rc1 from PyPI; OpenUnReID at 03636a6, SpCL at 7fc45d5, MMT at
1caa15c, TransReID at 1075dd5.
"""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from dien_lightning.network import Backbone

STAGES = ("layer1", "layer2", "layer3", "layer4")
SPCL = {"conv1": "0", "bn1": "1", **dict(zip(STAGES, "4567", strict=True))}  # relu is 2, maxpool 3
MMT = {"conv1": "0", "bn1": "1", **dict(zip(STAGES, "3456", strict=True))}  # without relu


@pytest.fixture(scope="module")
def resnet18(resnet18):
    """The tensors of its trunk."""
    return {name: tensor for name, tensor in resnet18.state_dict().items() if not name.startswith("fc.")}


@pytest.fixture(autouse=True)
def heard(caplog):
    caplog.set_level(logging.INFO, logger="dien_lightning.network.foreign")


def under(prefix, state, numbers=None):
    """The same tensors below a prefix, their first names replaced."""
    named = {}
    for key, tensor in state.items():
        first, _, rest = key.partition(".")
        named[f"{prefix}{(numbers or {}).get(first, first)}.{rest}"] = tensor
    return named


def head(*names):
    return {name: torch.zeros(3) for name in names}


def per_domain(state):
    """Batch norm for two domains in each layer, the second the target's."""
    found = {}
    for key, tensor in state.items():
        layer, _, name = key.rpartition(".")
        if "bn" in layer or layer.endswith("downsample.1"):
            found |= {f"{layer}.dsbn.0.{name}": tensor + 1, f"{layer}.dsbn.1.{name}": tensor}
        else:
            found[key] = tensor
    return found


FILES = {
    "torchvision": (lambda s: s | head("fc.weight", "fc.bias"), "", "fc"),
    "torchreid": (
        lambda s: {
            "state_dict": under("module.", s | head("fc.0.weight", "classifier.weight", "classifier.bias")),
            "epoch": 60,
            "rank1": np.float32(0.8),
            "optimizer": {"state": {0: {"momentum_buffer": s["conv1.weight"]}}, "param_groups": [{"lr": 0.1}]},
        },
        "state_dict.module",
        "fc, classifier",
    ),
    "fast-reid": (
        lambda s: {
            "model": under("backbone.", s) | head("heads.pool_layer.p", "heads.bottleneck.0.weight", "heads.weight"),
            "iteration": 5,
            "metric": np.float64(0.5),
        },
        "model.backbone",
        "heads",
    ),
    "OpenUnReID": (
        lambda s: {
            "state_dict_1": under("module.backbone.", s) | head("module.head.bn.weight", "module.classifier.weight"),
            "state_dict_2": under("module.backbone.", per_domain(s)),
            "best_mAP": np.float64(0.5),
        },
        "state_dict_1.module.backbone",
        "head, classifier",
    ),
    "OpenUnReID, teacher": (
        lambda s: {
            "state_dict_1": under("module.net.backbone.", {name: tensor + 1 for name, tensor in s.items()})
            | under("module.mean_net.backbone.", s)
            | head("module.mean_net.classifier.weight")
        },
        "state_dict_1.module.mean_net.backbone",
        "net, classifier",
    ),
    "a student and its teacher": (
        lambda s: {"student": {name: tensor + 1 for name, tensor in s.items()}, "model_ema": s},
        "model_ema",
        "-",
    ),
    "OpenUnReID, domains": (
        lambda s: {"state_dict_1": under("module.backbone.", per_domain(s))},
        "state_dict_1.module.backbone",
        "-",
    ),
    "SpCL": (
        lambda s: {
            "state_dict": under("module.base.", s, SPCL) | head("module.feat_bn.weight", "module.classifier.weight")
        },
        "state_dict.module.base",
        "feat_bn, classifier",
    ),
    "MMT": (
        lambda s: {"state_dict": under("module.base.", s, MMT) | head("module.feat_bn.weight")},
        "state_dict.module.base",
        "feat_bn",
    ),
    "TransReID": (
        lambda s: under("base.", s) | head("bottleneck.weight", "classifier.weight"),
        "base",
        "bottleneck, classifier",
    ),
    "no counters": (lambda s: {k: t for k, t in s.items() if not k.endswith("num_batches_tracked")}, "", None),
}


@pytest.mark.parametrize("library", FILES)
def test_the_backbone_is_found_and_the_heads_are_named(library, resnet18, tmp_path, caplog):
    content, where, left_out = FILES[library]
    path = tmp_path / "model.pth.tar-60"
    torch.save(content(resnet18), path)
    check_same(Backbone("resnet18", path), resnet18)
    under_it = f" under {where}" if where else ""
    said = [] if left_out is None else [f"weights={path}: resnet18{under_it}; left out: {left_out}."]
    assert caplog.messages[:1] == said
    further = {"OpenUnReID": "state_dict_2.module.backbone", "a student and its teacher": "student"}
    further["OpenUnReID, teacher"] = "state_dict_1.module.net.backbone"
    said = [f"weights={path}: others of the kind are left out, under {further[library]}."] if library in further else []
    assert [message for message in caplog.messages if "of the kind" in message] == said
    otherwise = " ".join(caplog.messages[1:])
    assert ("last stride of 1" in otherwise) == (library in {"fast-reid", "OpenUnReID", "SpCL", "MMT", "TransReID"})
    assert ("fast-reid's pools without a border and rounds up (ceil_mode)" in otherwise) == (library == "fast-reid")


def check_same(backbone, state):
    stem, *stages = backbone.blocks
    ours = {"conv1": stem[0], "bn1": stem[1], **dict(zip(STAGES, stages, strict=True))}
    for name, layer in ours.items():
        for key, tensor in layer.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                assert torch.equal(tensor, state[f"{name}.{key}"]), f"{name}.{key}"


def test_a_folder_of_roboflows_reid(resnet18, tmp_path, monkeypatch):
    save_file(resnet18, tmp_path / "weights.safetensors")
    (tmp_path / "reid_config.json").write_text(json.dumps({"architecture": "timm:resnet18", "preprocessing": {}}))
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    for weights in (tmp_path, tmp_path / "weights.safetensors", f"~/{tmp_path.name}"):
        check_same(Backbone("resnet18", weights), resnet18)
    with pytest.raises(
        FileNotFoundError, match=r"weights=.*nothing/weights\.safetensors|weights=.*nothing is not a file"
    ):
        Backbone("resnet18", tmp_path / "nothing")


# ---- errors ----


def test_a_backbone_that_does_not_fit_says_which_one_does(resnet18, tmp_path):
    path = tmp_path / "model.pth"
    for name, state in (("resnet18", resnet18), ("resnet34", torchvision.models.resnet34(weights=None).state_dict())):
        torch.save({"model": under("backbone.", state)}, path)
        asked = "mobilenet_v2" if name == "resnet18" else "resnet18"
        said = rf"weights=.*model\.pth is a {name}, not a {asked}; choose backbone={name} \(network\.backbone={name}\)"
        with pytest.raises(ValueError, match=said):
            Backbone(asked, path)


@pytest.mark.parametrize(
    ("keeps_trunk", "content", "reason"),
    [
        (
            True,
            {"layer1.0.bn1.IN.weight": torch.ones(32)},
            r"it has instance normalisation \(IBN\); 1 tensors are missing",
        ),
        (True, {"layer1.0.se.fc.0.weight": torch.ones(4, 64)}, "it has squeeze and excitation; 1 tensors"),
        (True, {"NL_2.0.g.weight": torch.ones(4, 64)}, "it has non-local blocks; 1 tensors"),
        (
            True,
            {"conv1.weight": torch.ones(32, 3, 7, 7)},
            "1 tensors are missing, unknown or of another shape, such as co",
        ),
        (False, {"cls_token": torch.ones(1)}, r"it is a vision transformer; it has cls_token \.\.\."),
        (False, {"conv2.0.conv2a.conv.weight": torch.ones(1)}, "it is an OSNet"),
        (False, {"epoch": 3}, "it has no tensors"),
        (False, [1, 2], "it has no tensors"),
    ],
)
def test_another_network_is_told(keeps_trunk, content, reason, resnet18, tmp_path):
    path = tmp_path / "model.pth"
    torch.save(resnet18 | content if keeps_trunk else content, path)
    with pytest.raises(
        ValueError, match=rf"weights=.*model\.pth does not hold a resnet18 \({reason}.*\), nor another of re"
    ):
        Backbone("resnet18", path)
