from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from dien_lightning.experiments.reports import page
from dien_lightning.experiments.reports.demo_page import choices_table, demo_page, demo_table, headline
from dien_lightning.experiments.reports.page import Block, Section, render_page
from dien_lightning.experiments.reports.plots import Gallery, Plot
from dien_lightning.experiments.results import Results
from experiments.reports.finished_runs import write_record, write_run


def finished(folder):
    """Runs of Base, of DIEN and of self-training, which kept a cluster of two images and an outlier."""
    images = folder / "images"
    base = write_run(folder / "base", "r01_base", 0.246, control=0.46, images=images)
    dien = write_run(folder / "dien", "r07_full_t2", 0.7, images=images)
    second = write_run(folder / "second", "t3_self", 0.8, images=images)
    members = [{"path": str(path), "pid": 1, "camid": 0} for path in sorted(images.iterdir())[:3]]
    shown = {"shown": [members[:2]], "left_out": members[2:]}
    found = {"number": 1, "outliers": 1 / 3, "people": 1, "purity": 1.0, **shown}
    (second / "clusters.json").write_text(json.dumps(found))
    return [[Results.read(run)] for run in (base, dien, second)]


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    runs = finished(tmp_path_factory.mktemp("finished"))
    once, again = (demo_page(*runs) for _ in range(2))
    assert once == again
    return once


@pytest.fixture
def runs(tmp_path):
    return finished(tmp_path)


def test_the_page_carries_figures_curves_lists_and_what_repeats_them(html):
    for figure in (
        "24.6",
        "46.0",
        "70.0",
        "45.4 points over Base, 24.0 points over the control",
        "10.0 points over DIEN",
    ):
        assert figure in html
    for title in ("Identity loss", "Triplet loss", "Domain accuracy", "Embedding spread", "Target rank-1, %"):
        assert title in html
    for title in ("Fusion weights", "Each pass alone", "ablation=r01_base", "average_precision", "abc1234"):
        assert title in html
    assert html.count("<article") == 3
    assert html.count("5 of 10 right · first at 1<") == 3
    assert html.count("5 of 10 right · first at 2<") == 2 * 3
    assert html.count("<img") == 3 * (1 + 3 * 10) + 3


def test_right_images_are_marked_by_word_and_sign_and_not_only_by_color(html):
    assert html.count('<li class="right">') == html.count("✓</span></li>") == 3 * 15
    assert len(re.findall(r'alt="\d+: right, person \d+, camera \d+"', html)) == 3 * 15


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


def test_what_counts_is_said_by_the_runs_protocol(runs, html):
    counted = [[replace(run, protocol={**run.protocol, "same_camera": "keep"}) for run in own] for own in runs]
    for words, otherwise in (
        ("shows the same person from another camera.", "shows the same person."),
        ("own camera do not count and are left out.", "own camera count as any others."),
    ):
        assert words in html
        assert otherwise not in html
        assert words not in demo_page(*counted)
        assert otherwise in demo_page(*counted)


def test_the_headline_says_so_where_there_is_no_control(runs, tmp_path):
    base = Results.read(write_run(tmp_path / "plain", "r01_base", 0.2, images=tmp_path / "images"))
    tiles = headline([base], *runs[1:])
    assert tiles[1].value == "–"
    assert "control" not in tiles[2].note


def test_what_a_run_wrote_is_escaped(runs, tmp_path):
    path = runs[0][0].path
    content = json.loads(path.read_text())
    content["settings"]["data"]["source"] = "<script>alert(1)</script>"
    path.write_text(json.dumps(content))
    assert "<script" not in demo_page([Results.read(path)], *runs[1:])


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


def read(folder, row, *rank1, **options):
    return [Results.read(write_record(folder, row, value, seed=seed, **options)) for seed, value in enumerate(rank1)]


def test_four_rows_with_mean_and_spread_over_the_seeds(tmp_path):
    base = [*read(tmp_path, "r01_base", 0.2, control=0.4), *read(tmp_path, "r01_base", 0.2, 0.3, control=0.5)[1:]]
    table = demo_table(base, read(tmp_path, "r07_full_t2", 0.6, 0.6), read(tmp_path, "t3_self", 0.7, 0.7))
    labels = ["Base", "Base + target statistics", "DIEN (T = 2)", "DIEN + self-training"]
    assert [row.label for row in table.rows] == labels
    # spread of 0.2 and 0.3: root of 2 * 0.05 ** 2 = 0.0707; mAP is half of rank-1, mINP a quarter
    cells = ("25.0 ± 7.1", "40.0 ± 7.1", "45.0 ± 7.1", "12.5 ± 3.5", "6.2 ± 1.8", "80.0 ± 0.0", "40.0 ± 0.0")
    assert table.rows[0].cells == cells
    assert table.rows[1].cells[0] == "45.0 ± 7.1"
    assert [row.strong for row in table.rows] == [False, False, True, True]
    assert "seeds 0, 1" in table.caption
    assert table.groups() == [("Target", 5), ("Held-out source", 2)]


def test_the_choices_of_the_epoch_stand_side_by_side_and_the_oracle_is_named(html, tmp_path):
    base = read(tmp_path, "r01_base", 0.2)
    table = choices_table({"Base": base, "DIEN": read(tmp_path, "r07_full_t2", 0.5, 0.6)})
    labels = ["last epoch (the result)", "best by source mAP", "best by label-free score", "oracle: by target labels"]
    assert [row.label for row in table.rows] == labels
    assert all(label in html for label in labels)
    assert [row.strong for row in table.rows] == [True, False, False, False]
    assert table.groups() == [("Base", 3), ("DIEN", 3)]
    assert table.rows[0].cells == ("10", "20.0", "10.0", "10, 10", "55.0 ± 7.1", "27.5 ± 3.5")
    assert table.rows[3].cells == ("4", "22.0", "11.0", "4, 4", "57.0 ± 7.1", "28.5 ± 3.5")
    assert table.caption == "Which epoch's network, in percent, seeds 0, 1."
    content = json.loads(base[0].path.read_text())
    del content["checkpoints"]["label_free"]
    base[0].path.write_text(json.dumps(content))
    assert choices_table({"Base": [Results.read(base[0].path)]}).rows[2].cells == ("–", "–", "–")
    del content["checkpoints"]
    base[0].path.write_text(json.dumps(content))
    assert choices_table({"Base": [Results.read(base[0].path)]}) is None


def test_bad_rankings_are_told_in_one_sentence(runs):
    path = runs[0][0].path.with_name("rankings.json")
    path.write_text('{"queries": [{"path": "x"}]}')
    with pytest.raises(ValueError, match="is not a run's rankings: KeyError at 'pid'"):
        demo_page(*runs)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"rankings\.json is missing"):
        demo_page(*runs)
