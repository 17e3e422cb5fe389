"""Draw the embedded data set: rendered people, nobody real, in two domains.

    python scripts/make_pedestrians.py [root=data] [domain=both|day|night] [num_train_ids=210] [num_test_ids=60]
        [num_cameras=4] [images_per_camera=3] [height=128] [width=64] [seed=0] [workers=N]
        [contact_sheet=FILE.png] [sheet_ids=6] [sheet_images=12]

Writes ROOT/pedestrians_day and ROOT/pedestrians_night; a folder that holds the same already is left as it is.
`contact_sheet` draws one row per identity and domain from what was written.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from PIL import Image

from command import run, typed
from dien_lightning.data.pedestrians import draw_pedestrians

DEFAULTS: dict[str, Any] = {
    "root": "data",
    "domain": "both",
    "num_train_ids": 210,
    "num_test_ids": 60,
    "num_cameras": 4,
    "images_per_camera": 3,
    "height": 128,
    "width": 64,
    "seed": 0,
    "workers": None,
    "contact_sheet": None,
    "sheet_ids": 6,
    "sheet_images": 12,
}


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
    given = OmegaConf.to_container(OmegaConf.from_cli(arguments))
    assert isinstance(given, dict)
    unknown = [str(key) for key in given if key not in DEFAULTS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not an argument; choose from {', '.join(DEFAULTS)}.")
    paths = {name: text for name, text in typed(arguments).items() if name in ("root", "contact_sheet")}
    options = {**DEFAULTS, **given, **paths}
    for name, value in options.items():
        if name in ("root", "domain", "contact_sheet") or (name == "workers" and value is None):
            continue
        if not isinstance(value, int) or (name.startswith("sheet_") and value < 1):
            raise ValueError(
                f"{name}={value!r} is not a number to draw by; give a whole one, such as {DEFAULTS[name] or 2}."
            )
    if options["contact_sheet"] is not None and Path(str(options["contact_sheet"])).suffix not in (".png", ".jpg"):
        raise ValueError(f"contact_sheet={options['contact_sheet']} is no image file; name it .png or .jpg.")
    root, domain, sheet = Path(options.pop("root")), options.pop("domain"), options.pop("contact_sheet")
    sheet_ids, sheet_images = options.pop("sheet_ids"), options.pop("sheet_images")
    options["image_size"] = (options.pop("height"), options.pop("width"))
    domains = ("day", "night") if domain == "both" else (domain,)
    folders = [draw_pedestrians(root / f"pedestrians_{name}", name, **options) for name in domains]
    for folder in folders:
        print(folder)
    if sheet is not None:
        contact_sheet(folders, sheet_ids, sheet_images).save(sheet)
        print(sheet)


if __name__ == "__main__":
    run(main)
