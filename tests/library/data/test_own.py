"""Folders and tables of one's own."""

from __future__ import annotations

import os
import re

import pytest

from dien_lightning.data.folders import propose_pid_pattern, read_folder
from dien_lightning.types import UNLABELED
from library.data.folders import seen, write_image


def test_a_plain_folder_of_nested_crops(tmp_path):
    for path in ("b.jpg", "monday/a.PNG", "monday/morning/c.webp"):
        write_image(tmp_path / path)
    (tmp_path / "notes.txt").touch()
    splits = read_folder(tmp_path, labeled=False)
    assert seen(splits.train) == [(UNLABELED, 0)] * 3
    assert not splits.is_evaluated()


def test_cameras_by_subfolder_and_by_pattern(tmp_path):
    for path in ("yard/x_1.jpg", "door/x_2.jpg", "yard/x_12.jpg"):
        write_image(tmp_path / path)
    by_folder = read_folder(tmp_path, labeled=False, camera_pattern="subfolder")
    assert [record.camid for record in by_folder.train] == [0, 1, 1]  # door, yard, yard
    for pattern in (r"_(\d+)\.", r"side_(\d)|x_(\d+)"):
        by_name = read_folder(tmp_path, labeled=False, camera_pattern=pattern)
        assert [record.camid for record in by_name.train] == [2, 1, 12]


@pytest.mark.parametrize("root", [".", "./"])
def test_the_folder_that_one_stands_in_is_read_as_by_its_name(tmp_path, monkeypatch, root):
    for path in ("yard/1.jpg", "door/1.jpg", "door/2.jpg"):
        write_image(tmp_path / path)
    monkeypatch.chdir(tmp_path)
    by_camera = read_folder(root, labeled=False, camera_pattern=r"^([^/]+)/")
    assert [record.camid for record in by_camera.train] == [0, 0, 1]  # door, door, yard
    assert [record.pid for record in read_folder(root, pid_pattern=r"([^/]+)/").train] == [0, 0, 1]


def test_hidden_folders_and_links_that_lead_back_are_left_out(tmp_path):
    for path in ("anna/1.jpg", "anna/.thumbnails/1.jpg", "ben/._1.jpg", "elsewhere/zoe/1.jpg"):
        write_image(tmp_path / path)
    root = tmp_path / "crops"
    root.mkdir()
    for name, end in (("anna", "../anna"), ("ben", "../ben"), ("zoe", "../elsewhere/zoe"), ("self", "."), ("up", "..")):
        (root / name).symlink_to(end)
    (tmp_path / "anna" / "loop").symlink_to(root)
    found = read_folder(root)
    assert [record.path for record in found.train] == [str(root / "anna/1.jpg"), str(root / "zoe/1.jpg")]


def test_a_link_to_nothing_is_not_passed_over(tmp_path):
    write_image(tmp_path / "anna/1.jpg")
    (tmp_path / "ben").symlink_to("gone")
    with pytest.raises(FileNotFoundError, match=r"names .*ben, which is no file \(it is a link to gone"):
        read_folder(tmp_path, labeled=False)


def test_a_folder_that_cannot_be_read_is_not_passed_over(tmp_path, monkeypatch):
    write_image(tmp_path / "anna/1.jpg")
    scan = os.scandir

    def forbidden(path):
        if os.path.basename(path) == "anna":
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    with pytest.raises(OSError, match=r"anna cannot be read \(Permission denied\); give read access, or move it out"):
        read_folder(tmp_path)


def test_one_subfolder_per_identity(tmp_path):
    for path in ("zoe/1.jpg", "anna/1.jpg", "anna/2.jpg", "ben/yard/1.jpg"):
        write_image(tmp_path / path)
    assert seen(read_folder(tmp_path).train) == [(0, 0), (0, 0), (1, 0), (2, 0)]


def test_identities_with_a_camera_below(tmp_path):
    for path in ("7/cam2/1.jpg", "12/cam10/1.jpg"):
        write_image(tmp_path / path)
    assert seen(read_folder(tmp_path, camera_pattern="subfolder").train) == [(12, 10), (7, 2)]
    assert seen(read_folder(tmp_path, camera_pattern=r"cam(\d+)").train) == [(12, 10), (7, 2)]


def test_query_and_gallery_serve_evaluation(tmp_path):
    for path in (
        "train/x/cam1.jpg",
        "train/cam2.jpg",
        "query/anna/cam1.jpg",
        "gallery/anna/cam2.jpg",
        "gallery/ben/cam1.jpg",
    ):
        write_image(tmp_path / path)
    splits = read_folder(tmp_path, labeled=False, camera_pattern=r"cam(\d)")
    assert splits.is_evaluated()
    assert {record.pid for record in splits.train} == {UNLABELED}
    assert (seen(splits.query), seen(splits.gallery)) == ([(0, 1)], [(0, 2), (1, 1)])


@pytest.mark.parametrize(
    ("paths", "options", "words"),
    [
        ([], {}, r"holds no image; formats are told by suffixes"),
        (["1.jpg"], {}, r"1\.jpg lies in no identity's folder; .*one sub-folder per identity, such as .*/anna/1\.jpg"),
        (["1.jpg"], {"labeled": False, "camera_pattern": "subfolder"}, r"lies in no camera's sub-folder"),
        (["x1.jpg"], {"pid_pattern": r"p(\d)"}, r"pid_pattern='p\(\\\\d\)' finds no identity in .*x1\.jpg"),
        (["1.pdf"], {}, r"holds no image; .*Passed over, .*: 1 \.pdf\."),
        (["anna/cam1/1.jpg"], {"labeled": False, "camera_pattern": "subfolder"}, r"lies in 2 sub-folders, .* give a"),
        (["x1.jpg"], {"labeled": False, "camera_pattern": r"cam(\d)|x\d"}, r"finds no camera in .*x1\.jpg"),
        (["1.jpg"], {"labeled": False, "camera_pattern": r"cam(\d)"}, r"'cam\(\\\\d\)' finds no camera in .*1\.jpg"),
        (
            ["Train/a/1.jpg", "val/a/1.jpg"],
            {},
            r"/Train, .*/val would be people, and are named like parts of a da",
        ),
        (["query/a/1.jpg", "a/1.jpg"], {}, r"/query would be people, and are named like parts of a data set; name the"),
        (
            ["all/a/1.jpg", "all/b/1.jpg"],
            {},
            r"All images of .* lie in .*/all, which would be their one person; if",
        ),
        (["1.jpg"], {"labeled": False, "camera_pattern": "cam("}, r"'cam\(' is no regular expression"),
    ],
)
def test_folders_that_do_not_serve(tmp_path, paths, options, words):
    for path in paths:
        write_image(tmp_path / path)
    with pytest.raises(ValueError, match=words):
        read_folder(tmp_path, **options)


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere does not exist; name the folder that holds your images"):
        read_folder(tmp_path / "nowhere")


def test_junk_is_nobody_in_a_folder_too(tmp_path):
    for path in ("train/7/1.jpg", "query/12/1.jpg", "gallery/12/2.jpg", "gallery/-1/3.jpg", "gallery/junk/4.jpg"):
        write_image(tmp_path / path)
    splits = read_folder(tmp_path)
    assert [record.pid for record in splits.gallery] == [UNLABELED, 12, UNLABELED]
    assert splits.notes == ("1 image has the identity 'junk', which means nobody.",)


def test_the_parts_may_have_capitals_and_what_lies_beside_them_is_told(tmp_path):
    for path in ("Train/7/1.jpg", "QUERY/12/1.jpg", "gallery/12/2.jpg", "more/12/3.jpg", "4.jpg"):
        write_image(tmp_path / path)
    (tmp_path / "notes.txt").touch()
    splits = read_folder(tmp_path)
    assert [len(part) for part in (splits.train, splits.query, splits.gallery)] == [1, 1, 1]
    assert splits.notes == ("2 images outside train/, query/ and gallery/ are not read: 4.jpg, more.",)


def test_a_gallery_alone_serves_leave_one_out_where_nothing_lies_beside_it(tmp_path):
    for path in ("train/1.jpg", "gallery/12/2.jpg"):
        write_image(tmp_path / path)
    assert len(read_folder(tmp_path, labeled=False).gallery) == 1
    write_image(tmp_path / "yard/3.jpg")  # then gallery/ may be a place
    assert len(read_folder(tmp_path, labeled=False).train) == 3


@pytest.mark.parametrize(
    "name", ["P{:02d} C1 {}", "c1.{:04d}.{}", "{:03d}-{}", "Cam2_{:04d}_{}", "person.{}.{}", "cam2_track{}_frame{}"]
)
def test_a_pattern_is_proposed_for_other_separators(name):
    paths = [f"{name.format(pid, shot)}.jpg" for pid in (1, 2) for shot in (1, 2)]
    pattern = re.match("pid_pattern='(.*)' reads", propose_pid_pattern(paths))[1]
    assert [int(re.search(pattern, path)[1]) for path in paths] == [1, 1, 2, 2]


@pytest.mark.parametrize("name", ["cam{}_frame{}", "IMG_{}{}", "2024010{}_12000{}"])
def test_cameras_devices_and_dates_are_not_proposed_as_people(name):
    assert propose_pid_pattern([f"{name.format(first, shot)}.jpg" for first in (1, 2) for shot in (1, 2)]) is None


def test_identities_by_a_pattern(tmp_path):
    for path in ("0011_c2_1.jpg", "12_c10_1.jpg", "yard/11_c2_2.jpg", "-1_c1_1.jpg"):
        write_image(tmp_path / path)
    splits = read_folder(tmp_path, pid_pattern=r"(-?\d+)_c", camera_pattern=r"_c(\d+)")
    assert seen(splits.train) == [(UNLABELED, 1), (11, 2), (12, 10), (11, 2)]
    assert {record.pid for record in read_folder(tmp_path, labeled=False).train} == {UNLABELED}


def test_a_flat_folder_whose_names_tell_people_is_told_the_pattern(tmp_path):
    for path in ("0011_1.jpg", "0011_2.jpg", "0012_1.jpg", "0012_2.jpg"):
        write_image(tmp_path / path)
    words = r"reads 0011_1\.jpg as '0011', 0012_1\.jpg as '0012'; of a pair: data\.source_pid_pattern, data\.target"
    words = "or pid_pattern='.*' " + words
    with pytest.raises(ValueError, match=words):
        read_folder(tmp_path)
