"""What a folder is, and how near it comes."""

from __future__ import annotations

import shutil

import pytest

from dien_lightning.data.reading import recognize
from library.data.folders import write_image, write_market


@pytest.fixture
def market(tmp_path):
    return write_market(tmp_path / "market1501")


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


@pytest.mark.parametrize("deep", ["bundle", "Market-1501-v15.09.15", "x/bundle", "x/Market-1501-v15.09.15"])
def test_recognition_looks_two_folders_deeper(tmp_path, deep):
    write_market(tmp_path / deep)
    (tmp_path / "__MACOSX").mkdir()
    assert recognize(tmp_path)[0][0].name == "market1501"


def test_what_every_set_has_is_no_nearness(tmp_path):
    for seed, split in enumerate(("train", "test", "query")):
        write_image(tmp_path / split / "1.jpg", seed)
    assert recognize(tmp_path) == ([], [])


def test_recognition_says_how_near_a_folder_came(market):
    shutil.rmtree(market / "query")
    complete, partial = recognize(market)
    assert complete == []
    assert partial[0].missing == ("query/",)


def test_a_folder_of_something_else_has_no_layout(tmp_path):
    write_image(tmp_path / "a.jpg")
    assert recognize(tmp_path) == ([], [])
