"""`dien serve` ends when it is told to."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys

import pytest

from dien_lightning.experiments.serve import hosts_at, listening, open_service
from dien_lightning.experiments.serving.app import make_app
from dien_lightning.network import fingerprint, save_network
from dien_lightning.search.marks import KeptMark, append_mark
from dien_lightning.search.store import Store
from library.network.networks import small
from library.search.galleries import vectors, write

WAITS = """
import time, uvicorn
from dien_lightning.experiments.serve import Server, listening
from starlette.applications import Starlette
from starlette.routing import Route

def search(request):  # in a thread of its own, as a search is
    print("searching", flush=True)
    time.sleep(120)

app = Starlette(routes=[Route("/", search)])
listener = listening(0)
print(listener.getsockname()[1], flush=True)
Server(uvicorn.Config(app, log_level="warning")).run([listener])
"""


def test_one_interrupt_ends_it_in_the_middle_of_a_search():
    command = [sys.executable, "-c", WAITS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", int(server.stdout.readline()))
            connection.request("GET", "/")
            assert server.stdout.readline() == "searching\n"
            server.send_signal(signal.SIGINT)
            assert server.wait(10) == 130
            assert server.stderr.read() == "ended; the marks that were kept stay.\n"
            connection.close()
        finally:
            server.kill()


def test_a_port_that_is_taken_is_told_before_anybody_is_sent_there():
    with listening(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port={port} cannot be had .*; name another"):
            listening(port)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["store=x", "port=70000"], "port=70000 is out of range; choose a number in [1, 65535]"),
        (["store=missing"], "store=missing is not there; make it with dien store create"),
        (["store=file.parquet"], "store=file.parquet is a file; make a store: dien store create"),
        (["store=s3://bucket/x"], "store=s3://bucket/x is an address; name a folder of this machine for the marks"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_sentence(words, said, tmp_path, dien, monkeypatch):
    (tmp_path / "file.parquet").touch()
    monkeypatch.chdir(tmp_path)
    assert said in dien("serve", *words, "threads=1").refusal()


def test_browsers_leave_port_80_out():
    app = make_app(None, hosts_at(80))
    for host in ("127.0.0.1", "localhost", "127.0.0.1:80"):
        headers = [(b"host", host.encode()), (b"origin", f"http://{host}".encode())]
        assert app.fault({"method": "POST", "headers": headers}) == ""
    assert make_app(None, hosts_at(8765)).fault({"method": "GET", "headers": [(b"host", b"127.0.0.1")]})


@pytest.fixture
def opened(tmp_path):
    """Opens the store `crops` by its network, from wherever it is named."""
    network = small(0)
    save_network(network, tmp_path / "network.safetensors")
    file = write(tmp_path / "g.parquet", vectors(2, width=16), fingerprint=fingerprint(network))
    Store.create(tmp_path / "crops", file.about).add(file)
    return lambda place, **how: open_service(place, str(tmp_path / "network.safetensors"), **how)


def test_marks_lie_beside_a_store_in_the_users_home(opened, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert opened("~/crops/").marks == tmp_path / "crops.marks"


def test_marks_of_another_form_are_refused_and_stay_as_they_are(opened, tmp_path):
    place, marks = str(tmp_path / "crops"), tmp_path / "marks" / "marks.csv"
    append_mark(marks, KeptMark("a.png", "b.jpg", "yes", 0.5, "f", "target"))
    opened(place, marks=str(marks.parent))
    of_a_spreadsheet = b"\xef\xbb\xbf" + marks.read_bytes()
    for content in (b"image_a,image_b,same\na.jpg,b.jpg,yes\n", b"\n", of_a_spreadsheet, b"\xff\x00"):
        marks.write_bytes(content)
        with pytest.raises(ValueError, match=r"marks\.csv is no file of the page's marks, .*; name another folder"):
            opened(place, marks=str(marks.parent))
        assert marks.read_bytes() == content
    marks.write_bytes(b"")  # nothing was kept yet
    opened(place, marks=str(marks.parent))
