"""Sets that ask another question, drawn in their layout: `dien check` calls them ready, `dien evaluate` ranks them.

Those of `catalog_special` that are not here are counted as any other set; test_catalog.py reads them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from scipy.io import savemat

from dien_lightning import DIEN, save_network
from library.data.folders import write_image

TRAINED, TESTED = (1, 2, 3), (11, 12)


class Drawn(NamedTuple):
    """Paths of each person p and shot k = 1, 2 in training and test; other files; what is counted by which protocol."""

    train: tuple[str, ...]
    test: tuple[str, ...]
    counted: dict[str, dict[str, Any]]  # protocol -> num_queries, num_gallery
    files: dict[str, str] = {}  # noqa: RUF012 - a NamedTuple's default, which nobody changes
    trial: str = "null"


def lines(path: str, people: tuple[int, ...]) -> str:
    return "".join(f"{path.format(p=p, k=k)} {p}\n" for p in people for k in (1, 2))


def counts(num_queries: int, num_gallery: int) -> dict[str, Any]:
    return {"num_queries": num_queries, "num_gallery": num_gallery}


_PEOPLE = {"exp/train_id.txt": "1,2", "exp/val_id.txt": "3", "exp/test_id.txt": "11,12"}
_REGDB = {
    f"idx/{part}_{view.lower()}_2.txt": lines(f"{view}/{{p}}/{view[0]}_{{k}}.bmp", people)
    for part, people in (("train", TRAINED), ("test", TESTED))
    for view in ("Visible", "Thermal")
}
DRAWN = {
    "ltcc": Drawn(
        ("train/{p:03d}_{k}_c1_00001{k}.png", "train/{p:03d}_{k}_c2_00001{k}.png"),
        ("query/{p:03d}_{k}_c1_00001{k}.png", "test/{p:03d}_{k}_c2_00001{k}.png"),
        {"clothes_changing": counts(4, 4)},
    ),
    "prcc": Drawn(
        tuple(f"rgb/train/{{p:03d}}/{camera}_cropped_rgb00{{k}}.jpg" for camera in "ABC"),
        tuple(f"rgb/test/{camera}/{{p:03d}}/cropped_rgb00{{k}}.jpg" for camera in "ABC"),
        {"clothes_changing": counts(8, 4)},
    ),
    "sysumm01": Drawn(
        tuple(f"cam{camera}/{{p:04d}}/000{{k}}.jpg" for camera in range(1, 7)),
        tuple(f"cam{camera}/{{p:04d}}/000{{k}}.jpg" for camera in range(1, 7)),
        {"sysu_all": counts(8, 16), "sysu_indoor_multi_shot": counts(8, 8)},
        _PEOPLE,
    ),
    "regdb": Drawn(
        ("Visible/{p}/V_{k}.bmp", "Thermal/{p}/T_{k}.bmp"),
        ("Visible/{p}/V_{k}.bmp", "Thermal/{p}/T_{k}.bmp"),
        {"default": counts(4, 4) | {"trials": {"target": 2}}},
        _REGDB,
        trial="2",
    ),
    "mars": Drawn(
        ("bbox_train/{p:04d}/{p:04d}C1T0001F00{k}.jpg", "bbox_train/{p:04d}/{p:04d}C2T0001F00{k}.jpg"),
        ("bbox_test/{p:04d}/{p:04d}C1T0001F00{k}.jpg", "bbox_test/{p:04d}/{p:04d}C2T0001F00{k}.jpg"),
        {"leave_one_out": counts(4, 4)},  # sequences, with those that ask
        {"info/test_name.txt": "".join(f"{p:04d}C{c}T0001F001.jpg\n" * 2 for p in TESTED for c in (1, 2))},
    ),
    "occluded_reid": Drawn(  # nothing to train on
        (),
        ("occluded_body_images/{p:03d}/{p:03d}_0{k}.tif", "whole_body_images/{p:03d}/{p:03d}_0{k}.tif"),
        {"default": counts(4, 4)},
    ),
}


def draw(root: Path, name: str) -> Path:
    drawn = DRAWN[name]
    paths = [
        path.format(p=p, k=k)
        for templates, people in ((drawn.train, TRAINED), (drawn.test, TESTED))
        for path in templates
        for p in people
        for k in (1, 2)
    ]
    for seed, path in enumerate(paths):
        write_image(root / path, seed)
    for path, text in drawn.files.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text)
    if name == "mars":
        tracks = [[1, 2, 11, 1], [3, 4, 11, 2], [5, 6, 12, 1], [7, 8, 12, 2]]
        savemat(root / "info/tracks_test_info.mat", {"track_test_info": tracks})
        savemat(root / "info/query_IDX.mat", {"query_IDX": [[1, 3]]})
    return root


@pytest.fixture(scope="module")
def network_file(module_folder):
    path = module_folder / "network.safetensors"
    save_network(DIEN("mobilenet_v2", weights=None, embedding_dim=4, attention_loops=0, image_size=(64, 32)), path)
    return path


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_copy_is_ready_and_ranked_by_its_own_protocol(name, network_file, tmp_path, dien):
    root = draw(tmp_path / "set", name)
    for number, (protocol, counted) in enumerate(DRAWN[name].counted.items()):
        about = (f"protocol={protocol}", f"trial={DRAWN[name].trial}", "num_ids=2", "num_instances=2", "workers=1")
        checked = dien("check", root, f"layout={name}", *about).done()
        role = "source" if DRAWN[name].train else "target"
        assert f"ready: data.{role}={name} data.{role}_root={root}" in checked.stdout
        data = (f"data.target={name}", f"data.target_root={root}", f"data.target_trial={DRAWN[name].trial}")
        how = (
            f"checkpoint={network_file}",
            "accelerator=cpu",
            "precision=32-true",
            "data.num_workers=0",
            f"output={tmp_path}/{number}",
        )
        assert "Rank-1" in dien("evaluate", *how, *data, f"protocol={protocol}").done().stdout
        found = json.loads((tmp_path / str(number) / "results.json").read_text())
        assert {key: found["protocol"][key] for key in counted} == counted
        assert 0 < found["target"]["mAP"] <= 1
