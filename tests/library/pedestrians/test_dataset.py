from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dien_lightning.pedestrians import dataset as pedestrians
from dien_lightning.pedestrians.dataset import SPLITS, draw_pedestrians

SMALL = {"num_train_ids": 3, "num_test_ids": 2, "num_cameras": 2, "images_per_camera": 2, "image_size": (64, 32)}


def draw(root: Path, domain: str = "day", **arguments) -> Path:
    return draw_pedestrians(root, domain, **{**SMALL, "workers": 1, "progress": False, **arguments})


def digest(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    return draw(tmp_path_factory.mktemp("data") / "pedestrians_day")


def test_layout_is_market_1501s(drawn):
    names = {split: sorted(path.name for path in (drawn / split).iterdir()) for split in SPLITS}
    assert [len(names[split]) for split in SPLITS] == [3 * 2 * 2, 2 * 2, 2 * 2]
    assert names["query"] == [f"000{pid}_c{camera}s1_000001_01.jpg" for pid in (4, 5) for camera in (1, 2)]
    train = {name[:4] for name in names["bounding_box_train"]}
    assert train.isdisjoint({name[:4] for name in names["query"]})
    assert not set(names["query"]) & set(names["bounding_box_test"])
    manifest = json.loads((drawn / "pedestrians.json").read_text())
    assert manifest["images"] == {split: len(names[split]) for split in SPLITS}


def test_images_are_what_was_asked_for(drawn):
    for path in (drawn / "query").iterdir():
        with Image.open(path) as image:
            assert (image.size, image.mode) == ((32, 64), "RGB")
            assert np.asarray(image).std() > 10


def test_bytes_do_not_depend_on_the_number_of_processes(drawn, tmp_path):
    assert digest(draw(tmp_path / "two", workers=2)) == digest(drawn)


def test_another_seed_or_domain_draws_other_people(drawn, tmp_path):
    other = digest(draw(tmp_path / "seed", seed=1))
    name = "query/0004_c1s1_000001_01.jpg"
    assert other[name] != digest(drawn)[name]
    night = draw(tmp_path / "night", "night")
    assert not {path.name for path in (night / "query").iterdir()} & {path.name for path in (drawn / "query").iterdir()}


def test_an_image_does_not_change_with_the_number_of_identities(drawn, tmp_path):
    more = digest(draw(tmp_path / "more", num_train_ids=1, num_test_ids=4))
    assert more["query/0004_c1s1_000001_01.jpg"] == digest(drawn)["query/0004_c1s1_000001_01.jpg"]


def test_what_is_drawn_already_is_left_alone(drawn):
    before = {path: path.stat().st_mtime_ns for path in drawn.rglob("*")}
    assert draw(drawn) == drawn
    assert {path: path.stat().st_mtime_ns for path in drawn.rglob("*")} == before


def test_other_arguments_are_refused(drawn):
    with pytest.raises(ValueError, match=r"drawn with other arguments \(num_cameras, seed\); remove it"):
        draw(drawn, num_cameras=3, seed=4)


def test_a_folder_of_something_else_is_refused_and_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ValueError, match="holds something else than drawn people; choose another folder"):
        draw(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "precious"
    with pytest.raises(ValueError, match="is a file where the folder"):
        draw(tmp_path / "mine.txt")


@pytest.mark.parametrize("arguments", [{}, {"seed": 4}])
def test_a_set_that_lacks_images_is_told_and_kept(drawn, tmp_path, arguments):
    damaged = shutil.copytree(drawn, tmp_path / "set")
    shutil.rmtree(damaged / "query")
    before = digest(damaged)
    with pytest.raises(ValueError, match=r"set/query holds 0 images where 4 were drawn; remove .*set to draw it anew"):
        draw(damaged, **arguments)
    assert digest(damaged) == before


def test_numbers_may_be_numpys(drawn, tmp_path):
    numbers = {name: np.int64(number) for name, number in SMALL.items() if name != "image_size"}
    asked = {**numbers, "image_size": tuple(np.array(SMALL["image_size"])), "seed": np.int64(0)}
    assert digest(draw(tmp_path / "set", workers=2, **asked)) == digest(drawn)


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "empty").mkdir()
    assert (draw(tmp_path / "empty") / "query").is_dir()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"domain": "dusk"}, "domain='dusk' is not allowed; choose one of day, night"),
        ({"num_train_ids": 0}, "num_train_ids=0 must be a whole number of at least 1"),
        ({"num_test_ids": -1}, "num_test_ids=-1 must be a whole number of at least 1"),
        ({"num_train_ids": 4999}, "more than the 4999 identities of a domain"),
        ({"num_cameras": 1}, "num_cameras=1 must be a whole number of at least 2"),
        ({"num_cameras": 10}, "num_cameras=10 is more than 9"),
        ({"images_per_camera": 1}, "images_per_camera=1 must be a whole number of at least 2"),
        ({"image_size": (63, 32)}, "image_size=63 x 32 must be two whole numbers of at least 64 x 32"),
        ({"image_size": (64, 31)}, "image_size=64 x 31 must be two whole numbers of at least 64 x 32"),
        ({"workers": 0}, "workers=0 must be a whole number of at least 1"),
        ({"seed": -1}, "seed=-1 must be a whole number of at least 0"),
    ],
)
def test_arguments_out_of_range(tmp_path, arguments, words):
    with pytest.raises(ValueError, match=words):
        draw(tmp_path / "set", **arguments)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch, workers):
    name = "draw_identities" if workers == 1 else "draw_in_processes"
    original = getattr(pedestrians, name)

    begun = []

    def interrupted(*arguments):
        begun.append(original(*arguments))  # kept alive, as a traceback would
        try:
            yield next(begun[0])
            raise KeyboardInterrupt
        finally:
            begun[0].close()

    monkeypatch.setattr(pedestrians, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        draw(tmp_path / "set", workers=workers)
    assert not any(tmp_path.iterdir())


def test_what_a_killed_run_left_is_replaced(tmp_path):
    stale = tmp_path / ".set.part"
    stale.mkdir()
    (stale / "half.jpg").write_bytes(b"")
    draw(tmp_path / "set")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert not list((tmp_path / "set").rglob("half.jpg"))


def test_ctrl_c_ends_the_workers_and_leaves_nothing(tmp_path):
    code = (
        # A process started in the background ignores Ctrl-C, and its children with it.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from dien_lightning.pedestrians import draw_pedestrians; "
        f"draw_pedestrians({str(tmp_path / 'set')!r}, 'day', num_train_ids=4000, workers=2)"
    )
    source = str(Path(pedestrians.__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": source},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 600
        while not list(tmp_path.glob(".set.part/query")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=600) != 0
    finally:
        process.kill()
        process.wait()
    assert not any(tmp_path.iterdir())
