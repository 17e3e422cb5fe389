#!/usr/bin/env bash
# A person cut out with a transparent background has it back after convert("RGB"), unless the crop was resized before.
#
# With:   pillow 13.0.0, opencv-python-headless 5.0.0.93, numpy 2.4.6
# Does:   a PNG keeps the colours under transparent pixels; convert("RGB"), and OpenCV, drop the alpha and show them.
#         Pillow's resize weighs colours by their alpha: what is transparent comes out black.
# Guess:  transparent is white or black, and two steps that both look harmless may change places.
# Seen:   a crop whose background has alpha 0, 127 grey on the average: converted, the background is 127; converted and
#         resized 127; resized and converted 0. cv2.imread: 127.
# Beside: the same crop saved as lossless WebP is 0 in each order, unless exact=True; as lossy WebP 91, a smear of
#         what was there. NEAREST does not weigh: 127 in both orders.
# Use:    Image.composite over a colour of your own with getchannel("A"), before anything else; or store RGB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import cv2
import numpy as np
from PIL import Image

pixels = np.random.default_rng(0).integers(0, 256, (256, 128, 4), dtype=np.uint8)
pixels[..., 3] = 0
pixels[64:192, 32:96, 3] = 255  # the person
crop = Image.fromarray(pixels)
crop.save("crop.png")
crop.save("lossless.webp", lossless=True)
crop.save("exact.webp", lossless=True, exact=True)
crop.save("lossy.webp", quality=95)


def background(image):
    """Mean grey of the upper tenth, far from the person."""
    rows = np.asarray(image)
    return round(float(rows[: len(rows) // 10].mean()))


def orders(name, resampling=Image.Resampling.BILINEAR):
    """Converted; converted, then resized; resized, then converted."""
    opened = Image.open(name)
    rgb, size = opened.convert("RGB"), (64, 128)
    images = rgb, rgb.resize(size, resampling), opened.resize(size, resampling).convert("RGB")
    return [background(image) for image in images]


seen = {name: orders(name) for name in ("crop.png", "lossless.webp", "exact.webp", "lossy.webp")}
nearest = orders("crop.png", Image.Resampling.NEAREST)
opencv = background(cv2.imread("crop.png"))
print(seen, f"NEAREST {nearest}, OpenCV {opencv}")
same = all(120 < grey < 135 for grey in (*seen["crop.png"][:2], *seen["exact.webp"][:2], *nearest, opencv))
same = same and seen["crop.png"][2] == seen["exact.webp"][2] == 0 and seen["lossless.webp"] == [0, 0, 0]
same = same and min(seen["lossy.webp"][:2]) > 50 > seen["lossy.webp"][2]
sys.exit(0 if same else "changed; before: 127, 127, 0 from the PNG, 0 three times from the lossless WebP")
PYTHON
