"""A page on this machine, and the store that it searches."""

from __future__ import annotations

import threading

import pytest
import torch
import uvicorn

from browser import wait
from dien_lightning.data.listing import list_images
from dien_lightning.experiments.serve import listening, open_service
from dien_lightning.experiments.serving.app import make_app
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
    network.calibration = Calibration([0.01, 1.9], [2.0, -1.0], [1 / 400, 0.4], about)
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
    listener = listening(0)
    port = listener.getsockname()[1]
    app = make_app(open_service(str(place / "store")), [f"127.0.0.1:{port}"])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    wait(lambda: server.started)
    yield port
    server.should_exit = True
    thread.join()
