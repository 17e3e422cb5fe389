#!/usr/bin/env bash
# The frame that a number finds is not the one of that number in reading order, once a recording has a gap.
#
# With:   opencv-python-headless 5.0.0.93, av 18.1.0
# Does:   a camera under load leaves frames out, and the file tells by its times. OpenCV turns a number into a time by
#         the mean rate, as if no frame were missing, and stops there. Crops cut by the frame numbers of a tracker that
#         read in order show other people, or nobody. Nothing warns.
# Guess:  set(CAP_PROP_POS_FRAMES, n) and read() give what the n-th read() from the beginning gives.
# Seen:   200 frames at 25 a second without those from 60 to 99, sought by each of the 160 numbers: 79 others in MP4,
#         up to 20 frames away; 44 in Matroska, up to 40 away; 159 in an MPEG transport stream, as cameras record, up to
#         100 away. CAP_PROP_FRAME_COUNT is 200 in the last two, where 160 can be read.
# Beside: without a gap none, with or without frames that refer to later ones; CAP_PROP_POS_MSEC beside a frame read in
#         order is its time in all three.
# Use:    read in order; keep times (CAP_PROP_POS_MSEC, a frame's pts in PyAV) beside tracks, not numbers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 av==18.1.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - 2> /dev/null <<'PYTHON'
import sys
from fractions import Fraction

import av
import cv2
import numpy as np

GAP = range(60, 100)
MILLISECONDS = Fraction(1, 1000)


def draw(number):
    """A frame that shows its number as eight bars, black or white."""
    bars = [255 * (number >> bit & 1) for bit in range(8)]
    return np.repeat(np.tile(np.uint8(bars).repeat(32), (128, 1))[:, :, None], 3, axis=2)


def number_on(frame):
    return sum(1 << bit for bit in range(8) if frame[64, 32 * bit + 16].mean() > 127)


def record(path, gap, **options):
    """200 frames, 40 ms apart, but for those in the gap."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"crf": "10", **options})
        stream.width, stream.height, stream.pix_fmt = 256, 128, "yuv420p"
        stream.codec_context.time_base = MILLISECONDS
        for number in range(200):
            if number not in gap:
                frame = av.VideoFrame.from_ndarray(draw(number), format="rgb24")
                frame.pts, frame.time_base = 40 * number, MILLISECONDS
                file.mux(stream.encode(frame))
        file.mux(stream.encode())


def compare(path):
    """Frames that can be read, are said to be there, are others when sought, how far at most; whether times hold."""
    video = cv2.VideoCapture(path)
    said, in_order, times = int(video.get(cv2.CAP_PROP_FRAME_COUNT)), [], []
    while (there := video.read())[0]:
        in_order.append(number_on(there[1]))
        times.append(round(video.get(cv2.CAP_PROP_POS_MSEC)))
    away = []
    for number, expected in enumerate(in_order):
        video.set(cv2.CAP_PROP_POS_FRAMES, number)
        is_there, frame = video.read()
        if not is_there or number_on(frame) != expected:
            away.append(abs(number_on(frame) - expected) if is_there else 999)
    start = times[0]  # a transport stream need not begin at 0
    return len(in_order), said, len(away), max(away, default=0), times == [start + 40 * n for n in in_order]


found = {}
for kind in ("mp4", "mkv", "ts"):
    record(f"gap.{kind}", GAP)
    found[kind] = compare(f"gap.{kind}")
for name, options in (("whole", {}), ("whole, later references", {"bf": "3", "g": "50"})):
    record("whole.mp4", (), **options)
    found[name] = compare("whole.mp4")
print(found)
same = all(found[kind][2] > 30 for kind in ("mp4", "mkv", "ts")) and found["mkv"][:2] == (160, 200)
same = same and found["whole"] == found["whole, later references"] == (200, 200, 0, 0, True)
same = same and all(figures[-1] for figures in found.values())
sys.exit(0 if same else "changed; before: more than 30 others in each recording with a gap, none in those without")
PYTHON
