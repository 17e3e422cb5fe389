"""The search page's server: its answers, and what it refuses to whoever should not ask."""

from __future__ import annotations

import csv
import io
from urllib.parse import urlencode

import pytest
from PIL import Image

from dien_lightning.calibration import read_marks
from dien_lightning.experiments.serving import service as serving
from dien_lightning.experiments.serving.app import MOST_BYTES
from experiments.serving.asking import ask, crop, search

NEARLY_0 = pytest.approx(0, abs=1e-3)
"""A crop's distance to itself: processors round a batch of one otherwise than a batch of eight."""


def test_an_upload_finds_images_and_their_pictures(port, place):
    status, found = search(port, crop(place), "?top=3&camera=1&after=2&before=7")
    assert status == 200
    assert [hit["name"] for hit in found["hits"]] == ["3.png", "5.png"]
    first = found["hits"][0]
    assert (first["distance"], first["camera"], first["time"]) == (NEARLY_0, "1", "3")
    assert first["says"] == "at most 1 in 400 strangers looks this alike, if another camera took it"
    status, picture, headers = ask(port, "GET", f"/image/{first['number']}", Origin="")
    assert (status, Image.open(io.BytesIO(picture)).size) == (200, (32, 64))
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert {hit["camera"] for hit in search(port, crop(place), "?query_camera=1")[1]["hits"]} == {"0"}
    assert len(search(port, crop(place), "?camera=0&camera=1")[1]["hits"]) == 8


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"Host": "evil.example"}),  # a name that was made to lead here
        ("GET", {"Host": "127.0.0.1"}),
        ("POST", {"Origin": "http://evil.example"}),
        ("POST", {"Origin": ""}),
        ("GET", {"Origin": "null"}),
        ("GET", {"Origin": "", "Sec_Fetch_Site": "cross-site"}),
    ],
)
def test_other_hosts_requests_are_refused(method, headers, port, place):
    for path in ("/search", "/mark?query=a&number=0&same=yes") if method == "POST" else ("/", "/about", "/image/0"):
        status, content, _ = ask(port, method, path, crop(place) if method == "POST" else None, **headers)
        assert status == 403
        assert content.decode().endswith(("alone.", "ask this."))


def encoded(size, kind="PNG"):
    content = io.BytesIO()
    Image.new("RGB", size).save(content, kind)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "query", "words"),
    [
        (b"no image", "", "cannot be read as an image (cannot identify image file)"),
        (encoded((8, 16), "EPS"), "", "cannot be read as an image"),
        (encoded((64, 32)), "", "is 64 wide and 32 high: a frame, or two people side by side"),
        (encoded((8, 16))[:50], "", "cannot be read as an image"),
        (encoded((4000, 8000)), "", "it has 32,000,000 pixels, and 20,000,000 are allowed"),
        (bytes(MOST_BYTES + 1), "", "has more than 10 MB; send one crop"),
        (encoded((8, 16)), "?after=noon", "'noon' is no time"),
        (encoded((8, 16)), "?same_camera=all", "same_camera='all' is not allowed"),
        (encoded((8, 16)), "?top=many", "top='many' must be a whole number"),
        (encoded((8, 16)), "?camera=", "names no camera; leave it out"),
    ],
    ids=range(10),
)
def test_what_is_no_crop_is_refused_in_one_sentence(content, query, words, port):
    status, said = search(port, content, query)
    assert status == 400
    assert words in said["error"]


def test_an_upload_is_opened_as_the_formats_that_are_allowed_alone(monkeypatch):
    opened, tried = Image.open, []

    def noted(file, mode="r", formats=None):
        tried.append(formats)
        return opened(file, mode, formats)

    monkeypatch.setattr(Image, "open", noted)
    assert serving.open_upload(encoded((8, 16))).size == (8, 16)
    assert set(tried) == {serving.FORMATS}


@pytest.mark.parametrize("path", ["/image/8", "/image/-1", "/image/..%2f..%2fnetwork.safetensors", "/crops/cam0/0.png"])
def test_nothing_but_the_stores_images_is_shown(path, port):
    assert ask(port, "GET", path)[0] == 404


def test_marks_are_kept_and_taken_back(port, place):
    _, found = search(port, crop(place, 2), "?top=3")
    key, numbers = found["query"], [hit["number"] for hit in found["hits"]]
    for number, same in ((numbers[0], "yes"), (numbers[1], "no"), (numbers[2], "yes"), (numbers[2], "none")):
        assert ask(port, "POST", f"/mark?query={key}&number={number}&same={same}")[0] == 200
    assert ask(port, "POST", f"/mark?query={key}&number={numbers[0]}&same=maybe")[0] == 400
    assert ask(port, "POST", f"/mark?query=other&number={numbers[0]}&same=yes")[0] == 404
    marks = [mark for mark in read_marks(place / "store.marks" / "marks.csv") if key in mark.image_a]
    assert [mark.same for mark in marks] == [True, False]
    with (place / "store.marks" / "marks.csv").open() as file:
        kept = [float(row["distance"]) for row in csv.DictReader(file) if key in row["query"]]
    assert kept[:2] == [NEARLY_0, pytest.approx(found["hits"][1]["distance"], abs=1e-3)]
    assert [hit["same"] for hit in search(port, crop(place, 2), "?top=4")[1]["hits"]] == ["yes", "no", "", ""]
    with Image.open(marks[0].image_a) as picture:
        assert picture.size == (32, 64)


def test_queries_are_forgotten_in_time(port, place, monkeypatch):
    monkeypatch.setattr(serving, "_KEPT", 1)
    _, first = search(port, crop(place, 0))
    search(port, crop(place, 1))
    assert ask(port, "GET", f"/why?query={first['query']}&number=0")[0] == 404


def test_one_crop_told_of_two_cameras_keeps_each_ones_marks(port, place):
    content, keys = crop(place, 5), []
    for camera in ("0", "1"):
        keys.append(search(port, content, f"?query_camera={camera}")[1]["query"])
    for key in keys:
        path = f"/mark?{urlencode({'query': key, 'number': 6, 'same': 'no'})}"
        assert ask(port, "POST", path)[0] == 200
    with (place / "store.marks" / "marks.csv").open() as file:
        rows = list(csv.DictReader(file))[-2:]
    assert [row["query_camera"] for row in rows] == ["0", "1"]
    assert rows[0]["query"] == rows[1]["query"]  # one picture, so that the later mark of a pair holds
