"""Show a page on this machine where a crop finds the images of a store that look most like it.

dien serve store=DIR [checkpoint=FILE] [marks=DIR] [port=8765] [threads=N]

The page is at http://127.0.0.1:PORT, for browsers of this machine alone, and needs no internet. It shows images of the
store and nothing else. Yes and no below an image are kept in MARKS/marks.csv, with the crops that were asked with; left
out, MARKS is STORE.marks beside the store's folder. The network is the one that the store was embedded by; `checkpoint`
says where it lies now.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from dien_lightning.checks import amount, check_range
from dien_lightning.experiments.options import MISSING, take_all
from dien_lightning.experiments.serving.app import make_app
from dien_lightning.experiments.serving.service import Service
from dien_lightning.experiments.threads import use_threads
from dien_lightning.search.answers import network_of, open_store
from dien_lightning.search.marks import check_marks

HOST = "127.0.0.1"


@dataclass
class Options:
    """As in the lines above."""

    store: str = MISSING
    checkpoint: str | None = None
    marks: str | None = None
    port: int = 8765
    threads: int | None = None


class Server(uvicorn.Server):
    """Ends at the first Ctrl-C: nobody waits for an answer any more, and a mark is on disk before it is acknowledged.

    uvicorn's own way waits for every request and connection, and then Python for every thread that still searches.
    """

    def handle_exit(self, sig: int, frame: Any) -> None:
        print("ended; the marks that were kept stay.", file=sys.stderr, flush=True)
        os._exit(128 + signal.Signals(sig))


def main() -> None:
    """Open, say where, serve until Ctrl-C."""
    options = take_all(Options, sys.argv[1:])
    check_range("port", options.port, 1, 65535, include_high=True)
    use_threads(options.threads)
    service = open_service(options.store, options.checkpoint, options.marks)
    with listening(options.port) as listener:
        print(f"{amount(len(service.store), 'image')}: http://{HOST}:{options.port} (Ctrl-C ends it)", flush=True)
        Server(uvicorn.Config(make_app(service, hosts_at(options.port)), log_level="warning")).run([listener])


def listening(port: int) -> socket.socket:
    """A socket at that port of this machine, before anybody is sent there.

    Raises:
        OSError: it is taken, or not for everybody.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise OSError(f"port={port} cannot be had ({error.strerror}); name another.") from None
    return listener


def hosts_at(port: int) -> list[str]:
    """The names under which a browser asks for the page; of port 80 it says nothing.

    Example:
        >>> hosts_at(8765)
        ['127.0.0.1:8765', 'localhost:8765']
    """
    names = [HOST, "localhost"]
    return [f"{name}:{port}" for name in names] + (names if port == 80 else [])


def open_service(place: str, checkpoint: str | None = None, marks: str | None = None) -> Service:
    """What answers from a store.

    Raises:
        FileNotFoundError: there is no store.
        ValueError: it is none or empty, or its network is another; an address leaves open where marks go, or a file of
            another form lies there.
    """
    if "://" in place and not marks:
        raise ValueError(f"store={place} is an address; name a folder of this machine for the marks: marks=DIR.")
    store = open_store(place)
    folder = Path(marks or store.place.rstrip("/") + ".marks")
    check_marks(folder / "marks.csv")
    return Service(store, network_of(store.about, checkpoint), folder)
