"""Which images a folder, a list or a table names, and the camera and time of each."""

from __future__ import annotations

import os

import pytest

from dien_lightning.data.listing import ListedImage, list_images, read_time, show_time
from library.data.folders import write_image

MOMENT = 1795903741.0


@pytest.fixture
def folder(tmp_path):
    """Two crops of two cameras, whose names are dates."""
    for camera, second in ((1, "01"), (2, "02")):
        write_image(tmp_path / "crops" / f"cam{camera}" / f"20261128-2209{second}.jpg")
    return tmp_path


def told(images):
    return [(image.path.rpartition("/")[2], image.camera, image.time) for image in images]


@pytest.mark.parametrize("pattern", ["cam(\\d)", "subfolder"])
def test_a_folders_paths_tell_camera_and_time(pattern, folder):
    images = list_images(folder / "crops", camera_pattern=pattern, time_pattern=r"/(\d+-\d+)")
    cameras = ["1", "2"] if pattern != "subfolder" else ["cam1", "cam2"]
    assert [image.camera for image in images] == cameras
    assert [image.time for image in images] == [MOMENT, MOMENT + 1]
    assert list_images(folder / "crops") == [ListedImage(image.path) for image in images]


def test_the_folder_that_one_stands_in_tells_cameras_as_by_its_name(folder, monkeypatch):
    monkeypatch.chdir(folder / "crops")
    assert [image.camera for image in list_images(".", camera_pattern=r"([^/]+)/")] == ["cam1", "cam2"]


def test_a_table_and_a_list_name_images_wherever_they_are(folder):
    inside = "crops/cam1/20261128-220901.jpg"
    table, listing = folder / "t.csv", folder / "l.txt"
    table.write_text(f"path;camid;time\n{inside};007;2026-11-28T22:09:01Z\nother.jpg;;12\nlast.jpg;;\n")
    assert told(list_images(table)) == [
        ("20261128-220901.jpg", "7", MOMENT),
        ("other.jpg", None, 12.0),
        ("last.jpg", None, None),
    ]
    listing.write_text(f"{inside}\n\n{folder}/elsewhere/cam4.jpg\n")
    images = list_images(listing, camera_pattern=r"cam(\d)")
    assert [image.camera for image in images] == ["1", "4"]
    assert told(list_images(folder / inside)) == [("20261128-220901.jpg", None, None)]


def test_a_data_set_of_the_catalogue_tells_its_cameras(drawn_pair):
    root = drawn_pair / "pedestrians_night"
    images = list_images(root)
    assert len({image.camera for image in images}) == 2
    gallery = {image.path: image.camera for image in images if "bounding_box_test" in image.path}
    assert {image.path: image.camera for image in list_images(root / "bounding_box_test")} == gallery


def test_one_image_of_a_data_set_has_its_camera(drawn_pair):
    folder = drawn_pair / "pedestrians_night" / "query"
    for listed in list_images(folder)[:2]:
        assert list_images(listed.path) == [listed]
        assert listed.camera is not None


def test_folders_that_cannot_be_read_beside_the_crops_do_no_harm(folder, monkeypatch):
    def scandir(path, scan=os.scandir):
        if "private" in os.fspath(path):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scan(path)

    (folder / "private").mkdir()
    monkeypatch.setattr("os.scandir", scandir)
    assert [image.camera for image in list_images(folder / "crops")] == [None, None]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-28T22:09:01", MOMENT),
        ("2026-11-28T23:09:01+01:00", MOMENT),
        ("20261128220901", MOMENT),
        ("7.5", 7.5),
        ("1795903741000", MOMENT),
        ("1234567", 1234567.0),
    ],
)
def test_times_are_dates_or_numbers(text, time):
    assert read_time(text) == time
    assert read_time(show_time(time)) == time


def test_a_number_that_no_date_has_is_shown_as_it_is():
    assert show_time(1234567.0) == "1234567"
    assert show_time(1795903741000.0) == "1795903741000"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("no.csv", None, r"images=.*no\.csv does not exist; name a folder of crops"),
        ("empty.txt", "\n", r"empty\.txt holds no image"),
        ("twice.txt", "a.jpg\nb.jpg\na.jpg\n", r"names .*a\.jpg twice; name each image once"),
        ("t.csv", "path,camera\na.jpg,1\n", "did you mean camid"),
        ("t.csv", "path,time\na.jpg,noon\n", "'noon' is no time; give a date such as"),
        (
            "t.csv",
            "path,time\na.jpg,202611282209\n",
            "'202611282209' is no time; .* seconds or milliseconds since 1970",
        ),
        ("t.csv", "path,time\n,1\n", "line 2 names no path"),
        ("t.csv", "path,time\n\n,1\n", "line 3 names no path"),
    ],
)
def test_what_cannot_be_listed_is_told(name, content, words, tmp_path):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        list_images(tmp_path / name)


def test_a_pattern_that_finds_no_time_is_told(folder):
    with pytest.raises(ValueError, match=r"time_pattern='noon' finds no time in .*cam1"):
        list_images(folder / "crops", time_pattern="noon")


def test_what_is_passed_over_is_said(folder, caplog):
    (folder / "crops" / "new.heic").write_bytes(b"")
    (folder / "t.csv").write_text("path,timestamp\na.jpg,12\n")
    with caplog.at_level("INFO"):
        list_images(folder / "crops")
        list_images(folder / "t.csv")
    assert caplog.messages == [
        "Passed over, for their suffixes are no image formats read here: 1 .heic.",
        f"The columns timestamp of {folder / 't.csv'} are not read.",
    ]
