"""Every catalogue entry on a folder drawn in its layout, and what is said where a folder has another."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.folders import write_image, write_market
from dien_lightning.data.catalog import find_entry, read_dataset
from dien_lightning.types import UNLABELED


@pytest.mark.parametrize("name", ["market1501", "dukemtmcreid", "pedestrians_day", "pedestrians_night"])
def test_market_layout(tmp_path, name):
    splits = read_dataset(name, write_market(tmp_path / name))
    assert (len(splits.train), len(splits.query), len(splits.gallery)) == (24, 6, 8)
    first = splits.train[0]
    assert (Path(first.path).name, first.pid, first.camid) == ("0001_c1s1_000001_00.jpg", 1, 1)
    assert {0, UNLABELED} < {record.pid for record in splits.gallery}


def test_a_target_is_read_without_identities(tmp_path):
    splits = read_dataset("market1501", write_market(tmp_path), labeled=False)
    assert {record.pid for record in splits.train} == {UNLABELED}
    assert {record.camid for record in splits.train} == {1, 2}
    assert UNLABELED not in {record.pid for record in splits.query}


def test_camera_numbers_of_two_digits(tmp_path):
    write_market(tmp_path, cameras=12, train_ids=1, test_ids=1)
    assert {record.camid for record in read_dataset("market1501", tmp_path).query} == set(range(1, 13))


@pytest.mark.parametrize("folders", [("train", "test"), ("mask_train_v2", "mask_test_v2")])
def test_msmt17_lists(tmp_path, folders):
    train, test = folders
    listed = {
        "list_train.txt": (train, "0003/0003_012_14_0303morning_0008_0.jpg 3"),
        "list_val.txt": (train, "0004/0004_000_01_0303noon_0108_1.jpg 4"),
        "list_query.txt": (test, "0000/0000_001_02_0303noon_0108_1.jpg 0"),
        "list_gallery.txt": (test, "0000/0000_002_05_0303noon_0108_1.jpg 0"),
    }
    root = tmp_path / "MSMT17_V1"
    for name, (folder, line) in listed.items():
        write_image(root / folder / line.split()[0])
        (root / name).write_text(line + "\n\n")
    splits = read_dataset("msmt17", tmp_path)
    assert [(record.pid, record.camid) for record in splits.train] == [(3, 14), (4, 1)]
    assert [(record.pid, record.camid) for record in [*splits.query, *splits.gallery]] == [(0, 2), (0, 5)]
    assert all(Path(record.path).is_file() for record in [*splits.train, *splits.query, *splits.gallery])


def test_a_line_that_does_not_parse_is_named(tmp_path):
    for name in ("list_train.txt", "list_val.txt", "list_query.txt", "list_gallery.txt"):
        (tmp_path / name).write_text("0000/portrait.jpg\n")
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    with pytest.raises(ValueError, match=r"list_train\.txt, line 1 reads '0000/portrait\.jpg'; a line like '0000/"):
        read_dataset("msmt17", tmp_path)


def test_the_folder_an_archive_unpacks_to_is_found(tmp_path):
    write_market(tmp_path / "data" / "Market-1501-v15.09.15")
    assert read_dataset("market1501", tmp_path / "data").root.name == "Market-1501-v15.09.15"
    assert read_dataset("market1501", tmp_path / "data" / "market1501").root.name == "Market-1501-v15.09.15"


def test_unknown_name_lists_the_catalogue():
    with pytest.raises(ValueError, match=r"Unknown data set 'market'; the catalogue has .*market1501"):
        find_entry("market")


def test_missing_folder_says_where_to_ask(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere does not exist; market1501 .* nothing is downloaded"):
        read_dataset("market1501", tmp_path / "nowhere")


def test_withdrawn_set_is_said_to_be_withdrawn(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"withdrawn by its authors"):
        read_dataset("dukemtmcreid", tmp_path / "duke")


def test_missing_part_is_named(tmp_path):
    write_market(tmp_path)
    (tmp_path / "query").rename(tmp_path / "queries")
    with pytest.raises(FileNotFoundError, match=r"does not hold market1501 \(Market-1501\): query/ missing"):
        read_dataset("market1501", tmp_path)


def test_empty_training_folder(tmp_path):
    for folder in ("bounding_box_train", "query", "bounding_box_test"):
        (tmp_path / folder).mkdir()
    with pytest.raises(ValueError, match=r"has no training image; Market-1501 should hold some"):
        read_dataset("market1501", tmp_path)


def test_names_that_do_not_parse(tmp_path):
    write_market(tmp_path)
    write_image(tmp_path / "query" / "holiday.jpg")
    write_image(tmp_path / "query" / "portrait.png")
    with pytest.raises(
        ValueError,
        match=r"holiday\.jpg and 1 more cannot be read as identity and camera \(6 others .*0002_c1s1_000451_03",
    ):
        read_dataset("market1501", tmp_path)
