"""Attributes of people: tables, Lin et al.'s files, and what is said of bad ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from dien_lightning.rivals.tj_aidl.attributes import binary_attributes, read_attributes

TABLE = "pid,hat,upper_color,hair\n7,no,red,long\n2,yes,blue,long\n11,no,green,long\n"


def table(folder: Path, text: str = TABLE) -> Path:
    path = folder / "attributes.csv"
    path.write_text(text, encoding="utf-8")
    return path


def write_matlab(path: Path, variable: str = "market_attribute", **changes) -> Path:
    """As Lin et al. publish them: structures of row vectors, and a row of cells for the pids."""

    def part(pids, **vectors):
        index = np.empty((1, len(pids)), dtype=object)
        index[0, :] = pids
        return {"image_index": index, **{name: np.array([values]) for name, values in vectors.items()}}

    train = {"age": [1.0, 3.0], "hat": [1.0, 2.0], "upblack": [2.0, 2.0], **changes}
    test = {"age": [2.0], "hat": [1.0], "upblack": [1.0]}
    savemat(path, {variable: {"train": part(["0002", "0007"], **train), "test": part(["0001"], **test)}})
    return path


def test_two_values_are_one_attribute_and_more_are_one_each(tmp_path):
    found = binary_attributes(read_attributes(table(tmp_path)), [2, 7, 11])
    assert found.names == ("hat=yes", "upper_color=blue", "upper_color=green", "upper_color=red")  # all hair is long
    assert torch.equal(found.values, torch.tensor([[1.0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]))


def test_what_only_others_have_is_left_out(tmp_path):
    found = binary_attributes(read_attributes(table(tmp_path)), [11, 7])
    assert found.names == ("upper_color=red",)
    assert torch.equal(found.values, torch.tensor([[0.0], [1.0]]))


def test_a_table_of_a_spreadsheet_is_read(tmp_path):
    text = "\ufeffhat, pid\r\nno , 0004\r\n\r\nyes,5\r\n"
    assert binary_attributes(read_attributes(table(tmp_path, text)), [4, 5]).values.tolist() == [[0], [1]]


def test_published_files_are_read(tmp_path):
    read = read_attributes(write_matlab(tmp_path / "market_attribute.mat"))
    assert read.columns == ("age", "hat", "upblack")
    assert read.people == {2: ("1", "1", "2"), 7: ("3", "2", "2"), 1: ("2", "1", "1")}
    found = binary_attributes(read, [2, 7, 1], "market1501")
    assert found.names == ("age=1", "age=2", "age=3", "hat=2", "upblack=2")
    assert found.values.tolist() == [[1, 0, 0, 0, 1], [0, 0, 1, 1, 1], [0, 1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must begin with a line of different names, pid and the attributes; it begins with ''"),
        ("id,hat\n1,no\n", "it begins with 'id,hat'"),
        ("pid\n1\n", "it begins with 'pid'"),
        ("pid,hat,hat\n1,no,no\n", "it begins with 'pid,hat,hat'"),
        ("pid,hat\n1,no\n2\n", "line 3 has not a value for each of pid, hat"),
        ("pid,hat\n\n1,no\n\n2\n", "line 5 has not a value for each of pid, hat"),
        ("pid,hat\n1,\n", "line 2 has not a value for each of pid, hat"),
        ("pid,hat\nx,no\n", "line 2: pid='x' must be a whole number"),
        ("pid,hat\n1,no\n01,yes\n", "line 3 tells of pid 1 a second time; keep one line"),
        ('pid,hat\n1,"no\n', "is no table of UTF-8 text"),
    ],
)
def test_a_table_that_is_torn_or_another_ends_in_one_sentence(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        read_attributes(table(tmp_path, text))


def test_bytes_that_are_no_text_end_in_one_sentence(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"pid,hat\n1,\xff\n")
    with pytest.raises(ValueError, match="is no table of UTF-8 text"):
        read_attributes(tmp_path / "x.csv")
    with pytest.raises(FileNotFoundError, match=r"none.csv is not a file; name a table"):
        read_attributes(tmp_path / "none.csv")


def test_people_without_attributes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="says nothing of 2 of the 3 people that the source trains, such as pid 5001"):
        binary_attributes(read_attributes(table(tmp_path)), [7, 5001, 5002])


def test_columns_that_are_no_attributes_are_refused(tmp_path):
    lines = "".join(f"{pid},anna{pid}\n" for pid in range(21))
    with pytest.raises(ValueError, match="has 21 different values of name, such as 'anna0'; an attribute has at most"):
        binary_attributes(read_attributes(table(tmp_path, f"pid,name\n{lines}")), range(21))
    with pytest.raises(ValueError, match="tells no two people of the source apart; add columns"):
        binary_attributes(read_attributes(table(tmp_path, "pid,hat\n1,no\n2,no\n")), [1, 2])


def test_the_other_sets_attributes_are_refused(tmp_path):
    read = read_attributes(write_matlab(tmp_path / "x.mat", "duke_attribute"))
    with pytest.raises(ValueError, match="is of dukemtmcreid, and the source is market1501; give its own file"):
        binary_attributes(read, [2, 7], "market1501")
    assert len(binary_attributes(read, [2, 7], "dukemtmcreid").names) == 2
    assert binary_attributes(read, [2, 7], "csv").names  # a user's own list of either's images


def test_matlab_files_that_are_torn_or_another_end_in_one_sentence(tmp_path):
    path = write_matlab(tmp_path / "x.mat")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"x.mat cannot be read as a MATLAB file"):
        read_attributes(path)
    savemat(path, {"features": np.zeros(3)})
    with pytest.raises(
        ValueError, match="holds no market_attribute or duke_attribute with train, test and their image"
    ):
        read_attributes(path)
    with pytest.raises(ValueError, match="has not a number for each of 2 people and each attribute"):
        read_attributes(write_matlab(path, hat=[1.0, 2.0, 1.0]))
