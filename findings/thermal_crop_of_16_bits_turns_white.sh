#!/usr/bin/env bash
# A grey picture of 16 bits, as thermal and depth cameras write it, is almost all white after Pillow's convert("RGB").
#
# With:   pillow 13.0.0, opencv-python-headless 5.0.0.93, numpy 2.4.6
# Does:   values above 255 become 255: the mode I;16 is clipped, not scaled. A loader that ends in convert("RGB") gets a
#         white crop, and a network one embedding for everybody.
# Guess:  scaled to 8 bits, as a color picture of 16 bits is.
# Seen:   eight steps from 0 to 65535: Pillow [0, 255, 255, 255, 255, 255, 255, 255].
# Beside: OpenCV's imread gives [0, 36, 73, 109, 146, 182, 219, 255]; so does Pillow itself for the same in color.
# Use:    numpy.asarray(image) // 256, or by the camera's range, before it becomes RGB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import cv2
import numpy as np
from PIL import Image

steps = np.linspace(0, 65535, 8).astype(np.uint16)[None]  # (1, 8)
cv2.imwrite("grey.png", steps)
cv2.imwrite("color.png", np.stack([steps] * 3, axis=-1))
seen = {
    "Pillow, grey": np.asarray(Image.open("grey.png").convert("RGB"))[0, :, 0].tolist(),
    "Pillow, color": np.asarray(Image.open("color.png").convert("RGB"))[0, :, 0].tolist(),
    "OpenCV, grey": cv2.imread("grey.png")[0, :, 0].tolist(),
}
even = [0, 36, 73, 109, 146, 182, 219, 255]
expected = {"Pillow, grey": [0] + [255] * 7, "Pillow, color": even, "OpenCV, grey": even}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
