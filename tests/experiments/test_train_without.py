"""scripts/train.py where a set lacks labels, queries or target images: what is trained and ranked all the same."""

from __future__ import annotations

import csv
import json

import pytest

from experiments.test_train import TINY
from library.data.folders import write_image


@pytest.mark.filterwarnings("ignore:Total length of `list` across ranks is zero:UserWarning")
def test_a_source_and_a_target_without_query_and_gallery_train_all_the_same(tmp_path, dien):
    for number in range(12):
        write_image(tmp_path / "people" / f"p{number % 3}" / f"{number}.jpg", seed=number)
    folders = [f"data.{role}_root={tmp_path}/people" for role in ("source", "target")]
    arguments = (*TINY, "data.source=folder", "data.target=folder", *folders, f"run_dir={tmp_path / 'run'}")
    finished = dien("train", *arguments, "optim.schedule=milestones").done()
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert not {"target", "source"} & set(results)
    assert results["protocol"]["junk"] == "drop"
    assert finished.stdout.startswith("Nothing was evaluated: neither set has a labelled query and gallery.")
    assert "The best epoch by the label-free score is 2: checkpoints/label_free.safetensors" in finished.stdout
    with (tmp_path / "run" / "metrics.csv").open() as file:
        *_, last = csv.DictReader(file)
    assert last["val/target_reciprocity"] == str(results["checkpoints"]["label_free"]["score"])
    assert all((tmp_path / "run" / chosen["network"]).is_file() for chosen in results["checkpoints"].values())
    assert not (tmp_path / "run" / "rankings.json").exists()


def test_base_needs_no_images_of_the_target_to_train(tmp_path, drawn_pair, dien, caplog):
    for number in range(6):
        split = "query" if number < 3 else "gallery"
        write_image(tmp_path / "mine" / split / f"p{number % 3}" / f"cam{number // 3}.jpg", seed=number)
    target = ("data.target=folder", f"data.target_root={tmp_path}/mine", "data.target_camera_pattern='cam(\\d)'")
    arguments = (*TINY, "ablation=r01_base", f"data_root={drawn_pair}", *target, f"run_dir={tmp_path / 'base'}")
    dien("train", *arguments).done()
    assert "gives no batch of two training images to gather batch-norm statistics from: no control." in caplog.text
    results = json.loads((tmp_path / "base" / "results.json").read_text())
    assert 0 <= results["target"]["mAP"] <= 1
    assert "target_with_target_statistics" not in results
