"""key=value arguments as fields of a dataclass."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from dien_lightning.experiments.options import MISSING, take, take_all


@dataclass
class Options:
    folder: str = MISSING
    pattern: str | None = None
    number: int | None = 3
    files: bool = True
    rows: str = ""


@pytest.mark.parametrize("text", ["${HOME}", "0042", "off", "[a-z]{2}: (\\d)", "null"])
def test_a_text_stays_as_it_was_typed(text):
    assert take_all(Options, [f"folder={text}"]).folder == text


def test_types_and_what_is_left_out():
    assert take_all(Options, ["folder=x", "pattern=null", "number=null", "files=false"]) == Options(
        "x", None, None, False
    )
    assert take_all(Options, ["folder=x", "rows="]).rows == ""
    assert take_all(Options, ["folder=x", "number=7"]) == Options("x", None, 7, True)


def test_a_word_that_is_no_pair_is_not_an_option():
    assert take(Options, ["folder=x", "folder", "seed=1"]) == (Options("x"), ["folder", "seed=1"])
    with pytest.raises(ValueError, match="folder has no value; write folder=VALUE"):
        take_all(Options, ["folder"])
    with pytest.raises(ValueError, match=r"'top' is not an option\. There are folder, pattern, number, files, rows"):
        take_all(Options, ["top=3"])


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("number=x", "number='x' must be a whole number"),
        ("number=1.5", "number='1.5' must be a whole number"),
        ("files=maybe", "files='maybe' must be true or false"),
        ("pattern=x", "folder=... is missing"),
        ("folder=", "folder= is empty; write folder=VALUE"),
    ],
)
def test_what_does_not_fit_is_told(argument, words):
    with pytest.raises(ValueError, match=words):
        take_all(Options, [argument])
