#!/usr/bin/env bash
# A crop saved as JPEG with quality 100 is off by 77 of 255 grey values where a red shirt meets a blue belt.
#
# With:   pillow 13.0.0, opencv-python-headless 5.0.0.93, numpy 2.4.6
# Does:   both halve the resolution of the colors whatever the quality (4:2:0); a belt of 3 pixels mixes with what
#         stands above and below it. On crops of 64 x 128 clothes are few pixels wide.
# Guess:  at most 5 at quality 100.
# Seen:   largest error at quality 75, 95, 100: Pillow 82, 77, 77, OpenCV 77 at 100: quality does not help.
# Beside: with subsampling=0 it is 3 at quality 95 and 1 at quality 100.
# Use:    subsampling=0 (Pillow), IMWRITE_JPEG_SAMPLING_FACTOR 4:4:4 (OpenCV), or PNG.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys

import cv2
import numpy as np
from PIL import Image

crop = np.full((128, 64, 3), (200, 30, 30), dtype=np.uint8)
crop[61:64] = (30, 30, 200)


def largest_error(decoded):
    return int(np.abs(decoded.astype(int) - crop).max())


def by_pillow(**options):
    file = io.BytesIO()
    Image.fromarray(crop).save(file, "JPEG", **options)
    return largest_error(np.asarray(Image.open(file)))


def by_opencv(*options):
    _, file = cv2.imencode(".jpg", crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100, *options])
    return largest_error(cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1])


whole_color = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
seen = {
    "pillow": [by_pillow(quality=quality) for quality in (75, 95, 100)],
    "pillow, subsampling=0": [by_pillow(quality=quality, subsampling=0) for quality in (95, 100)],
    "opencv": [by_opencv(), by_opencv(*whole_color)],
}
expected = {"pillow": [82, 77, 77], "pillow, subsampling=0": [3, 1], "opencv": [77, 1]}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
