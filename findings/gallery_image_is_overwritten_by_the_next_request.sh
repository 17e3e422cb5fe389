#!/usr/bin/env bash
# An image that OpenVINO has embedded is overwritten by the next one: the caller's own array changes.
#
# With:   openvino 2026.4.1, numpy 2.4.6
# Does:   network(image) does not copy the image but works in its memory. Where the batch or the size is open, as it is
#         after convert_model of a torch network, each request that is made later starts out with that memory as its
#         own, and copies the image that it is given into it.
# Guess:  an input is read and never written, and a request knows nothing of another.
# Seen:   a gallery image of ones, network(gallery); then a query of twos in a new request, or in an AsyncInferQueue:
#         the gallery image is all twos, and embedding it again gives the query's embedding, 2.0 for 1.0.
# Beside: network(query) leaves it alone. With all sizes fixed the request and the queue do, too, but
#         network(query, share_inputs=False), which asks for a copy, still copies into the gallery image.
# Use:    network(image, share_inputs=False) from the first call on, or the queue alone, or arrays that cannot be
#         written (image.flags.writeable = False), which are copied.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6
"$folder/venv/bin/pip" install --quiet --no-deps openvino==2026.4.1
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import openvino
from openvino import opset13

FIXED, OPEN = [1, 3, 16, 8], [-1, 3, 16, 8]


def new(shape):
    """A network whose embedding is the mean of an image."""
    images = opset13.parameter(shape, np.float32)
    mean = opset13.reduce_mean(images, np.array([1, 2, 3]), keep_dims=False)
    return openvino.compile_model(openvino.Model([mean], [images], "mean"), "CPU")


def image(value):
    return np.full(FIXED, value, dtype=np.float32)


def request(network, query):
    return network.create_infer_request().infer(query)[0]


def queue(network, query):
    jobs = openvino.AsyncInferQueue(network, 1)
    jobs.start_async(query)
    jobs.wait_all()


def call(network, query):
    return network(query)[0]


def call_with_copy(network, query):
    return network(query, share_inputs=False)[0]


def then(way, shape, **options):
    """The gallery image, its embedding, and both once a query has been embedded in another way."""
    network, gallery, query = new(shape), image(1), image(2)
    gallery.flags.writeable = options.pop("writeable", True)
    first = float(network(gallery, **options)[0][0])
    way(network, query)
    seen = float(gallery.mean())
    return first, seen, float(network(gallery)[0][0]), float(query.mean())


wrong, right = (1.0, 2.0, 2.0, 2.0), (1.0, 1.0, 1.0, 2.0)
expected = {
    ("open", request): wrong,
    ("open", queue): wrong,
    ("open", call): right,
    ("open", call_with_copy): wrong,
    ("fixed", request): right,
    ("fixed", queue): right,
    ("fixed", call): right,
    ("fixed", call_with_copy): wrong,
}
same = True
for (size, way), value in expected.items():
    seen = then(way, OPEN if size == "open" else FIXED)
    print(f"{size} size, then {way.__name__}: {seen}")
    same &= seen == value
for options in ({"share_inputs": False}, {"writeable": False}):
    seen = [then(way, OPEN, **options) for way in (request, queue, call, call_with_copy)]
    print(f"open size, {options}: {seen}")
    same &= seen == [right] * 4
sys.exit(0 if same else f"changed; before: {expected}")
PYTHON
