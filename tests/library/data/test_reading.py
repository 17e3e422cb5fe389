"""A name and a folder give records, and what is said where the folder holds something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from dien_lightning.data.reading import default_root, find_entry, find_places, read_dataset
from dien_lightning.types import UNLABELED
from library.data.folders import write_image, write_market


def test_market_layout(tmp_path):
    splits = read_dataset("market1501", write_market(tmp_path))
    assert (len(splits.train), len(splits.query), len(splits.gallery)) == (24, 6, 8)
    first = splits.train[0]
    assert (Path(first.path).name, first.pid, first.camid) == ("0001_c1s1_000001_00.jpg", 1, 1)
    assert {0, UNLABELED} < {record.pid for record in splits.gallery}


def test_people_of_own_sets_in_markets_folders_that_train_and_are_tested_are_counted(tmp_path):
    write_market(tmp_path)
    assert read_dataset("market1501", tmp_path).shared == 0
    for path in sorted((tmp_path / "query").iterdir())[:2]:
        write_image(tmp_path / "bounding_box_train" / path.name)
    assert read_dataset("market1501", tmp_path).shared == 1
    assert read_dataset("msmt17", tmp_path).shared == 0  # its parts number people anew


def test_a_target_is_read_without_identities(tmp_path):
    splits = read_dataset("market1501", write_market(tmp_path), labeled=False)
    assert {record.pid for record in splits.train} == {UNLABELED}
    assert {record.camid for record in splits.train} == {1, 2}
    assert UNLABELED not in {record.pid for record in splits.query}


def test_the_folder_an_archive_unpacks_to_is_found_below_the_root(tmp_path):
    write_market(tmp_path / "Market-1501-v15.09.15")
    assert read_dataset("market1501", tmp_path).root.name == "Market-1501-v15.09.15"


def test_default_root_is_the_name_or_the_archives(tmp_path):
    assert default_root(tmp_path, "market1501") == tmp_path / "market1501"
    (tmp_path / "Market-1501-v15.09.15").mkdir()
    assert default_root(tmp_path, "market1501") == tmp_path / "Market-1501-v15.09.15"
    (tmp_path / "market1501").mkdir()
    assert default_root(tmp_path, "market1501") == tmp_path / "market1501"


def test_the_home_folder_may_be_written_as_its_sign(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_market(tmp_path / "sets" / "market1501")
    assert default_root("~/sets", "market1501") == tmp_path / "sets" / "market1501"
    assert read_dataset("market1501", "~/sets/market1501").train


def test_files_that_macos_leaves_are_passed_over(tmp_path):
    write_market(tmp_path)
    (tmp_path / "query" / "._0019_c1s1_000025_00.jpg").touch()
    assert len(read_dataset("market1501", tmp_path).query) == 6


def test_unknown_name_lists_the_catalogue():
    with pytest.raises(ValueError, match=r"Unknown data set 'market'; the catalogue has .*market1501.*folder and csv"):
        find_entry("market")


def test_missing_folder_says_where_to_ask(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere does not exist; market1501 .* ask its authors for it"):
        read_dataset("market1501", tmp_path / "nowhere")


def test_missing_part_is_named(tmp_path):
    write_market(tmp_path)
    (tmp_path / "query").rename(tmp_path / "queries")
    with pytest.raises(FileNotFoundError, match=r"does not hold market1501 \(Market-1501\): query/ missing"):
        read_dataset("market1501", tmp_path)


def test_the_nearest_place_comes_first(tmp_path):
    write_market(tmp_path / "Market-1501-v15.09.15")
    (tmp_path / "Market-1501-v15.09.15" / "query").rename(tmp_path / "query")
    place = find_places("market1501", tmp_path)[0]
    assert (place.folder.name, place.missing) == ("Market-1501-v15.09.15", ("query/",))


def test_a_set_is_looked_for_deeper_but_not_in_the_folder_of_another_nor_in_two(tmp_path):
    write_market(tmp_path / "DukeMTMC-reID")
    with pytest.raises(FileNotFoundError, match=r"does not hold market1501"):
        read_dataset("market1501", tmp_path)
    write_market(tmp_path / "a" / "new")
    assert read_dataset("market1501", tmp_path).root == tmp_path / "a" / "new"
    write_market(tmp_path / "b")
    with pytest.raises(ValueError, match=r"holds market1501 twice, in .*b and in .*a/new; name one of them"):
        read_dataset("market1501", tmp_path)


def test_a_folder_without_an_image(tmp_path):
    for folder in ("bounding_box_train", "query", "bounding_box_test"):
        (tmp_path / folder).mkdir()
    with pytest.raises(ValueError, match=r"holds no image of Market-1501; unpack it again"):
        read_dataset("market1501", tmp_path)


def test_names_that_do_not_parse(tmp_path):
    write_market(tmp_path)
    write_image(tmp_path / "query" / "holiday.jpg")
    write_image(tmp_path / "query" / "portrait.png")
    words = r"holiday\.jpg and 1 more cannot be read as identity and camera \(6 others .*0002_c1s1_000451_03"
    with pytest.raises(ValueError, match=words):
        read_dataset("market1501", tmp_path)


def test_a_line_that_does_not_parse_is_named(tmp_path):
    for name in ("list_train.txt", "list_val.txt", "list_query.txt", "list_gallery.txt"):
        (tmp_path / name).write_text("0000/portrait.jpg\n")
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    with pytest.raises(ValueError, match=r"list_train\.txt, line 1 reads '0000/portrait\.jpg'; a line like '0000/"):
        read_dataset("msmt17", tmp_path)


def test_camera_pattern_is_for_folders(tmp_path):
    with pytest.raises(
        ValueError, match=r"camera_pattern='cam' is for 'folder'; 'market1501' names its cameras itself"
    ):
        read_dataset("market1501", tmp_path, camera_pattern="cam")
