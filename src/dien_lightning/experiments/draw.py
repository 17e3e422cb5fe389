"""Draw the embedded data set: rendered people, nobody real, in two domains.

dien draw [root=data] [domain=both|day|night] [num_train_ids=210] [num_test_ids=60] [num_cameras=4]
    [images_per_camera=3] [height=128] [width=64] [seed=0] [workers=N]

Writes ROOT/pedestrians_day and ROOT/pedestrians_night; a folder that holds the same already is left as it is.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from dien_lightning.experiments.options import take_all
from dien_lightning.pedestrians import draw_pedestrians


@dataclass
class Options:
    """As in the lines above."""

    root: str = "data"
    domain: str = "both"
    num_train_ids: int = 210
    num_test_ids: int = 60
    num_cameras: int = 4
    images_per_camera: int = 3
    height: int = 128
    width: int = 64
    seed: int = 0
    workers: int | None = None


def main() -> None:
    """Draw what the command line asks for, and print what was written."""
    given = asdict(take_all(Options, sys.argv[1:]))
    root, domain, size = given.pop("root"), given.pop("domain"), (given.pop("height"), given.pop("width"))
    for name in ("day", "night") if domain == "both" else (domain,):
        print(draw_pedestrians(Path(root, f"pedestrians_{name}"), name, image_size=size, **given))
