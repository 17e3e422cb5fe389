"""Draws a share of a data set's identities: the whole of what a child process of `processes.py` does.

A plain child process instead of multiprocessing: it asks nothing of the caller's `__main__` (notebooks, `python -`,
scripts without a guard), inherits no threads, and imports no torch: numpy, Pillow and rich alone.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from .painter import draw_image, make_person

FAILED = 1
"""Exit code of a process that ended by a traceback."""


class Job(NamedTuple):
    """What to draw.

    Attributes:
        folder: the data set's folder; its three folders are there already.
        domain: "day" or "night".
        train_pids: identities for bounding_box_train.
        test_pids: identities for query and bounding_box_test.
        num_cameras: cameras.
        images_per_camera: images per identity and camera.
        height: pixels.
        width: pixels.
        seed: of the data set.
    """

    folder: str
    domain: str
    train_pids: list[int]
    test_pids: list[int]
    num_cameras: int
    images_per_camera: int
    height: int
    width: int
    seed: int


def image_name(pid: int, camera: int, shot: int) -> str:
    """A name as Market-1501 has them: identity, camera and sequence, frame, box."""
    return f"{pid:04d}_c{camera}s1_{25 * shot + 1:06d}_01.jpg"


def draw_identities(job: Job) -> Generator[int, None, None]:
    """Draw and write the job's images; yields the pid of each finished identity."""
    for pid in job.train_pids:
        yield _draw_identity(job, pid, is_test=False)
    for pid in job.test_pids:
        yield _draw_identity(job, pid, is_test=True)


def _draw_identity(job: Job, pid: int, is_test: bool) -> int:
    person = make_person(job.seed, job.domain, pid)
    for camera in range(1, job.num_cameras + 1):
        for shot in range(job.images_per_camera):
            pixels = draw_image(
                person,
                domain=job.domain,
                pid=pid,
                camera=camera,
                shot=shot,
                size=(job.height, job.width),
                seed=job.seed,
            )
            split = "bounding_box_train" if not is_test else "query" if shot == 0 else "bounding_box_test"
            Image.fromarray(pixels).save(Path(job.folder, split, image_name(pid, camera, shot)), quality=95)
    return pid


def main() -> None:
    """Read a job from stdin; print each identity's pid once it is drawn. The exit code is that of a system's error."""
    try:
        for pid in draw_identities(Job(**json.load(sys.stdin))):
            # One write a line, since all workers share the pipe. A parent that is gone closes it, which ends this one.
            os.write(sys.stdout.fileno(), b"%d\n" % pid)
    except OSError as error:
        if (error.errno or FAILED) == FAILED:
            raise
        sys.exit(error.errno)
