#!/usr/bin/env bash
# Which of two equally near images ranks first, and with it rank-1, depends on the processor under np.argsort.
#
# With:   numpy 2.4.6, on an x86 processor with AVX2 (without it the check says that it has changed)
# Does:   the default sort takes a network of vector instructions where there is one, which reorders equal values in a
#         row of four. Without them short rows are sorted by insertion, which keeps equal values as they stand.
#         torchreid, fast-reid and Roboflow's reid rank by this sort.
# Guess:  distances [1, 1, 0, 0] rank [2, 3, 0, 1], on every machine: so few are sorted by insertion.
# Seen:   [3, 2, 1, 0] with vector instructions, [2, 3, 0, 1] with those switched off.
# Beside: kind="stable" gives [2, 3, 0, 1] both times.
# Use:    kind="stable", and say how ties count.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6
cd "$folder"
cat > ranked.py <<'PYTHON'
import numpy as np

distances = np.array([1, 1, 0, 0], dtype=np.float32)
print(np.argsort(distances).tolist(), np.argsort(distances, kind="stable").tolist())
PYTHON
with=$("$folder/venv/bin/python" -W ignore ranked.py)
without=$(NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4 AVX512_ICL AVX512_SPR" "$folder/venv/bin/python" -W ignore ranked.py)
echo "default sort, stable sort: with vector instructions $with, without $without"
[ "$with" = "[3, 2, 1, 0] [2, 3, 0, 1]" ] && [ "$without" = "[2, 3, 0, 1] [2, 3, 0, 1]" ] || { echo changed; exit 1; }
