#!/usr/bin/env bash
# One box of width 0, at the edge of the picture, and DeepSORT compares each person by the embedding of another.
#
# With:   deep-sort-realtime 1.3.2, scipy 1.17.1, numpy 2.4.6
# Does:   boxes without an area are taken out of the detections, but not their embeddings (nor `others`); the two lists
#         are then put together by place, and what is left over at the end is dropped.
# Guess:  a detection leaves with its embedding, or lists of two lengths are an error.
# Seen:   four people 15 pixels apart, tracked for five frames; in the sixth, a box of width 0 comes first. Tracks 1, 2
#         and 3 go to the second, third and fourth person, and the first one is track 5.
# Beside: the same box last in the list: nothing moves. People 200 pixels apart keep their tracks, by their boxes, and
#         tracks 2, 3 and 4 keep the embedding of another person among their own.
# Use:    boxes and embeddings filtered together before update_tracks.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet deep-sort-realtime==1.3.2 opencv-python==5.0.0.93 scipy==1.17.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
from deep_sort_realtime.deepsort_tracker import DeepSort

PEOPLE, FRAMES = 4, 6
embeddings = list(np.eye(PEOPLE + 1))


def tracks(gap, place):
    """The tracks of the four people, left to right, in the last two frames, and whose embeddings each track holds."""
    tracker = DeepSort(embedder=None, n_init=1)
    history = []
    for frame in range(FRAMES):
        boxes = [([100 + gap * person, 50, 30, 100], 0.9, "person") for person in range(PEOPLE)]
        of = embeddings[:PEOPLE]
        if frame == FRAMES - 1:
            boxes.insert(place, ([0, 50, 0, 100], 0.6, "person"))
            of.insert(place, embeddings[PEOPLE])
        found = [track for track in tracker.update_tracks(boxes, embeds=of) if track.time_since_update == 0]
        history.append([int(track.track_id) for track in sorted(found, key=lambda track: track.to_ltwh()[0])])
    samples = tracker.tracker.metric.samples
    held = {int(number): sorted({int(np.argmax(row)) + 1 for row in samples[number]}) for number in samples}
    return history[-2], history[-1], held


close, close_last, apart = tracks(15, 0), tracks(15, PEOPLE), tracks(200, 0)
print(f"15 pixels apart: {close[0]}, then {close[1]}; box last: {close_last[0]}, then {close_last[1]}")
print(f"200 pixels apart: {apart[0]}, then {apart[1]}; embeddings of people in each track: {apart[2]}")
as_before = [1, 2, 3, 4]
same = close[:2] == (as_before, [5, 1, 2, 3]) and close_last[:2] == (as_before, as_before)
same = same and apart[:2] == (as_before, as_before) and apart[2] == {1: [1, 5], 2: [1, 2], 3: [2, 3], 4: [3, 4]}
sys.exit(0 if same else "changed; before, tracks 1, 2, 3, 4 were 5, 1, 2, 3 of the same people")
PYTHON
