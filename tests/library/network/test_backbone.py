"""Five blocks with the right shapes, and weights from a file, from the net or from nowhere."""

from __future__ import annotations

import pickle
from http.client import IncompleteRead
from urllib.error import URLError

import pytest
import torch
import torchvision

from dien_lightning.network import BACKBONES, DIEN, Backbone
from library.network.networks import images


@pytest.fixture(scope="module")
def weights(resnet18, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(resnet18.state_dict(), path)
    return path


@pytest.mark.parametrize("name", BACKBONES)
def test_five_blocks_that_halve_the_map(name):
    backbone = Backbone(name, weights=None).eval()
    features, sizes = images(1, 70, 45), []
    with torch.no_grad():
        for block in backbone.blocks:
            features = block(features)
            sizes.append(tuple(features.shape[1:]))
        torch.testing.assert_close(backbone(images(1, 70, 45)), features)
    first = (35, 23) if name == "mobilenet_v2" else (18, 12)  # a ResNet's first block ends with its max pooling
    maps = [first, (18, 12), (9, 6), (5, 3), (3, 2)]
    assert sizes == [(channels, *size) for channels, size in zip(backbone.channels, maps, strict=True)]


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_embeds(name):
    network = DIEN(name, weights=None, embedding_dim=16, attention_loops=1, image_size=(64, 32)).eval()
    with torch.no_grad():
        output = network(images(2))
    assert output.embedding.shape == (2, 16)
    assert output.embedding.isfinite().all()


@pytest.mark.parametrize("name", BACKBONES)
def test_nothing_but_the_last_layer_is_left_out(name):
    with torch.device("meta"):
        original, backbone = torchvision.models.get_model(name, weights=None), Backbone(name, weights=None)
    head = original.classifier if name == "mobilenet_v2" else original.fc
    expected = sum(p.numel() for p in original.parameters()) - sum(p.numel() for p in head.parameters())
    assert sum(p.numel() for p in backbone.parameters()) == expected


def test_a_weights_file_is_loaded_exactly(resnet18, weights):
    backbone = Backbone("resnet18", weights).eval()
    layers = torch.nn.Sequential(*list(resnet18.children())[:-2])
    assert torch.equal(backbone(images()), layers(images()))
    for ours, theirs in zip(backbone.parameters(), layers.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_weights_file_gives_every_domain_and_pass_its_statistics(resnet18, weights):
    network = DIEN("resnet18", str(weights), embedding_dim=8, attention_loops=2).eval()
    layers = torch.nn.Sequential(*list(resnet18.children())[:-2])
    for network.condition.domain in ("source", "target"):
        for network.condition.step in range(3):
            torch.testing.assert_close(network.backbone(images()), layers(images()))
    assert not network.gathered("source")
    assert not network.gathered("target")


def test_imagenet_asks_torchvision(resnet18, monkeypatch):
    def get_model(name, weights):
        assert (name, weights) == ("resnet18", "IMAGENET1K_V1")
        return resnet18

    monkeypatch.setattr(torchvision.models, "get_model", get_model)
    assert Backbone("resnet18").blocks[0][0] is resnet18.conv1


# ---- errors ----


@pytest.mark.parametrize("error", [URLError("not known"), IncompleteRead(b"", 9), RuntimeError("invalid hash value")])
def test_a_failed_download_names_the_file_and_two_ways_out(error, monkeypatch, tmp_path):
    def no_network(*args, **kwargs):
        raise error

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", no_network)
    monkeypatch.setattr(torchvision._internally_replaced_utils, "load_state_dict_from_url", no_network)
    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", no_network)
    words = (
        r"weights=imagenet: could not fetch https://\S+/resnet18-\w+\.pth \(.*(not known|9 more|hash).*\)\. Download "
        r"that file on a connected machine and give its path \(weights=/path/to/resnet18-\w+\.pth\), or weights=null"
    )
    with pytest.raises(OSError, match=words):
        Backbone("resnet18")


def test_a_damaged_download_is_to_be_deleted(monkeypatch, tmp_path):
    def damaged(*args, **kwargs):
        raise pickle.UnpicklingError("invalid load key, 'x'.")

    file = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url.rpartition("/")[2]
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / file).touch()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", damaged)
    words = r"weights=imagenet: \S+/checkpoints/resnet18-\w+\.pth cannot be read \(invalid load key, 'x'\); delete it"
    with pytest.raises(ValueError, match=words):
        Backbone("resnet18")
