"""Sets without splits of their own: halved by identity; people seen once are distractors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dien_lightning.data.reading import read_dataset
from library.data.folders import triples, write_image, write_market

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
