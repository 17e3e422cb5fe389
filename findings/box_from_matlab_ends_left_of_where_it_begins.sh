#!/usr/bin/env bash
# Boxes that MATLAB saved as doubles come back as bytes, and x + width ends left of x.
#
# With:   scipy 1.17.1, numpy 2.4.6; a file that MATLAB 7.4 wrote is in scipy's wheel
# Does:   MATLAB writes a double matrix of small whole numbers in the smallest integers that hold them and notes that it
#         is double. loadmat takes the type on disk; whosmat names the other one. Sums of bytes wrap without a word.
# Guess:  float64, as in MATLAB, and x + width = 270.
# Seen:   MATLAB's own matrix is "double" to whosmat and uint8 to loadmat; the box [210, 40, 60, 150] ends at 14.
# Beside: one x of 300 anywhere in the matrix makes all of it uint16, and the same box ends at 270; 90.5
#         makes it float64. So some frames' boxes are right. A person's left edge less a margin, 5 - 10, is 251 or 65531.
# Use:    loadmat(..., mat_dtype=True).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PYTHON'
import pathlib
import struct
import sys

import numpy as np
import scipy.io

DOUBLE_CLASS = 6
ON_DISK = {"u1": 2, "<u2": 4, "<f8": 9}


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def save_as_matlab(path, name, matrix):
    """A level 5 file of one double matrix, its numbers in the smallest type that holds them."""
    kind = next(kind for kind in ON_DISK if np.array_equal(matrix.astype(kind), matrix))
    parts = [
        element(6, struct.pack("<II", DOUBLE_CLASS, 0)),
        element(5, struct.pack("<ii", *matrix.shape)),
        element(1, name.encode()),
        element(ON_DISK[kind], matrix.astype(kind).tobytes(order="F")),
    ]
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x0100, b"IM")
    pathlib.Path(path).write_bytes(head + element(14, b"".join(parts)))


def boxes(x):
    """The type, the right end of the first box and the second's left edge less a margin of 10."""
    save_as_matlab("boxes.mat", "boxes", np.array([[210, 40, 60, 150], [5, 30, 50, 120], [x, 30, 50, 120]]))
    assert scipy.io.whosmat("boxes.mat") == [("boxes", (3, 4), "double")]
    read = scipy.io.loadmat("boxes.mat")["boxes"]
    told = scipy.io.loadmat("boxes.mat", mat_dtype=True)["boxes"]
    assert told.dtype == float and told[0, 0] + told[0, 2] == 270
    return str(read.dtype), float((read[:, 0] + read[:, 2])[0]), float((read[:, 0] - 10)[1])


from_matlab = pathlib.Path(scipy.io.__file__).parent / "matlab/tests/data/testmatrix_7.4_GLNX86.mat"
seen = {
    "MATLAB 7.4": (scipy.io.whosmat(from_matlab)[0][2], str(scipy.io.loadmat(from_matlab)["testmatrix"].dtype)),
    "x up to 210": boxes(90),
    "one x of 300": boxes(300),
    "one x of 90.5": boxes(90.5),
}
expected = {
    "MATLAB 7.4": ("double", "uint8"),
    "x up to 210": ("uint8", 14.0, 251.0),
    "one x of 300": ("uint16", 270.0, 65531.0),
    "one x of 90.5": ("float64", 270.0, -5.0),
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
