from __future__ import annotations

import json
import re

import pytest

from dien_lightning.experiments.reports import page
from dien_lightning.experiments.reports.demo_page import demo_page, headline
from dien_lightning.experiments.reports.page import Block, Section, render_page
from dien_lightning.experiments.reports.plots import Gallery, Plot
from dien_lightning.experiments.reports.records import read_run
from experiments.reports.finished_runs import write_run


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    base = write_run(folder / "base", "r01_base", 0.246, control=0.46, images=folder / "images")
    dien = write_run(folder / "dien", "r07_full_t2", 0.7, images=folder / "images")
    once, again = (demo_page([read_run(base)], [read_run(dien)]) for _ in range(2))
    assert once == again
    return once


@pytest.fixture
def runs(tmp_path):
    images = tmp_path / "images"
    base = write_run(tmp_path / "base", "r01_base", 0.246, control=0.46, images=images)
    dien = write_run(tmp_path / "dien", "r07_full_t2", 0.7, images=images)
    return [read_run(base)], [read_run(dien)]


def test_the_page_carries_figures_curves_lists_and_what_repeats_them(html):
    for figure in ("24.6", "46.0", "70.0", "45.4 points over Base, 24.0 points over the control"):
        assert figure in html
    for title in ("Identity loss", "Triplet loss", "Domain accuracy", "Embedding spread", "Target rank-1, %"):
        assert title in html
    for title in ("Fusion weights", "Each pass alone", "ablation=r01_base", "average_precision", "abc1234"):
        assert title in html
    assert html.count("<article") == 3
    assert html.count("5 of 10 right · first at 1<") == html.count("5 of 10 right · first at 2<") == 3
    assert html.count("<img") == 3 * (1 + 2 * 10)


def test_right_images_are_marked_by_word_and_sign_and_not_only_by_color(html):
    assert html.count('<li class="right">') == html.count("✓</span></li>") == 3 * 10
    assert len(re.findall(r'alt="\d+: right, person \d+, camera \d+"', html)) == 3 * 10


def test_the_page_loads_nothing_and_every_picture_has_words(html):
    assert not re.search(r'(src|href)="(?!data:|#)', html)
    assert "<script" not in html
    assert "@import" not in html
    assert "http" not in html
    assert len(html.encode()) < page.MOST_BYTES
    assert not re.search(r"<img(?![^>]*alt=\"[^\"]+\")", html)
    assert len(re.findall(r'<div class="plot" role="img" aria-label="[^"]+\d', html)) == html.count("<svg")
    assert all("scope=" in heading for heading in re.findall(r"<th\b[^>]*>", html))


def test_ids_are_not_used_twice(html):
    ids = re.findall(r'<(?!path|clipPath)\w+[^>]* id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_the_headline_says_so_where_there_is_no_control(runs, tmp_path):
    base = read_run(write_run(tmp_path / "plain", "r01_base", 0.2, images=tmp_path / "images"))
    tiles = headline([base], runs[1])
    assert tiles[1].value == "–"
    assert "control" not in tiles[2].note


def test_what_a_run_wrote_is_escaped(runs, tmp_path):
    path = runs[0][0].path
    content = json.loads(path.read_text())
    content["settings"]["data"]["source"] = "<script>alert(1)</script>"
    path.write_text(json.dumps(content))
    assert "<script" not in demo_page([read_run(path)], runs[1])


def test_a_moved_image_is_told(runs, tmp_path):
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match="is missing, but a run ranked it: put the data set back"):
        demo_page(*runs)


def test_a_torn_image_is_told(runs, tmp_path):
    for path in (tmp_path / "images").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(ValueError, match="cannot be read as an image"):
        demo_page(*runs)


def test_runs_on_other_data_are_told(runs, tmp_path):
    write_run(tmp_path / "dien", "r07_full_t2", 0.7, images=tmp_path / "other")
    with pytest.raises(ValueError, match=r"DIEN ranked no query .* its run was on other data"):
        demo_page(*runs)


def test_a_page_that_would_load_something_is_refused():
    with pytest.raises(ValueError, match=r"would load .* from elsewhere"):
        render_page("x", "y", [Section("z", [Block("gallery", Gallery("t", "c", (Plot('<svg href="//a.b">', "p"),)))])])


def test_a_page_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(page, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match=r"MB, more than 0\.001: show fewer queries"):
        render_page("x", "y", [])


def test_the_choices_of_the_epoch_stand_side_by_side(html):
    for words in ("Which epoch", "last epoch (the result)", "best by label-free score", "oracle: by target labels"):
        assert words in html
