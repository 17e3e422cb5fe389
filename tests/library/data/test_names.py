"""Who is nobody, which spellings are one name, how names become numbers."""

from __future__ import annotations

import pytest

from dien_lightning.data.names import is_nobody, number_cameras, number_names, one_in_several_spellings, spelled

NOBODY = [
    None, "", " ", "-1", '"-1"', "'-1'", "-1.0", "-1,0", "-01", "-001", "-2", "−1", "00-1", "nan", "NaN", "-nan",
    "None", "null", "NULL", "NA", "<NA>", "N/A", "n/a", "#N/A", "(unknown)", "Unknown", "unlabelled", "junk", "JUNK",
    "?", "-", ".", "\\N", "unknown_person", "unbekannt", "inconnu", "未知", "unknown1", "Unknown_1", "_unlabeled",
    "nobody", "not labeled", "false-positive", "noise", "TBD", "background", "Distractors", "distractor_12",
    "others", "－１", "\u200b", "unknown_person_3", "unidentified person 4", "unk_12", "ignore_3", "other_2",
    "Person-unknown", "id_unknown", "distractors_3", "unbekannt 2",
]  # fmt: skip


@pytest.mark.parametrize("name", NOBODY)
def test_nobody_has_many_names(name):
    assert is_nobody(name)


@pytest.mark.parametrize(
    "name",
    [
        "0",
        "0000",
        "0-1",
        "1-1",
        "anna",
        "Nanna",
        "nana",
        "p-1",
        "cam-1",
        "12.0",
        "none2",
        "n",
        "NA12",
        "mother",
        "Nat2",
        "mother_2",
        "person_3",
    ],
)
def test_somebody_is_somebody(name):
    assert not is_nobody(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *[("0011", "11"), ("11.0", "11"), (" anna ", "anna"), ("Jose\u0301", "Jos\u00e9"), ('"7"', "7")],
        *[("１２", "12"), ("\u200b7", "7"), ("an\u00adna\ufeff", "anna"), ("cam１", "cam1"), ("\u00a07", "7")],
    ],
)
def test_one_name_in_two_spellings(one, other):
    assert spelled(one) == spelled(other)
    assert len(number_names([one, other])) == 1


def test_numbers_stay_and_names_are_numbered_by_their_order():
    assert number_names(["0007", "12", "7"]) == {"7": 7, "12": 12}
    assert number_names(["b", "10", "9", "a"]) == {"9": 0, "10": 1, "a": 2, "b": 3}


@pytest.mark.parametrize("long", ["2147483648", "18446744073709551612", "9" * 5000])
def test_numbers_of_any_length_are_names(long):
    assert number_names([long, "3"]) == {"3": 0, long: 1}


def test_near_spellings_are_told():
    assert one_in_several_spellings(["Anna", "anna", "ben", "12", "12.0", "p_1", "p 1"]) == [
        "'12' and '12.0' are read as one identity.",
        "'Anna' and 'anna' are read as 2 identities.",
        "'p 1' and 'p_1' are read as 2 identities.",
    ]


@pytest.mark.parametrize("number", [number_names, number_cameras])
def test_names_may_come_one_by_one(number):
    assert number(iter(["front", "back"])) == {"back": 0, "front": 1}
