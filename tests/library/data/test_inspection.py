"""What a folder is, how near it comes, and what keeps it from serving."""

from __future__ import annotations

import shutil

import pytest

from dien_lightning.data.inspection import check_files, inspect, recognize, scan_file, scan_files
from dien_lightning.data.reading import read_dataset
from dien_lightning.data.records import SPLITS
from library.data.folders import write_image, write_market


@pytest.fixture
def market(tmp_path):
    return write_market(tmp_path / "market1501")


def look(root, name="market1501", **options):
    splits = read_dataset(name, root)
    found = inspect(splits, **({"num_ids": 4, "num_instances": 2} | options))
    paths = [record.path for split in SPLITS for record in getattr(splits, split)]
    check_files(splits, scan_files(paths), found)
    return found


def test_a_good_folder_has_nothing_to_do(market):
    found = look(market)
    assert found.problems == []
    assert found.counts[0] == "train: 24 images, 6 identities, 2 cameras (1: 12, 2: 12)"
    assert found.counts[2].startswith("gallery: 8 images, 4 identities, 2 cameras")
    assert "1 images without identity (junk)" in found.counts[2]


def test_counts_are_compared_with_the_published(market):
    assert any(
        "authors count 751 identities and 12,936 images in train; this copy differs" in n for n in look(market).notes
    )


def test_unreadable_images_are_named(market):
    path = sorted((market / "bounding_box_train").glob("*.jpg"))[3]
    path.write_bytes(path.read_bytes()[:100])
    (market / "query" / "0019_c2s1_000001_01.jpg").write_bytes(b"")
    (problem,) = look(market).problems
    assert problem.startswith("Replace or remove the 2 unreadable images, or train with data.on_error=skip: ")
    assert path.name in problem
    assert "(empty)" in problem


def test_the_same_image_in_two_splits(market):
    query = min((market / "query").glob("*.jpg"))
    shutil.copy(query, market / "bounding_box_train" / "0001_c1s1_999999_00.jpg")
    (problem,) = look(market).problems
    assert "Remove the 1 images that lie in both train and query from one of them" in problem


def test_one_camera_trap(tmp_path):
    write_market(tmp_path, cameras=1)
    found = look(tmp_path)
    assert any("set data.cameras=none" in problem for problem in found.problems)
    assert "All training images come from one camera, as far as their names say." in found.notes
    without = look(tmp_path, cameras="none")
    assert without.problems == []
    assert not any("do not count" in note for note in without.notes)


def test_queries_without_a_match_are_counted(market):
    next((market / "query").glob("*.jpg")).rename(market / "query" / "0777_c1s1_000001_00.jpg")
    assert "1 of 6 queries have no match in another camera and do not count." in look(market).notes


def test_too_few_identities_and_images(market):
    found = look(market, num_ids=16, num_instances=8)
    assert found.problems == ["Lower data.num_ids to 6 or less: a batch needs 16 identities, there are 6."]
    assert "6 of 6 identities have fewer than num_instances=8 images; they repeat some." in found.notes


def test_one_image_of_each_identity(tmp_path):
    write_market(tmp_path, cameras=1, per_camera=1)
    assert any("Every identity has one image" in problem for problem in look(tmp_path).problems)


def test_images_without_identity_cannot_train_a_classifier(tmp_path):
    write_image(tmp_path / "a.jpg")
    (tmp_path / "crops.csv").write_text("path\na.jpg\n")
    assert look(tmp_path, "csv").problems[0].startswith("Give the 1 training images without identity one")


def test_files_are_read_by_processes_too(market):
    paths = [str(path) for path in sorted((market / "query").glob("*.jpg"))]
    assert scan_files(paths, workers=2) == [scan_file(path) for path in paths]


def test_a_missing_file_has_a_fault():
    assert scan_file("gone.jpg").fault == "No such file or directory"


def test_recognition_puts_the_folders_name_first(market):
    complete, _ = recognize(market)
    assert complete[0].name == "market1501"
    assert {"market1501", "dukemtmcreid", "personx"} <= {place.name for place in complete}
    duke = market.rename(market.parent / "DukeMTMC-reID")
    assert recognize(duke)[0][0].name == "dukemtmcreid"


def test_recognition_tells_sets_with_the_same_folders_by_their_file_names(tmp_path):
    for pid in range(1, 5):
        for view in ("cam_a", "cam_b"):
            write_image(tmp_path / view / f"person_{pid:04d}.png")
    assert [place.name for place in recognize(tmp_path)[0]] == ["prid2011"]


def test_recognition_says_how_near_a_folder_came(market):
    shutil.rmtree(market / "query")
    complete, partial = recognize(market)
    assert complete == []
    assert partial[0].missing == ("query/",)


def test_a_folder_of_something_else_has_no_layout(tmp_path):
    write_image(tmp_path / "a.jpg")
    assert recognize(tmp_path) == ([], [])
