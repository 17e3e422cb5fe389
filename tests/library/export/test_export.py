"""Exported networks compute what the network computes, take what others feed them, and are not kept otherwise."""

from __future__ import annotations

import itertools
import json

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from torch.nn.functional import normalize

from dien_lightning.data.transforms import evaluation_transform
from dien_lightning.export import METADATA, Deployed, check_parity, describe, export_graph, export_reid
from dien_lightning.network import DIEN, Calibration, fingerprint
from library.network.networks import images, small

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


@pytest.fixture(scope="module")
def network():
    network = small(1, moved=True)
    for seed, domain in enumerate(("source", "target")):
        network.gather_statistics([images(6, seed=seed)], domain)
    network.eval()
    about = {"fingerprint": fingerprint(network), "domain": "target", "pairs_of_people": 100}
    network.calibration = Calibration([0.5, 1.5], [1.0, -1.0], [0.01, 1.0], about)
    return network


@pytest.fixture(scope="module")
def crop():
    """A picture of the network's size, as (H, W, 3) bytes in RGB."""
    return np.random.default_rng(0).integers(0, 256, (64, 32, 3), dtype=np.uint8)


def as_boxmot_feeds(frames: np.ndarray) -> np.ndarray:
    return ((frames.astype(np.float32) / 255 - MEAN) / STD).transpose(0, 3, 1, 2)


def as_ultralytics_feeds(frames: np.ndarray) -> np.ndarray:
    return frames.transpose(0, 3, 1, 2).astype(np.float32) / 255


def as_fastreid_feeds(frames: np.ndarray) -> np.ndarray:
    return frames.transpose(0, 3, 1, 2).astype(np.float32)


FEEDS = {"normalized": as_boxmot_feeds, "unit": as_ultralytics_feeds, "bytes": as_fastreid_feeds}


@pytest.mark.parametrize("input", FEEDS)
def test_each_convention_gives_the_embedding_of_the_picture(input, network, crop):
    expected = normalize(
        network(evaluation_transform((64, 32))(torch.from_numpy(crop).permute(2, 0, 1))[None]).embedding
    )
    found = Deployed(network, input=input)(torch.from_numpy(np.ascontiguousarray(FEEDS[input](crop[None]))))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_one_domains_statistics_go_along_and_lengths_as_asked(network):
    before = fingerprint(network)
    for domain in ("source", "target"):
        deployed = Deployed(network, domain=domain, normalized=False)
        torch.testing.assert_close(deployed(images()), network(images(), domain).embedding)
        for name, tensor in deployed.state_dict().items():
            assert "running" not in name or len(tensor) == 1
    assert (fingerprint(network), deployed.fingerprint) == (before, before)
    lonely = small(0)
    lonely.gather_statistics([images(6)], "target")
    with pytest.raises(ValueError, match="domain='source': no batch-norm statistics of source images were gathered"):
        Deployed(lonely, domain="source")


def test_a_calibration_goes_along_with_embeddings_that_it_was_fitted_to_alone(network):
    assert Calibration.loads(describe(Deployed(network), "fixed")["calibration"]).about == network.calibration.about
    for other in ({"domain": "source"}, {"normalized": False}):
        assert "calibration" not in describe(Deployed(network, **other), "fixed")


@pytest.mark.slow  # docs/from-crops-to-answers.md has an export that every run tests
def test_onnx_runs_on_any_batch_and_size_as_a_tracker_feeds_it(network, crop, tmp_path):
    parity = export_graph(Deployed(network, input="unit"), tmp_path / "network.onnx", size="free")
    assert parity.cosine > 0.9999
    assert len({shape[0] for shape in parity.shapes} | {2}) == 3
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    assert [entry.name for entry in (*session.get_inputs(), *session.get_outputs())] == ["images", "embedding"]
    large = np.asarray(Image.fromarray(crop).resize((47, 90)))
    for picture in (np.stack([crop] * 4)[:, :, :], large[None]):
        fed = as_ultralytics_feeds(picture)
        (found,) = session.run(None, {session.get_inputs()[0].name: fed})
        expected = Deployed(network, input="unit")(torch.from_numpy(fed))
        np.testing.assert_allclose(found, expected, atol=1e-5)
    about = session.get_modelmeta().custom_metadata_map
    assert (about["input"], about["domain"], about["attention_loops"]) == ("unit", "target", "1")
    assert (about["size"], about["embedding"]) == ("64 x 32, height x width or any other", "of unit length")
    assert about["fingerprint"] == fingerprint(network)
    assert Calibration.loads(about["calibration"]).strangers_in_words(0.75) == network.calibration.strangers_in_words(
        0.75
    )


QUICK = ("pt2", "free", 3)
ALL = itertools.product(("onnx", "pt2"), ("fixed", "free"), (0, 3))


@pytest.mark.parametrize(
    ("format", "size", "loops"), [pytest.param(*one, marks=() if one == QUICK else pytest.mark.slow) for one in ALL]
)
def test_each_format_size_and_number_of_passes(format, size, loops, tmp_path):
    network = small(loops, moved=loops > 0, image_size=(128, 64)).eval()
    path = tmp_path / f"network.{format}"
    assert export_graph(Deployed(network), path, format=format, size=size).cosine > 0.9999
    if format == "pt2":
        extra = {METADATA: ""}
        loaded = torch.export.load(path, extra_files=extra).module()
        torch.testing.assert_close(loaded(images(7, 128, 64)), Deployed(network)(images(7, 128, 64)))
        assert json.loads(extra[METADATA])["fingerprint"] == fingerprint(network)


def test_the_folder_of_roboflows_reid_holds_the_backbone_and_is_read_back(network, tmp_path):
    assert export_reid(Deployed(network), tmp_path / "folder").difference < 1e-5
    config = json.loads((tmp_path / "folder" / "reid_config.json").read_text())
    assert (config["architecture"], config["preprocessing"]["input_size"]) == ("timm:resnet18", [64, 32])
    back = DIEN("resnet18", str(tmp_path / "folder"), 8, 0, image_size=(64, 32)).eval()
    network(images(), "target")  # leaves the last pass behind
    network.condition.step = 0
    torch.testing.assert_close(back.backbone(images()), network.backbone(images()))


def test_what_roboflows_reid_cannot_build_is_refused(network, tmp_path):
    for other, words in (
        (small(0, backbone="mobilenet_v2"), "mobilenet_v2"),
        (small(0, last_stride=1), "last_stride=1"),
    ):
        with pytest.raises(ValueError, match=f"format=reid writes resnet18, .*{words}.*Choose format=onnx or pt2"):
            export_reid(Deployed(other.eval()), tmp_path / "folder")
    with pytest.raises(ValueError, match="format=reid feeds normalized images itself; input=unit is for onnx and pt2"):
        export_reid(Deployed(network, input="unit"), tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize(
    ("exported", "words"),
    [
        (lambda images: -images.reshape(len(images), -1), "computes something else .cosine -1.0000000 at the least"),
        (lambda images: np.full((len(images), 12), np.nan), "computes something else .cosine nan"),
        (
            lambda images: images.reshape(len(images), -1) * (np.nan if len(images) == 2 else 1),
            "computes something else .cosine nan at the least, difference nan at the most",
        ),
        (lambda images: images.reshape(len(images), -1)[:1], r"gives \(1, 12\) for \(2, 12\)"),
        (lambda images: 1 / 0, r"refuses images of shape \(1, 3, 2, 2\) .division by zero"),
    ],
)
def test_a_file_that_computes_something_else_is_told(exported, words):
    with pytest.raises(ValueError, match=f"the exported network {words}"):
        check_parity(torch.nn.Flatten(), exported, [(1, 3, 2, 2), (2, 3, 2, 2)])


def test_no_file_is_left_where_parity_fails(network, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise ValueError("the exported network computes something else")

    monkeypatch.setattr("dien_lightning.export.graphs.check_parity", refuse)
    monkeypatch.setattr("dien_lightning.export.graphs._onnx", lambda *_: (b"", None))
    with pytest.raises(ValueError, match="computes something else"):
        export_graph(Deployed(network), tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())
