#!/usr/bin/env bash
# INTER_AREA averages the rows of a crop 128 pixels wide, and of one 127 wide it looks at two rows in four.
#
# With:   opencv-python-headless 5.0.0.93, pillow 13.0.0, numpy 2.4.6
# Does:   cv2.resize averages areas only if neither side grows. If one grows, both are interpolated between two pixels.
# Guess:  each side for itself: rows that shrink are averaged, columns that grow are interpolated.
# Seen:   to 128 x 256, the size of most networks. A shirt of rows drawn from 0 to 255, 1024 high: at most 1 grey value
#         from the average of each four rows if it is 128 or 300 wide; 113 away, and 38 in the mean, if it is 127.
#         Stripes of one row, black and white, are 128 at 128 columns and 191 at 127.
# Beside: a wide crop that is too low does the same to its columns: 250 x 1024 is averaged, 1024 x 250 is not. A crop
#         shrunk to 256 rows first and widened after: within 1. Pillow's BOX: within 1 at each width.
# Use:    two calls, the side that shrinks first; or Pillow. A crop of one to three, as detectors cut them, is enough.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import cv2
import numpy as np
from PIL import Image

rows = np.random.default_rng(0).integers(0, 256, 1024, dtype=np.uint8)
average = rows.reshape(256, 4).mean(axis=1)


def crop(width, values=rows):
    return np.repeat(values[:, None], width, axis=1)


def area(image, width=128, height=256):
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def away(resized):
    """Grey values from the average: the most, and in the mean."""
    error = np.abs(resized - average[:, None])
    return round(float(error.max())), round(float(error.mean()))


lying = np.ascontiguousarray(crop(250).T)
seen = {
    "128 wide": away(area(crop(128))),
    "300 wide": away(area(crop(300))),
    "127 wide": away(area(crop(127))),
    "lying, 250 high": away(area(lying, 256, 128).T),
    "lying, 100 high": away(area(lying[:100], 256, 128).T),
    "two calls": away(area(area(crop(127), 127, 256))),
    "Pillow": away(np.asarray(Image.fromarray(crop(127)).resize((128, 256), Image.Resampling.BOX), dtype=float)),
}
stripes = np.tile(np.uint8([0, 255]), 512)
greys = [int(area(crop(width, stripes))[128, 64]) for width in (128, 127)]
print(seen, greys)
same = all(most <= 1 for name, (most, _) in seen.items() if name not in ("127 wide", "lying, 100 high"))
same = same and min(seen["127 wide"][0], seen["lying, 100 high"][0]) > 100 and seen["127 wide"][1] > 30
sys.exit(0 if same and greys == [128, 191] else "changed; before: within 1, and above 100 where one side grows")
PYTHON
