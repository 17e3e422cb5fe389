"""What drawing one image costs on one core: `python benchmarks/drawing.py [ids=20] [height=128] [width=64]`.

CPU time, so that other programs count little; the median over images. For scale: writing the image and reading it back.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import io
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

from dien_lightning.pedestrians.painter import draw_image, make_camera, make_person


class Stopwatch:
    """CPU milliseconds by name."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time a block."""
        start = time.process_time()
        yield
        self.times[name].append(1000 * (time.process_time() - start))


def measure(domain: str, num_ids: int, size: tuple[int, int]) -> dict[str, float]:
    """Median milliseconds of each step."""
    watch = Stopwatch()
    for camera in (1, 2, 3, 4):
        make_camera(0, domain, camera)  # once per process, not per image
    for pid in range(num_ids):
        with watch.timed("identity"):
            person = make_person(0, domain, pid)
        for camera in (1, 2, 3, 4):
            with watch.timed("image"):
                pixels = draw_image(person, domain=domain, pid=pid, camera=camera, shot=0, size=size, seed=0)
            file = io.BytesIO()
            with watch.timed("write"):
                Image.fromarray(pixels).save(file, "JPEG", quality=95)
            with watch.timed("read"):
                np.asarray(Image.open(file))
    return {name: float(np.median(times)) for name, times in watch.times.items()}


def main(arguments: list[str]) -> None:
    """Print a line per domain."""
    given = {"ids": 20, "height": 128, "width": 64}
    given.update((name, int(value)) for name, value in (argument.split("=", 1) for argument in arguments))
    size = (given["height"], given["width"])
    print("domain  size        image ms  identity ms  write ms  read ms")
    for domain in ("day", "night"):
        times = measure(domain, given["ids"], size)
        print(
            f"{domain:6}  {size[0]:3} x {size[1]:3}  {times['image']:8.1f}  {times['identity']:11.1f}  "
            f"{times['write']:8.2f}  {times['read']:7.2f}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
