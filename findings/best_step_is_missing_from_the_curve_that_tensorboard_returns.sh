#!/usr/bin/env bash
# Of 30,000 logged steps TensorBoard's EventAccumulator returns 10,000, the last among them and the best perhaps not.
#
# With:   tensorboard 2.21.0, numpy 2.4.6
# Does:   10,000 points of each curve are kept, by chance, and the last one always. The chance has a fixed seed: reading
#         again returns the same, and all curves of that length lose the same steps.
# Guess:  Scalars() is what was written, so its maximum is the best step, and names the checkpoint to take.
# Seen:   the best is step 15,001, at 1.0, in noise up to 0.9. Of what comes back the best is step 6,138. Of the last
#         10,000 steps, where training gets good, 3,333 are left.
# Beside: 10,000 steps come back whole: a trial run shows nothing. size_guidance={"scalars": 0} returns all 30,000.
# Use:    size_guidance={"scalars": 0} wherever a figure is read from events; or a CSV file beside them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorboard==2.21.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON' 2> log || { tail -3 log; exit 1; }
import sys

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

STEPS = 30_000


def written(steps, best):
    """A folder with a curve that is 1 at `best`, and else below 0.9."""
    folder = f"{steps}_{best}"
    writer = EventFileWriter(folder)
    for step, value in enumerate(np.random.default_rng(0).uniform(0, 0.9, steps)):
        point = Summary.Value(tag="mAP", simple_value=1.0 if step == best else float(value))
        writer.add_event(Event(step=step, wall_time=step, summary=Summary(value=[point])))
    writer.close()
    return folder


def read(folder, **options):
    events = EventAccumulator(folder, **options)
    events.Reload()
    return events.Scalars("mAP")


def best(points):
    return max(points, key=lambda point: point.value).step


kept = {point.step for point in read(written(STEPS, 0))}
lost = min(set(range(STEPS // 2, STEPS)) - kept)
curve = written(STEPS, lost)
seen = {
    "points": len(read(curve)),
    "last step": read(curve)[-1].step,
    "of the last 10,000": sum(step >= STEPS - 10_000 for step in kept),
    "best step": (lost, best(read(curve)), best(read(curve, size_guidance={"scalars": 0}))),
    "same steps": kept == {point.step for point in read(curve)},
    "points of 10,000": len(read(written(10_000, 0))),
}
print(seen)
same = seen["points"] == seen["points of 10,000"] == 10_000 and seen["last step"] == STEPS - 1 and seen["same steps"]
same = same and 3000 < seen["of the last 10,000"] < 3700
same = same and seen["best step"][1] != lost == seen["best step"][2]
sys.exit(0 if same else "changed; before, 10,000 of 30,000 points came back, without the best")
PYTHON
