"""Your own images by a table of paths."""

from __future__ import annotations

import pytest

from dien_lightning.data.own import read_table
from dien_lightning.types import UNLABELED
from library.data.folders import seen, write_image

TABLE = """path,pid,camid,split
a.jpg,anna,yard,train
b.jpg,,door,
c.jpg,ben,door,query
d.jpg,ben,yard,gallery
e.jpg,-1,yard,gallery
"""


@pytest.fixture
def table(tmp_path):
    for name in "abcde":
        write_image(tmp_path / f"{name}.jpg")
    path = tmp_path / "crops.csv"
    path.write_text(TABLE)
    return path


def test_table(table):
    splits = read_table(table)
    assert splits.notes[0] == f"1 line has no split in {table}, which means training."
    assert seen(splits.train) == [(0, 1), (UNLABELED, 0)]
    assert (seen(splits.query), seen(splits.gallery)) == ([(1, 0)], [(1, 1), (UNLABELED, 1)])


def test_a_tables_labels_stay_out_of_a_targets_training_images(table):
    splits = read_table(table.parent, labeled=False)
    assert {record.pid for record in splits.train} == {UNLABELED}
    assert splits.is_evaluated()


def test_a_table_of_paths_alone(table):
    table.write_text("path\na.jpg\nb.jpg\n")
    assert seen(read_table(table).train) == [(UNLABELED, 0)] * 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("photo,pid\na.jpg,1\n", r"crops\.csv has no column 'path' in its first line"),
        ("path,label,camera,split\na.jpg,1,1,\n", r"label, camera, .*did you mean pid, camid\? Rename"),
        ("path,pids,split,is_query\na.jpg,1,train,no\n", r"pids, is_query, .*did you mean pid, split\?"),
        ("path,pid\n,1\n", r"line 2 names no path"),
        ('sep=,\npath,pid\n\n"a\n.jpg",1\n,1\n', r"line 6 names no path"),
        ("sep=,\npath,pid\n\na.jpg,1,2\n", r"line 4 has 3 cells"),
        ("path,split\na.jpg,val\n", r"line 2: split='val' must be one of train, query, gallery"),
        ("pid,path\n1,a.jpg\n1\n", r"line 3 names no path"),
        ("path,pid,pid\na.jpg,1,2\n", r"crops\.csv has the column 'pid' twice; leave one of them out"),
        ("path,pid\na.jpg,1,2\n", r"line 2 has 3 cells, and the first line names 2 columns; .* ',' into q"),
        ("path,id\na.jpg,1\n", r"has the columns id, which are not read; did you mean pid\?"),
        ("path,pid\na.jpg,1.844674407370955e+19\n", r"identity '1\.84467.*e\+19', a number that was round"),
        (
            "path,pid,camid,split\na.jpg,1,1,query\n./a.jpg,1,2,gallery\n",
            r"csv, line 3 names .*a\.jpg as taken by the camera '2', .*csv, line 2 by '1'; one camera takes an image",
        ),
        ("path\nz.jpg\n", r"line 2 names .*z\.jpg, which is no file"),
        ("path\n", r"crops\.csv lists no image"),
        ('path,pid\n"a.jpg,1\n' + 200_000 * "x", r"crops\.csv cannot be read as a table \(field larger"),
        ("path,pid\na.jpg,J\xfcrgen\n".encode("latin-1"), r"'utf-8' codec .*save it as CSV in UTF-8\."),
    ],
)
def test_tables_that_do_not_serve(table, content, words):
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        read_table(table)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_as_programs_export_them(table, separator, encoding):
    content = TABLE.replace("path", " Path").replace("train", "Train").replace(",", separator).replace("\n", "\r\n")
    table.write_bytes((("sep=;\r\n" if separator == ";" else "") + content).encode(encoding))
    splits = read_table(table)
    assert seen(splits.train) == [(0, 1), (UNLABELED, 0)]
    assert splits.is_evaluated()


def test_words_for_unknown_are_nobody_and_counted(table):
    table.write_text("path,pid,id\na.jpg,12.0,1\nb.jpg,nan,1\nc.jpg,NaN,1\nd.jpg,12,1\ne.jpg,,1\n")
    splits = read_table(table)
    assert [record.pid for record in splits.train] == [12, UNLABELED, UNLABELED, 12, UNLABELED]
    assert [note.replace(str(table), "TABLE") for note in splits.notes] == [
        "The columns id of TABLE are not read.",
        "1 image has the identity 'NaN', which means nobody.",
        "1 image has the identity 'nan', which means nobody.",
        "'12' and '12.0' are read as one identity.",
    ]


def test_people_that_train_and_are_tested_are_counted(table):
    table.write_text("path,pid,split\na.jpg,1,train\nb.jpg,2,train\nc.jpg,1,query\nd.jpg,1,gallery\ne.jpg,3,gallery\n")
    splits = read_table(table)
    assert splits.shared == 1
    assert "1 of the 2 identities of query and gallery train, too: their figures are not those of" in splits.notes[0]
    assert read_table(table, labeled=False).shared == 0


def test_the_table_is_found_beside_one_of_something_else(table):
    (table.parent / "attributes.csv").write_text("pid,hat\n1,yes\n")
    assert seen(read_table(table.parent).train) == seen(read_table(table).train)


def test_missing_table(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds 0 \.csv or \.tsv files; name one"):
        read_table(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"typo\.csv does not exist; name a \.csv or \.tsv file"):
        read_table(tmp_path / "typo.csv")


def test_a_table_names_the_cameras_of_all_images_or_of_none(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        write_image(tmp_path / name)
    table = tmp_path / "list.csv"
    table.write_text("path,pid,camid\na.jpg,1,door\nb.jpg,1,\nc.jpg,1,\n")
    with pytest.raises(ValueError, match=r"list.csv names no camera \(camid\) for 2 of 3 images; name all, or none"):
        read_table(table)


def test_a_line_that_stands_there_twice_counts_once_and_cameras_in_two_spellings_are_told(table):
    table.write_text("path,pid,camid\na.jpg,1,cam1\nb.jpg,1,Cam1\nx/../a.jpg,1,cam1\n.//a.jpg,2,cam1\n")
    (table.parent / "x").mkdir()
    splits = read_table(table)
    assert len(splits.train) == 3  # one picture of two people is another matter
    assert splits.notes == (
        f"1 file is labelled as two people: {table.parent}/a.jpg is '1' ({table}, line 2) and '2' ({table}, line 5).",
        "'Cam1' and 'cam1' are read as 2 cameras.",
        "1 line repeats another and changes nothing.",
    )


def test_a_line_that_stands_there_in_another_spelling_counts_once(table):
    told = ("7,1", "07,1", "7.0,01", "nobody,1", "-1,1")
    table.write_text("path,pid,camid,split\n" + "".join(f"a.jpg,{names},gallery\n" for names in told))
    splits = read_table(table)
    assert seen(splits.gallery) == [(7, 1), (UNLABELED, 1)]
    assert "3 lines repeat others and change nothing." in splits.notes


def test_how_often_a_target_image_trains_does_not_depend_on_its_labels(table):
    table.write_text("path,pid\na.jpg,1\na.jpg,2\nb.jpg,1\nb.jpg,1\n")
    assert len(read_table(table, labeled=False).train) == 2


@pytest.mark.parametrize("date", ["02-Jan", "Jan-02", "2. Mrz", "02-Jan-26", "2026-01-02 00:00:00"])
def test_identities_that_a_spreadsheet_made_dates_are_told(table, date):
    table.write_text(f"path,pid\na.jpg,{date}\nb.jpg,13-2\nc.jpg,2026-01-02_7\nd.jpg,Mark-12\n")
    (note,) = read_table(table).notes
    assert note.startswith(
        f"1 identity looks like a date, such as {date!r}: spreadsheets make them of names such as 1-2;"
    )
