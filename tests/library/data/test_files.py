"""Where a listed file lies, and what is said of one that does not."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from dien_lightning.data.files import check_existence, folders_below, image_files, locate, read_text, walk_images


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


@pytest.mark.parametrize(
    ("there", "listed"),
    [
        ("cam1/1.jpg", "cam1/1.jpg"),
        ("cam1/1.jpg", "cam1\\1.jpg"),
        ("cam1/1.jpeg", "cam1/1"),
        ("cam1/1.jpg", "cam1\\1"),
        ("Jose\u0301/1.jpg", "Jos\u00e9/1.jpg"),
        ("Jos\u00e9/1.jpg", "Jose\u0301\\1.jpg"),
    ],
)
def test_a_listed_file_is_found_in_other_spellings(tmp_path, there, listed):
    path = touch(tmp_path / there)
    assert locate(listed, tmp_path / "test", tmp_path) == path


def test_absolute_names_and_home_folders(tmp_path, monkeypatch):
    path = touch(tmp_path / "1.jpg")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate(path, tmp_path / "elsewhere") == locate("~/1.jpg", tmp_path / "elsewhere") == path


def test_two_that_fit_a_name_without_suffix_are_none(tmp_path):
    touch(tmp_path / "1.jpg")
    touch(tmp_path / "1.png")
    assert locate("1", tmp_path) == str(tmp_path / "1")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a/1.jpg", r"1\.jpeg lies there"),
        ("a/2.png", r"2\.PNG lies there"),
        ("b/1.jpg", r"there is no folder .*b\)"),
        ("a/9.jpg", r"nothing like it lies in"),
        ("a", "it is a folder"),
        ("a/link.jpg", r"it is a link to gone\.jpg, which does not exist"),
    ],
)
def test_what_is_there_instead(tmp_path, name, words):
    touch(tmp_path / "a/1.jpeg")
    touch(tmp_path / "a/2.PNG")
    (tmp_path / "a/link.jpg").symlink_to("gone.jpg")
    paths = [str(tmp_path / "a/1.jpeg"), str(tmp_path / name)]
    with pytest.raises(FileNotFoundError, match=rf"^list, line 2 names .*{words}.*1 of 2 files are missing"):
        check_existence(paths, ["list, line 1", "list, line 2"])


def test_what_systems_leave_is_passed_over_and_the_rest_counted(tmp_path):
    names = (
        "1.jpg",
        "2.JPG",
        "a.heic",
        "b.HEIC",
        "README",
        "Thumbs.db",
        "._1.jpg",
        "__MACOSX/._1.jpg",
        "__MACOSX/1.jpg",
        "@eaDir/1.jpg/SYNOPHOTO_THUMB_S.jpg",
    )
    for name in names:
        touch(tmp_path / name)
    others: Counter[str] = Counter()
    assert [os.path.basename(path) for path in image_files(tmp_path, others)] == ["1.jpg", "2.JPG"]
    assert others == {".heic": 2, "no suffix": 1}


def test_a_link_without_suffix_is_listed_where_it_leads_nowhere(tmp_path):
    touch(tmp_path / "NOTICE")
    (tmp_path / "set").mkdir()
    for name, end in (("LICENSE", "NOTICE"), ("cam1", "gone")):
        (tmp_path / "set" / name).symlink_to(tmp_path / end)
    assert [os.path.basename(path) for path in image_files(tmp_path / "set")] == ["cam1"]


def test_the_first_image_is_had_without_the_rest_of_the_tree(tmp_path, monkeypatch):
    for name in ("a/2.jpg", "a/1.jpg", "b/c/3.jpg"):
        touch(tmp_path / name)
    looked = []
    monkeypatch.setattr("os.scandir", lambda path, scan=os.scandir: looked.append(os.path.basename(path)) or scan(path))
    assert next(walk_images(tmp_path)) == str(tmp_path / "a/1.jpg")
    assert looked == [tmp_path.name, "a"]


def test_folders_below_leave_out_what_may_not_be_read(tmp_path, monkeypatch):
    (tmp_path / "private").mkdir()
    (tmp_path / "set").mkdir()
    monkeypatch.setattr("os.access", lambda path, mode: not os.fspath(path).endswith("private"))
    assert folders_below(tmp_path, depth=2) == [tmp_path / "set"]


def test_folders_below_end_where_people_begin(tmp_path):
    for name in ("a/b/c/d", "__MACOSX/a", *(f"people/{pid}" for pid in range(40))):
        (tmp_path / name).mkdir(parents=True)
    found = [str(path.relative_to(tmp_path)) for path in folders_below(tmp_path, depth=2)]
    assert found == ["a", "people", "a/b"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_text(tmp_path, encoding):
    (tmp_path / "list.txt").write_text("é 1\r\n", encoding=encoding)
    assert read_text(tmp_path / "list.txt").splitlines() == ["é 1"]
