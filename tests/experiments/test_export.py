"""`dien export`: what is said and what is refused; what the files compute is tested in the library."""

from __future__ import annotations

import json
import sys

import pytest
import torch

from dien_lightning.export import METADATA
from dien_lightning.network import Calibration, fingerprint, save_network
from library.network.networks import images, small


@pytest.fixture
def export(tmp_path, dien, monkeypatch):
    network = small(1)
    network.gather_statistics([images(6)], "source")
    save_network(network, tmp_path / "network.safetensors")
    monkeypatch.chdir(tmp_path)
    return lambda *words: dien("export", "checkpoint=network.safetensors", *words)


def test_a_folder_is_written_and_said(export, tmp_path):
    done = export("format=reid", "output=folder").done()
    assert "Roboflow's reid can build the backbone alone" in done.stdout
    assert "Written to folder, with the source's statistics; compared with the network: cosine 1.0" in done.stdout
    assert sorted(path.name for path in (tmp_path / "folder").iterdir()) == ["reid_config.json", "weights.safetensors"]


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("domain=target", "by known people or marked pairs of the target: dien calibrate domain=target."),
        ("normalized=false", "and these are left as they are; export with normalized=true to take it along."),
        ("format=reid", "it was fitted to our embedding."),
    ],
)
def test_a_calibration_that_does_not_fit_is_left_out_and_why(word, why, export, tmp_path):
    network = small(0)
    for domain in ("source", "target"):
        network.gather_statistics([images(6)], domain)
    about = {"fingerprint": fingerprint(network), "domain": "source", "pairs_of_people": 100}
    network.eval().calibration = Calibration([0.5, 1.5], [1.0, -1.0], [0.01, 1.0], about)
    save_network(network, tmp_path / "network.safetensors")
    done = export("output=out", "format=pt2", "domain=source", word).done()
    assert "The network's calibration was left out: " in done.stdout
    assert done.stdout.rstrip().endswith(why)
    if word != "format=reid":
        torch.export.load(tmp_path / "out", extra_files=(extra := {METADATA: ""}))
        assert "calibration" not in json.loads(extra[METADATA])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "output=... is missing"),
        (["output=folder/"], "output=folder/ names a folder; name a file, network.onnx."),
        (["output=."], "output=. names a folder; name a file, network.onnx."),
        (["output=network.pt2"], "output=network.pt2 is named as a file of format=pt2, and format=onnx; change one"),
        (["format=pt2"], "output=network.onnx is named as a file of format=onnx, and format=pt2; change one of them."),
        (["output=network.safetensors", "format=reid"], "network.safetensors is a file, so output=network.safetensors"),
        (["format=reid", "size=free"], "format=reid writes neither size=free nor normalized=false"),
        (["format=reid", "normalized=false"], "format=reid writes neither size=free nor normalized=false"),
        (["format=tflite"], "format='tflite' is not allowed; choose one of onnx, pt2, reid."),
        (["size=small"], "size='small' is not allowed; choose one of fixed, free."),
        (["input=bgr"], "input='bgr' is not allowed; choose one of normalized, unit, bytes."),
        (["domain=target"], "domain='target': no batch-norm statistics of target images were gathered; embed with"),
    ],
)
def test_what_is_not_allowed_leaves_no_file(words, said, export, tmp_path):
    is_named = not words or words[0].startswith("output=")
    assert said in export(*words, *([] if is_named else ["output=network.onnx"])).refusal()
    assert not (tmp_path / "network.onnx").exists()


def test_a_missing_extra_is_named(export, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    said = export("output=network.onnx").stderr
    assert 'format=onnx needs onnxruntime: pip install "dien-lightning[export]".' in said


@pytest.mark.parametrize("words", [["output=there/x.onnx"], ["format=reid", "output=there"]])
def test_nothing_that_is_there_is_written_over(words, export, tmp_path):
    (tmp_path / "there").mkdir()
    kept = tmp_path / "there" / ("reid_config.json" if len(words) > 1 else "x.onnx")
    kept.write_text("mine")
    said = export(*words).refusal()
    assert f"{kept.relative_to(tmp_path)} is there already; delete it, or choose another output." in said
    assert kept.read_text() == "mine"
    done = export("output=there/x.onnx/y.onnx" if len(words) == 1 else "output=there/reid_config.json/y.onnx")
    assert "is a file, so output=there/" in done.stderr
