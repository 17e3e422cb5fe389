"""What keeps a folder from serving."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import MappingProxyType

import pytest
from PIL import Image

from dien_lightning.data.inspection import inspect
from dien_lightning.data.reading import read_dataset
from dien_lightning.data.records import SPLITS
from dien_lightning.data.scanning import check_files, scan_file, scan_files, unreadable_in_words
from library.data.folders import write_image, write_market


@pytest.fixture
def market(tmp_path):
    return write_market(tmp_path / "market1501")


def look(root, name="market1501", counting=MappingProxyType({}), **options):
    patterns = {key: options.pop(key) for key in ("camera_pattern", "pid_pattern") if key in options}
    splits = read_dataset(name, root, labeled=options.get("labeled", True), **patterns)
    found = inspect(splits, **({"num_ids": 2, "num_instances": 2} | options))
    paths = [record.path for split in SPLITS for record in getattr(splits, split)]
    check_files(splits, scan_files(paths), found, **counting)
    return found


def draw(root, *paths):
    for seed, path in enumerate(paths):
        write_image(root / path, seed)
    return root


def test_a_good_folder_has_nothing_to_do(market):
    found = look(market)
    assert found.problems == []
    assert found.counts[0] == "train: 24 images, 6 identities, 2 cameras (1: 12, 2: 12)"
    assert found.counts[2].startswith("gallery: 8 images, 4 identities, 2 cameras")
    assert "1 image without identity (junk)" in found.counts[2]


def test_counts_are_compared_with_the_published(market):
    assert any(
        "authors count 751 identities and 12,936 images in train; this copy differs" in n for n in look(market).notes
    )


def test_of_many_unreadable_images_five_are_named():
    said = unreadable_in_words([f"{number}.jpg" for number in range(7)])
    assert said.startswith("left out, for they cannot be read: 7: 0.jpg (No such file or directory); 1.jpg")
    assert said.endswith("4.jpg (No such file or directory); and 2 more")


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
    assert "Remove the 1 image that lies in both train and query from one of them" in problem


@pytest.mark.parametrize(
    ("copy", "counting", "counts"),
    [
        ("bounding_box_test/0019_c1s1_777777_00.jpg", {}, False),  # dropped from its own list
        ("bounding_box_test/-1_c1s1_777777_00.jpg", {}, False),
        ("bounding_box_test/0019_c2s1_777777_00.jpg", {}, True),
        ("bounding_box_test/0022_c1s1_777777_00.jpg", {}, True),
        ("bounding_box_test/0019_c1s1_777777_00.jpg", {"same_camera": "keep"}, True),
        ("query/0019_c1s1_777777_00.jpg", {"search": "leave_one_out"}, False),
        ("query/0019_c2s1_777777_00.jpg", {"search": "leave_one_out"}, True),
    ],
)
def test_a_query_in_the_gallery_is_a_problem_only_where_it_counts(market, copy, counting, counts):
    query = min((market / "query").glob("0019_c1*"))
    shutil.copy(query, market / copy)
    found = look(market, counting=counting)
    assert ("Remove the 1 image that lies in both query and gallery" in " ".join(found.problems)) == counts
    assert ("1 query lies in the gallery too; the protocol drops" in " ".join(found.notes)) != counts


def test_one_picture_of_two_people(tmp_path):
    draw(tmp_path, "anna/cam1.jpg", "anna/cam2.jpg", "ben/cam1.jpg", "ben/cam2.jpg")
    shutil.copy(tmp_path / "anna/cam1.jpg", tmp_path / "ben/cam3.jpg")
    (note,) = [note for note in look(tmp_path, "folder").notes if "labelled as two" in note]
    assert note.startswith("1 picture is labelled as two people or more: ")
    assert note.endswith("/anna/cam1.jpg is " + str(tmp_path / "ben/cam3.jpg") + ".")


@pytest.mark.parametrize(
    ("paths", "patterns", "words"),
    [
        (("cam1/0001/1.jpg", "cam1/0002/1.jpg", "cam2/0001/1.jpg", "cam2/0002/2.jpg"), {"camera_pattern": r"cam(\d)"},
         "Each of the 2 identities is seen by one camera alone: if the folders taken for people are cameras"),
        (("cam1/0001/1.jpg", "cam1/0002/1.jpg", "cam2/0001/1.jpg", "cam2/0002/2.jpg"), {},
         "The folders 0001, 0002 lie below several identities: if they are cameras, say camera_pattern=subfolder"),
        (("a/x/1.jpg", "a/y/1.jpg", "b/x/1.jpg", "b/y/2.jpg"), {"camera_pattern": "subfolder"}, None),
        (("a/monday/1.jpg", "a/2.jpg", "b/friday/1.jpg", "b/2.jpg"), {}, None),
    ],
)  # fmt: skip
def test_which_level_of_folders_is_the_person(tmp_path, paths, patterns, words):
    notes = look(draw(tmp_path, *paths), "folder", **patterns).notes
    assert any(note.startswith(words or " ") for note in notes) == bool(words)
    assert words or not any("identities" in note for note in notes)


@pytest.mark.parametrize("part", ["test/", "0_val/", "bounding_box_test/", "list_query.txt", "x/test.csv"])
def test_a_labelled_set_is_no_heap_of_crops(tmp_path, part):
    draw(tmp_path, "train/1.jpg", "x/latest/1.jpg", "x/contest.jpg", *([part + "1.jpg"] if part.endswith("/") else []))
    (tmp_path / part).touch()
    (problem,) = look(tmp_path, "folder", labeled=False).problems
    assert problem.startswith(f"{Path(part).name}: named like the test part of a labelled set, whose images would")


def test_names_that_may_tell_people_are_told(tmp_path):
    draw(tmp_path, *(f"frames/track{i // 2}_{i}.jpg" for i in range(6)))
    (note,) = [note for note in look(tmp_path, "folder", labeled=False).notes if "people" in note]
    assert note.startswith(
        r"Its names may tell people: pid_pattern='(?i)(?:^|[/ ._-])(?:track|tid|id)[ ._-]?(\d+)' reads frames/"
    )
    draw(tmp_path, "more/1.jpg")
    assert not any("people" in note for note in look(tmp_path, "folder", labeled=False).notes)


def test_masks_are_told(tmp_path):
    draw(tmp_path, "anna/cam1.jpg", "anna/cam2.jpg")
    Image.new("L", (16, 32), 255).save(tmp_path / "anna/cam1_mask.png")
    (note,) = [note for note in look(tmp_path, "folder").notes if "colors" in note]
    assert note == f"1 image has one or two colors alone, as masks have, such as {tmp_path}/anna/cam1_mask.png."


def test_specks_and_whole_frames_are_told(tmp_path):
    draw(tmp_path, "anna/cam1.jpg")
    write_image(tmp_path / "anna/cam2.jpg", 5, size=(16, 32))
    assert not any("pixels" in note or "wider" in note for note in look(tmp_path, "folder").notes)
    write_image(tmp_path / "anna/cam3.jpg", 6, size=(16, 32))
    Image.new("L", (1, 1)).save(tmp_path / "anna/one.png")
    write_image(tmp_path / "anna/cam4.jpg", 7, size=(16, 32))
    notes = look(tmp_path, "folder").notes
    small = f"1 image is too small to show a person (a side has fewer than 8 pixels), such as {tmp_path}/anna/one.png."
    assert small in notes
    assert any(
        note.startswith(f"3 of 5 images are wider than high, such as {tmp_path}/anna/cam2.jpg:") for note in notes
    )
    assert not any("colors" in note for note in notes)


def test_thumbnails_are_told(tmp_path):
    draw(tmp_path, "a/1.jpg", "a/1_thumb.jpg", "a/thumbs/1.jpg", "b/Thumbnails/2.jpg", "b/thumbelina.jpg")
    write_image(tmp_path / "b/SYNOPHOTO_THUMB_S.jpg", 9)
    (note,) = [note for note in look(tmp_path, "folder", labeled=False).notes if "thumbnails" in note]
    assert note.startswith("4 of 6 images have names like thumbnails, such as a/1_thumb.jpg: if they are small copies")


def test_copies_of_a_crop_are_told(tmp_path):
    draw(tmp_path, "anna/x.jpg", "anna/y.jpg", "ben/x.jpg", "ben/x (2).jpg")
    assert not any("twice" in note for note in look(tmp_path, "folder").notes)
    shutil.copy(tmp_path / "anna/x.jpg", tmp_path / "anna/x (1).jpg")
    write_image(tmp_path / "ben/x.png", 7)
    (note,) = [note for note in look(tmp_path, "folder").notes if "twice" in note]
    assert note.startswith("2 images are there twice, by their bytes or by names that differ in the suffix alone: ")
    assert f"{tmp_path}/anna/x.jpg is {tmp_path}/anna/x (1).jpg. Each counts." in note


def test_a_camera_for_each_image_is_told(tmp_path):
    draw(tmp_path, *(f"{pid}/{time}.jpg" for pid in "ab" for time in range(10, 16)))
    assert "6 cameras took 12 images" not in " ".join(look(tmp_path, "folder", camera_pattern=r"(\d+)").notes)
    draw(tmp_path, *(f"{pid}/{time}.jpg" for pid in "c" for time in range(20, 40)))
    assert "26 cameras took 32 images" in " ".join(look(tmp_path, "folder", camera_pattern=r"(\d+)").notes)


def test_distractors_that_train_are_told(market):
    write_image(market / "bounding_box_train" / "0000_c1s1_999999_00.jpg", 999)
    note = "1 training image has the identity 0000, which is Market-1501's name for distractors; in training it is o"
    assert note in " ".join(look(market).notes)


def test_files_that_are_no_images_and_other_notes_of_the_reading(tmp_path):
    draw(tmp_path, "anna/1.jpg", "anna/2.jpg", "ben/1.jpg", "nan/1.jpg")
    (tmp_path / "ben/2.heic").touch()
    notes = look(tmp_path, "folder").notes
    assert "Passed over, for their suffixes are no image formats read here: 1 .heic." in notes
    assert "1 image has the identity 'nan', which means nobody." in notes


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
    assert look(tmp_path, "csv").problems[0].startswith("Give the 1 training image without identity one")


def test_files_are_read_by_processes_too(market):
    paths = [str(path) for path in sorted((market / "query").glob("*.jpg"))]
    assert scan_files(paths, workers=2) == [scan_file(path) for path in paths]


def test_a_missing_file_has_a_fault():
    assert scan_file("gone.jpg").fault == "No such file or directory"


def test_transparent_images_are_told_and_opaque_ones_with_alpha_are_not(tmp_path):
    paths = [write_image(tmp_path / f"{number}.png", number) for number in range(3)]
    for path, alpha in zip(paths, (255, 0), strict=False):
        picture = Image.open(path)
        picture.putalpha(Image.new("L", picture.size, alpha))
        picture.save(path)
    (note,) = [note for note in look(tmp_path, "folder", labeled=False).notes if "transparent" in note]
    assert note.startswith(f"1 image is transparent in places, such as {paths[1]}: the network sees the colors that")
