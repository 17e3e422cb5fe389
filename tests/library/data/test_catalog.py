"""Every catalogue entry on a folder drawn in its layout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dien_lightning.data.catalog import CATALOG
from dien_lightning.data.reading import read_dataset
from library.data.folders import write_image, write_market

MARKET = {
    "bounding_box_train/0002_c1s1_000451_03.jpg": ("train", 2, 1),
    "query/0003_c2s1_000451_00.jpg": ("query", 3, 2),
    "bounding_box_test/0003_c6s3_000451_00.jpg": ("gallery", 3, 6),
    "bounding_box_test/0000_c4s3_000451_00.jpg": ("gallery", 0, 4),
    "bounding_box_test/-1_c1s1_000401_03.jpg": ("gallery", -1, 1),
}
DUKE = {
    "bounding_box_train/0005_c2_f0046985.jpg": ("train", 5, 2),
    "query/0006_c8_f0046985.jpg": ("query", 6, 8),
    "bounding_box_test/0006_c1_f0046985.jpg": ("gallery", 6, 1),
}
CUHK03 = {
    "bounding_box_train/0001_c1_1.png": ("train", 1, 1),
    "query/0002_c1_2.png": ("query", 2, 1),
    "bounding_box_test/0002_c2_6.png": ("gallery", 2, 2),
}
# Where the splits are the data set's own: file -> split, identity, camera. The first folder is the archive's.
FIXED = {
    "market1501": {f"Market-1501-v15.09.15/{path}": where for path, where in MARKET.items()},
    "market1501_500k": MARKET | {"images/0000_c5s1_000451_03.jpg": ("gallery", 0, 5)},
    "dukemtmcreid": {f"DukeMTMC-reID/{path}": where for path, where in DUKE.items()},
    "occluded_duke": {f"Occluded_Duke/{path}": where for path, where in DUKE.items()},
    "cuhk03np_labeled": {f"labeled/{path}": where for path, where in CUHK03.items()},
    "cuhk03np_detected": {f"cuhk03-np/detected/{path}": where for path, where in CUHK03.items()},
    "sensereid": {
        "SenseReID/test_probe/00010_0.jpg": ("query", 10, 0),
        "SenseReID/test_gallery/00010_1.jpg": ("gallery", 10, 1),
    },
    "personx": {
        "PersonX/bounding_box_train/0004_c12s1_01.jpg": ("train", 4, 12),
        "PersonX/query/0001_c3s1_32.jpg": ("query", 1, 3),
        "PersonX/bounding_box_test/0001_c4s1_02.jpg": ("gallery", 1, 4),
    },
    "personx_v1": {
        "PersonX_v1/1/bounding_box_train/0004_c1s1_01.jpg": ("train", 4, 1001),
        "PersonX_v1/6/bounding_box_train/0004_c1s1_01.jpg": ("train", 4, 6001),
        "PersonX_v1/2/query/0001_c1s1_32.jpg": ("query", 1, 2001),
        "PersonX_v1/3/bounding_box_test/0001_c1s1_02.jpg": ("gallery", 1, 3001),
    },
    "randperson": {
        "randperson_subset/000007_c00_s03_f000264.jpg": ("train", 7, 3000),
        "randperson_subset/000007_c01_s00_f001632.jpg": ("train", 7, 1),
        "randperson_subset/000012_s10_c02_f001632.jpg": ("train", 12, 10002),
    },
    "unrealperson": {
        "unreal_v3.1/images/333_c001_78.jpg": ("train", 100_333, 3001),
        "unreal_v3.2/images/333_c001_78.jpg": ("train", 200_333, 3001),
        "unreal_v4.2/images/333_c001_5.jpg": ("train", 200_333, 4001),
    },
    "clonedperson": {
        "clonedperson/train/700000_s02_c00_f023389.jpg": ("train", 700000, 2000),
        "clonedperson/test/query/705227_s02_c02_f001117.jpg": ("query", 705227, 2002),
        "clonedperson/test/gallery/705227_s12_c02_f005521.jpg": ("gallery", 705227, 12002),
    },
    "veri776": {
        "VeRi/image_train/0001_c001_00016450_0.jpg": ("train", 1, 1),
        "VeRi/image_query/0002_c002_00030600_0.jpg": ("query", 2, 2),
        "VeRi/image_test/0002_c020_00030600_0.jpg": ("gallery", 2, 20),
    },
    "pedestrians_day": MARKET,
    "pedestrians_night": MARKET,
}


def triples(root, splits):
    return {
        os.path.relpath(record.path, root).replace(os.sep, "/"): (split, record.pid, record.camid)
        for split in ("train", "query", "gallery")
        for record in getattr(splits, split)
    }


@pytest.mark.parametrize("name", FIXED)
def test_sets_with_splits(tmp_path, name):
    for path in FIXED[name]:
        write_image(tmp_path / path)
    assert triples(tmp_path, read_dataset(name, tmp_path)) == FIXED[name]


@pytest.mark.parametrize("folders", [("MSMT17_V1", "train", "test"), ("MSMT17_V2", "mask_train_v2", "mask_test_v2")])
def test_msmt17_lists(tmp_path, folders):
    version, train, test = folders
    root = tmp_path / version
    listed = {
        "list_train.txt": (f"{train}", "0003/0003_012_14_0303morning_0008_0.jpg 3", ("train", 3, 14)),
        "list_val.txt": (f"{train}", "0004/0004_000_01_0303noon_0108_1.jpg 4", ("train", 4, 1)),
        "list_query.txt": (f"{test}", "0000/0000_001_02_0303noon_0108_1.jpg 0", ("query", 0, 2)),
        "list_gallery.txt": (f"{test}", "0000/0000_002_15_0303noon_0108_1.jpg 0", ("gallery", 0, 15)),
    }
    for name, (folder, line, _) in listed.items():
        write_image(root / folder / line.split()[0])
        (root / name).write_text(line + "\n\n")
    expected = {f"{folder}/{line.split()[0]}": where for folder, line, where in listed.values()}
    assert triples(root, read_dataset("msmt17", tmp_path)) == expected


def test_msmt17_in_markets_folders(tmp_path):
    for path in CUHK03:
        write_image(tmp_path / path)
    assert triples(tmp_path, read_dataset("msmt17", tmp_path)) == CUHK03


# Sets without splits: files of one identity as (path, camera, whether it is a query when the identity is tested).
HALVED = {
    "viper": ("VIPeR", ["cam_a/{:03d}_45.bmp", "cam_b/{:03d}_180.bmp"], [1, 2], range(10)),
    "grid": ("underground_reid", ["probe/{:04d}_1_2_3.jpeg", "gallery/{:04d}_7_2_3.jpeg"], [1, 7], range(1, 11)),
    "prid2011": (
        "prid_2011/single_shot",
        ["cam_a/person_{:04d}.png", "cam_b/person_{:04d}.png"],
        [1, 2],
        range(1, 11),
    ),
    "ilids": (
        "i-LIDS_Pedestrian",
        ["Persons/{:04d}001.jpg", "Persons/{:04d}002.jpg", "Persons/{:04d}003.jpg"],
        [1, 2, 3],
        range(1, 11),
    ),
    "cuhk01": (
        "CUHK01",
        ["campus/{:04d}001.png", "campus/{:04d}002.png", "campus/{:04d}003.png", "campus/{:04d}004.png"],
        [1, 1, 2, 2],
        range(1, 11),
    ),
    "pku_reid": (
        "PKU-Reid-Dataset",
        ["PKUv1a_128x48/{:03d}_01_01.png", "PKUv1a_128x48/{:03d}_02_09.png"],
        [1, 2],
        range(1, 11),
    ),
}


@pytest.mark.parametrize("name", HALVED)
def test_sets_without_splits_are_halved_by_identity(tmp_path, name):
    folder, paths, cameras, pids = HALVED[name]
    for pid in pids:
        for path in paths:
            write_image(tmp_path / folder / path.format(pid))
    splits = read_dataset(name, tmp_path)
    trained, tested = ({record.pid for record in split} for split in (splits.train, splits.query))
    assert len(trained) == len(tested) == 5
    assert trained | tested == set(pids)
    assert {record.pid for record in splits.gallery} == tested
    for record in [*splits.train, *splits.query, *splits.gallery]:
        inside = os.path.relpath(record.path, tmp_path / folder).replace(os.sep, "/")
        assert record.camid == cameras[[path.format(record.pid) for path in paths].index(inside)]
    assert {record.camid for record in splits.query} == {1}
    assert 1 not in {record.camid for record in splits.gallery}
    assert triples(tmp_path, splits) == triples(tmp_path, read_dataset(name, tmp_path))
    unlabelled = read_dataset(name, tmp_path, labeled=False)
    assert [r.path for r in unlabelled.train] == [r.path for r in splits.train]
    assert {r.pid for r in unlabelled.train} == {-1}


@pytest.mark.parametrize("name", ["viper", "grid", "market1501"])
def test_the_folder_one_stands_in_is_read_like_any_other(tmp_path, monkeypatch, name):
    if name == "market1501":
        write_market(tmp_path)
    else:
        _, paths, _, pids = HALVED[name]
        for pid in pids:
            for path in paths:
                write_image(tmp_path / path.format(pid))
    expected = triples(tmp_path, read_dataset(name, tmp_path))
    monkeypatch.chdir(tmp_path)
    assert triples(Path(), read_dataset(name, Path())) == expected


@pytest.mark.parametrize(
    ("name", "pairs", "strangers"),
    [
        ("grid", "{}/{:04d}_{}_2_3.jpeg", ["underground_reid/gallery/0000_5_2_3.jpeg"]),
        (
            "prid2011",
            "{}/person_{:04d}.png",
            ["single_shot/cam_a/person_0300.png", "single_shot/cam_b/person_0300.png"],
        ),
    ],
)
def test_people_seen_once_are_distractors(tmp_path, name, pairs, strangers):
    folder, views = strangers[0].split("/")[0], ("probe", "gallery") if name == "grid" else ("cam_a", "cam_b")
    for pid in range(1, 5):
        for camera, view in enumerate(views, start=1):
            write_image(tmp_path / folder / pairs.format(view, pid, camera))
    for path in strangers:
        write_image(tmp_path / path)
    splits = read_dataset(name, tmp_path)
    found = {record.pid for record in splits.gallery} - {record.pid for record in splits.query}
    assert found == {0 if name == "grid" else 300}
    assert len(splits.gallery) == 3
    assert len(splits.query) == 2


def test_every_entry_is_tested_and_says_its_terms():
    assert set(CATALOG) == {*FIXED, *HALVED, "msmt17"}
    for entry in CATALOG.values():
        assert entry.citation
        assert entry.terms.endswith(".")
        assert set(entry.published) <= {"train", "query", "gallery", "all"}
