"""Benchmarks without what they need end in one sentence."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from dien_lightning.network import DIEN, save_network
from library.data.folders import write_image

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        *(
            (name, [], rf"checkpoint=\.\.\. .*is missing; the first lines of benchmarks/{name}.py")
            for name in ("runtimes", "precisions", "calibration", "roboflow", "cluster_settings")
        ),
        ("runtimes", ["checkpont=x"], "checkpont is no option here; there are checkpoint, data, "),
    ],
)
def test_a_network_has_to_be_given_by_the_word_for_it(name, words, said, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr("sys.argv", [f"benchmarks/{name}.py", *words])
    with pytest.raises(SystemExit, match=f"^error: {said}"):
        runpy.run_path(str(BENCHMARKS / f"{name}.py"), run_name="__main__")


def test_clusters_of_one_camera_lie_nowhere_between_chance_and_1(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    network = DIEN("resnet18", weights=None, embedding_dim=4, attention_loops=0, image_size=(64, 32))
    save_network(network, tmp_path / "network.safetensors")
    for number in range(8):
        write_image(tmp_path / "crops" / f"{number}_c1.jpg", seed=number)
    arguments = [f"checkpoint={tmp_path}/network.safetensors", f"images={tmp_path}/crops", "camera_pattern=_c(\\d)"]
    monkeypatch.setattr("sys.argv", ["benchmarks/cluster_settings.py", *arguments, "k1=7", "eps=0.9"])
    runpy.run_path(str(BENCHMARKS / "cluster_settings.py"), run_name="__main__")
    assert capsys.readouterr().out.endswith("| 7 | 2 | 0.9 | 1 | 0.00 | 1.00 | 1.00 | 1.00 | – | – |\n")
