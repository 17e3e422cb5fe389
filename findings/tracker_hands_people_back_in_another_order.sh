#!/usr/bin/env bash
# ByteTrack returns the people of a frame in its own order, so that embeddings beside the boxes get others' tracks.
#
# With:   trackers 2.6.1, supervision 0.31.2, numpy 2.4.6
# Does:   update returns other rows than it was given: first those that its first matching found, track by track, then
#         the faint and the new ones. What Detections carries in data moves along, what lies beside it does not.
# Guess:  the same rows in the same order, each with a track.
# Seen:   6 people, 20 frames, in drawn order: all 120 come back, 93 in another row than they went in. An embedding at
#         its old row is another person's.
# Beside: SORT of the same package: 0. OC-SORT 82, BoT-SORT and C-BIoU 93, ByteTrack with sure detections alone 96. If
#         each frame lists its people in one order, ByteTrack keeps it (0), until one is faint for ten frames: 54.
# Use:    embeddings and names of crops in Detections.data, or a row number there; never zip.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet trackers==2.6.1 supervision==0.31.2 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import supervision
import trackers

PEOPLE, FRAMES = 6, 20


def moved(tracker, drawn=True, sure=False, faint=()):
    """How many people come back in another row than they were given in."""
    draw = np.random.default_rng(0)
    count = 0
    for frame in range(FRAMES):
        order = draw.permutation(PEOPLE) if drawn else np.arange(PEOPLE)
        scores = draw.uniform(0.3, 0.95, PEOPLE) if not sure else np.full(PEOPLE, 0.9)
        scores[[row for row in faint if frame > FRAMES // 2]] = 0.4
        left = 100.0 * order + frame
        given = supervision.Detections(
            xyxy=np.stack([left, np.full(PEOPLE, 10.0), left + 40, np.full(PEOPLE, 110.0)], axis=1),
            confidence=scores,
            class_id=np.zeros(PEOPLE, dtype=int),
            data={"person": order.copy()},
        )
        back = tracker.update(given)
        assert (back.xyxy[:, 0] == 100.0 * back.data["person"] + frame).all() and len(back) == PEOPLE
        count += int((back.data["person"] != order).sum())
    return count


KINDS = ("SORTTracker", "ByteTrackTracker", "OCSORTTracker", "BoTSORTTracker", "CBIoUTracker")
seen = {kind: moved(getattr(trackers, kind)()) for kind in KINDS}
byte = trackers.ByteTrackTracker
beside = {
    "sure": moved(byte(), sure=True),
    "by place": moved(byte(), drawn=False, sure=True),
    "by place, one faint": moved(byte(), drawn=False, sure=True, faint=[0]),
}
print(f"of {PEOPLE * FRAMES}: {seen}", f"ByteTrack: {beside}", sep="\n")
same = seen.pop("SORTTracker") == 0 and min(seen.values()) > 60 and beside["sure"] > 60
same &= beside["by place"] == 0 and beside["by place, one faint"] > 20
sys.exit(0 if same else "changed; before, SORT kept the order and the others moved most of them")
PYTHON
