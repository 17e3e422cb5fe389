"""The search page in a real browser, and its server against who should not ask."""

from __future__ import annotations

import csv
import http.client
import io
import json
import socket
import threading
import time
from urllib.parse import urlencode

import pytest
import torch
import uvicorn
from PIL import Image

from browser import CHROMIUM, Browser, wait
from dien_lightning.calibration import read_marks
from dien_lightning.data.listing import list_images
from dien_lightning.experiments.serve import open_service
from dien_lightning.experiments.serving import service as serving
from dien_lightning.experiments.serving.app import MOST_BYTES, make_app
from dien_lightning.network import Calibration, fingerprint, save_network
from dien_lightning.search import embed_files
from dien_lightning.search.store import Store
from library.data.folders import write_image
from library.network.networks import small


@pytest.fixture(scope="module")
def place(module_folder):
    """A store of eight crops of two cameras, by a calibrated network with two passes; and a port."""
    network = small(2, moved=True)
    about = {"fingerprint": fingerprint(network), "domain": "source", "pairs_of_people": 400}
    network.calibration = Calibration([0.0, 1.9], [2.0, -1.0], [1 / 400, 0.4], about)
    save_network(network, module_folder / "network.safetensors")
    for i in range(8):
        write_image(module_folder / "crops" / f"cam{i % 2}" / f"{i}.png", seed=i, size=(64, 32))
    images = list_images(module_folder / "crops", camera_pattern=r"cam(\d)", time_pattern=r"/(\d)\.")
    told = {"checkpoint": str(module_folder / "network.safetensors")}
    run = {"accelerator": "cpu", "devices": 1, "enable_progress_bar": False}
    file = embed_files(network, images, module_folder / "crops.parquet", told=told, **run)
    Store.create(module_folder / "store", file.about).add(file)
    return module_folder


@pytest.fixture(scope="module")
def port(place):
    """Where the page is."""
    torch.set_num_threads(1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = make_app(open_service(str(place / "store")), [f"127.0.0.1:{port}"])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join()


def ask(port, method, path, body=None, **headers):
    """Status, content and headers."""
    headers = {"Host": f"127.0.0.1:{port}", "Origin": f"http://127.0.0.1:{port}"} | headers
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items() if value})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, answer.headers


def crop(place, number=3):
    return (place / "crops" / f"cam{number % 2}" / f"{number}.png").read_bytes()


def search(port, content, query=""):
    status, content, _ = ask(port, "POST", f"/search{query}", content)
    return status, json.loads(content)


def test_an_upload_finds_images_and_their_pictures(port, place):
    status, found = search(port, crop(place), "?top=3&camera=1&after=2&before=7")
    assert status == 200
    assert [hit["name"] for hit in found["hits"]] == ["3.png", "5.png"]
    first = found["hits"][0]
    assert (first["distance"], first["camera"], first["time"]) == (0.0, "1", "3")
    assert first["says"] == "fewer than 1 in 400 strangers looks this alike, if another camera took it"
    status, picture, headers = ask(port, "GET", f"/image/{first['number']}", Origin="")
    assert (status, Image.open(io.BytesIO(picture)).size) == (200, (32, 64))
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert {hit["camera"] for hit in search(port, crop(place), "?query_camera=1")[1]["hits"]} == {"0"}


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
    ],
    ids=range(9),
)
def test_what_is_no_crop_is_refused_in_one_sentence(content, query, words, port):
    status, said = search(port, content, query)
    assert status == 400
    assert words in said["error"]


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
    assert kept[:2] == [0.0, pytest.approx(found["hits"][1]["distance"], abs=1e-3)]
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


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
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
        browser.press("c")
        wait(lambda: "Taken back." in browser.run("document.getElementById('said').textContent"))
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
