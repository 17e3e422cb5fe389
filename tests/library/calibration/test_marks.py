"""Marks of pairs: read, joined to people, refused where they contradict one another."""

from __future__ import annotations

import json

import pytest

from dien_lightning.calibration import Mark, people_of_marks, read_marks
from dien_lightning.search.marks import KeptMark, append_mark

SAID = [("a", "b", "yes"), ("a", "c", "no"), ("a", "b", "")]
MARKS = [Mark("a.jpg", "b.jpg", True), Mark("b.jpg", "c, d.jpg", False)]


def test_a_table_and_json_lines_say_the_same(tmp_path):
    table, lines = tmp_path / "marks.csv", tmp_path / "marks.jsonl"
    table.write_text('image_a,when,image_b,same\na.jpg,now,b.jpg,Yes\nb.jpg,now,"c, d.jpg",0\n', encoding="utf-8-sig")
    lines.write_text("\n".join(json.dumps(mark._asdict() | {"when": 3}) for mark in MARKS) + "\n\n")
    assert read_marks(table) == read_marks(lines) == MARKS


def test_of_two_marks_of_a_pair_the_later_one_holds(tmp_path):
    table = tmp_path / "marks.csv"
    table.write_text("image_a,image_b,same\na,b,no\nb,c,yes\nb,a,yes\n")
    assert read_marks(table) == [Mark("b", "c", True), Mark("b", "a", True)]


def test_what_the_page_keeps_is_read_and_a_mark_can_be_taken_back(tmp_path):
    marks = [KeptMark(f"{query}.png", f"{image}.jpg", same, 0.5, "f", "target") for query, image, same in SAID]
    for mark in marks:
        append_mark(tmp_path / "marks.csv", mark)
    append_mark(tmp_path / "marks.csv", KeptMark("d.png", "e.jpg", "yes", 0.5, "f", "target", "1", "1"))
    kept = read_marks(tmp_path / "marks.csv")
    assert kept == [Mark("a.png", "c.jpg", False), Mark("d.png", "e.jpg", True, "1", "1")]
    assert [mark.is_of_one_camera for mark in kept] == [False, True]


def test_yes_joins_people_by_way_of_others():
    marks = [Mark("a", "b", True), Mark("d", "c", True), Mark("c", "b", True), Mark("e", "a", False)]
    images, pairs, people = people_of_marks(marks)
    assert images == ["a", "b", "c", "d", "e"]
    assert pairs.tolist() == [[0, 1], [3, 2], [2, 1], [4, 0]]
    assert [one == other for one, other in people.tolist()] == [True, True, True, False]
    with pytest.raises(ValueError, match="a and d are marked as two people, and other marks join them"):
        people_of_marks([*marks, Mark("a", "d", False)])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("image_a,image_b\na,b\n", "has no column same in its first line; image_a, image_b, same are read"),
        ("image_a,image_b,same\na,b,maybe\n", "line 2: image_a='a', image_b='b', same='maybe' must be two images"),
        ("image_a,image_b,same\na,a,yes\n", "line 2: image_a='a', image_b='a'"),
        ("image_a,image_b,same\n", "marks no pair"),
        ('{"image_a": "a", "image_b": "b", "same": true}\n{"image_a"', "line 2 is no JSON"),
        ('{"image_a": "a", "same": true}', "line 1: image_a='a', image_b='', same='True' must be two images"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(content, words, tmp_path):
    path = tmp_path / "marks.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=f"marks=.*marks.csv.*{words}"):
        read_marks(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.csv is not a file; give a table with the columns image_a"):
        read_marks(tmp_path / "nowhere.csv")
