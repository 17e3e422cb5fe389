"""Draw the embedded data set: rendered people, nobody real, in two domains.

    dien draw [root=data] [domain=both|day|night] [num_train_ids=210] [num_test_ids=60]
        [num_cameras=4] [images_per_camera=3] [height=128] [width=64] [seed=0] [workers=N]
        [contact_sheet=FILE.png] [sheet_ids=6] [sheet_images=12]

Writes ROOT/pedestrians_day and ROOT/pedestrians_night; a folder that holds the same already is left as it is.
`contact_sheet` draws one row per identity and domain from what was written.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from dien_lightning.checks import check_int
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
    contact_sheet: str | None = None
    sheet_ids: int = 6
    sheet_images: int = 12


def contact_sheet(folders: list[Path], num_ids: int, num_images: int) -> Image.Image:
    """The first training identities of each folder, one row each, cameras taking turns."""
    rows = []
    for folder in folders:
        by_pid: dict[str, list[Path]] = {}
        for path in sorted((folder / "bounding_box_train").iterdir(), key=lambda path: path.name.split("_")[2::-1]):
            by_pid.setdefault(path.name.split("_")[0], []).append(path)
        for pid in sorted(by_pid)[:num_ids]:
            rows.append([Image.open(path) for path in by_pid[pid][:num_images]])
    width, height = rows[0][0].size
    sheet = Image.new("RGB", (width * max(map(len, rows)), height * len(rows)))
    for r, row in enumerate(rows):
        for c, image in enumerate(row):
            sheet.paste(image, (c * width, r * height))
    return sheet


def main() -> None:
    """Draw what the command line asks for."""
    try:
        draw(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("interrupted: nothing half drawn is left behind")


def draw(arguments: list[str]) -> None:
    """Draw, and print what was written.

    Raises:
        ValueError: an argument that is unknown or cannot be drawn by.
    """
    options = take_all(Options, arguments)
    for name in ("sheet_ids", "sheet_images"):
        check_int(name, getattr(options, name), 1, "the sheet shows at least one")
    sheet = options.contact_sheet
    if sheet is not None and Path(sheet).suffix not in (".png", ".jpg"):
        raise ValueError(f"contact_sheet={sheet} is no image file; name it .png or .jpg.")
    domains = ("day", "night") if options.domain == "both" else (options.domain,)
    folders = [
        draw_pedestrians(
            Path(options.root, f"pedestrians_{name}"),
            name,
            num_train_ids=options.num_train_ids,
            num_test_ids=options.num_test_ids,
            num_cameras=options.num_cameras,
            images_per_camera=options.images_per_camera,
            image_size=(options.height, options.width),
            seed=options.seed,
            workers=options.workers,
        )
        for name in domains
    ]
    for folder in folders:
        print(folder)
    if sheet is not None:
        contact_sheet(folders, options.sheet_ids, options.sheet_images).save(sheet)
        print(sheet)
