"""The search page in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from browser import CHROMIUM, Browser, wait
from dien_lightning.calibration import read_marks
from dien_lightning.experiments import serving
from dien_lightning.experiments.serving.app import MOST_BYTES
from experiments.serving.asking import crop, search

CARDS = "[...document.querySelectorAll('#hits li')].map((li) => li.className).join()"
LATE = """
const now = window.fetch;
let searches = 0;
window.fetch = async (path, options) => {
  const answer = await now(path, options);
  if (path.startsWith("/search") && !searches++) await new Promise((go) => { window.comeLate = go; });
  return answer;
};
"""
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")


@NEEDS_CHROMIUM
def test_in_a_browser_by_keyboard_and_at_phone_width(port, place, tmp_path):
    browser = Browser(f"http://127.0.0.1:{port}/")
    try:
        wait(lambda: "8 images, 2 cameras" in browser.run("document.getElementById('about').textContent"))
        assert "Looks alike, not is." in browser.run("document.querySelector('footer').textContent")
        browser.choose("#file", place / "crops" / "cam0" / "4.png")
        wait(lambda: browser.run("document.querySelectorAll('#hits li').length") == 8)
        wait(lambda: browser.run("[...document.querySelectorAll('#hits img')].every((i) => i.naturalWidth)"))
        first = browser.run("document.querySelector('#hits li').textContent")
        assert "1. distance 0.000" in first
        says = search(port, crop(place, 4))[1]["hits"][0]["says"]  # at the calibration's edge, where processors differ
        assert says.endswith(" strangers looks this alike, if another camera took it")
        assert says in first
        browser.run("document.getElementById('search').focus()")
        for key in "jjy":  # the first, the second, the same person
            browser.press(key)
        wait(lambda: browser.run("document.querySelectorAll('#hits li')[1].className") == "yes")
        wait(lambda: "Kept: the same person." in browser.run("document.getElementById('said').textContent"))
        assert read_marks(place / "store.marks" / "marks.csv")[-1].same
        browser.run("document.getElementById('ask').requestSubmit()")  # what was said is to be seen again
        wait(lambda: browser.run(CARDS) == ",yes,,,,,,")
        number = (place / "store.marks" / "marks.csv").read_text().count("\n")
        browser.run("document.getElementById('search').focus()")
        for key in "jcjc":  # of the first nothing was said
            browser.press(key)
        wait(lambda: "Taken back." in browser.run("document.getElementById('said').textContent"))
        assert (place / "store.marks" / "marks.csv").read_text().count("\n") == number + 1
        browser.press("w")
        wait(lambda: browser.run("document.querySelectorAll('#hits li:nth-child(2) .why img').length") == 4)
        browser.run("document.getElementById('camera').options[1].selected = true")
        browser.run("document.getElementById('ask').requestSubmit()")
        wait(lambda: browser.run("document.querySelectorAll('#hits li').length") == 4)
        browser.run("document.getElementById('query-camera').value = '1'")
        browser.choose("#file", place / "crops" / "cam0" / "2.png")
        wait(lambda: browser.run("document.getElementById('query').alt").endswith("2.png"))
        assert browser.run("document.getElementById('query-camera').value") == ""  # it was the last crop's
        for name, size in (("large.png", MOST_BYTES + 1), ("torn.png", 9)):
            (tmp_path / name).write_bytes(bytes(size))
        browser.choose("#file", tmp_path / "large.png")
        wait(lambda: "more than 10 MB" in browser.run("document.getElementById('said').textContent"))
        browser.choose("#file", tmp_path / "torn.png")
        wait(lambda: "cannot be read as an image" in browser.run("document.getElementById('said').textContent"))
        browser.resize(360)
        assert browser.run("document.documentElement.scrollWidth") <= 360
        assert (
            browser.run("getComputedStyle(document.getElementById('ask')).gridTemplateColumns.split(' ').length") == 1
        )
    finally:
        browser.close()


@NEEDS_CHROMIUM
def test_an_answer_that_comes_late_is_not_shown_under_another_crop(port, place):
    browser = Browser(f"http://127.0.0.1:{port}/")
    try:
        wait(lambda: "8 images" in browser.run("document.getElementById('about').textContent"))
        browser.run(LATE)
        browser.choose("#file", place / "crops" / "cam0" / "4.png")
        wait(lambda: browser.run("typeof window.comeLate") == "function")
        browser.choose("#file", place / "crops" / "cam1" / "5.png")
        wait(lambda: browser.run(CARDS) == ",,,,,,,")
        shown = "[...document.querySelectorAll('#hits img')].map((each) => each.alt).join()"
        before = browser.run(shown)
        assert "distance 0.000, camera 1, 5, 5.png" in before
        browser.run("window.comeLate(), new Promise((done) => setTimeout(done, 100))")
        assert browser.run(shown) == before
        browser.run("document.getElementById('query-camera').value = '0'")
        browser.run("document.getElementById('camera').options[0].selected = true")
        browser.run("document.getElementById('ask').requestSubmit()")
        said = "No image from another camera passes the filters."
        wait(lambda: browser.run("document.getElementById('said').textContent") == said)
    finally:
        browser.close()


def luminance(color):
    """Of #rrggbb, as WCAG 2 has it."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


@pytest.mark.parametrize(("scheme", "page"), [(0, "#ffffff"), (1, "#121212")])  # what a browser paints below
def test_words_stand_out_in_light_and_in_dark(scheme, page):
    rules = re.findall(r":root \{[^}]*\}", (Path(serving.__file__).parent / "page" / "page.css").read_text())
    colors = dict(re.findall(r"--(\w+): (#\w{6});", rules[scheme]))
    for name in ("quiet", "no"):
        low, high = sorted((luminance(colors[name]), luminance(page)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, name
