"""`dien serve` ends when it is told to."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys

import pytest

from browser import wait
from dien_lightning.experiments.serve import listening

WAITS = """
import time, uvicorn
from dien_lightning.experiments.serve import Server
from starlette.applications import Starlette
from starlette.routing import Route

def search(request):  # in a thread of its own, as a search is
    print("searching", flush=True)
    time.sleep(120)

app = Starlette(routes=[Route("/", search)])
Server(uvicorn.Config(app, port={port}, log_level="warning")).run()
"""


def test_one_interrupt_ends_it_in_the_middle_of_a_search():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", WAITS.format(port=port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            wait(lambda: connects(connection), 60)
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


def connects(connection):
    try:
        connection.connect()
    except ConnectionRefusedError:
        return False
    return True
