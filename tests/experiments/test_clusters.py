"""clusters.json: what a run of self-training says of its last round."""

from __future__ import annotations

import shutil

import pytest
from hydra.utils import instantiate

from dien_lightning.experiments.clusters import clusters_of
from dien_lightning.experiments.config import compose_config


@pytest.mark.parametrize("on_error", ["skip", "raise"])
def test_an_image_that_nothing_could_read_is_no_outlier(on_error, drawn_pair, tmp_path):
    shutil.copytree(drawn_pair / "pedestrians_night" / "bounding_box_train", tmp_path / "crops")
    torn = sorted((tmp_path / "crops").iterdir())[3]
    torn.write_bytes(torn.read_bytes()[:100])
    target = ("data.target=folder", f"data.target_root={tmp_path / 'crops'}", f"data.on_error={on_error}")
    config = compose_config(["experiment=drawn_self_training", "start=x", "data.source=null", *target])
    data = instantiate(config.data, _convert_="all")
    data.setup()
    number = len(data.target.train)
    found = clusters_of([0, 0, 1, -1, -1, *[1] * (number - 5)], config, data)
    outliers = {"skip": 1 / (number - 1), "raise": 2 / number}[on_error]  # who stops at such an image has met none
    assert (found["number"], found["outliers"]) == (2, outliers)
    assert (str(torn) in {image["path"] for image in found["left_out"]}) is (on_error == "raise")
