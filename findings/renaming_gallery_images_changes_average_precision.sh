#!/usr/bin/env bash
# An average precision of 1.0 becomes 0.5 when two gallery images swap their names.
#
# With:   pytrec-eval-terrier 0.5.11 (what ir-measures 0.4.3 calls), ranx 0.3.21
# Does:   trec_eval keeps scores in single precision and ranks equal ones by name, the later letter first. Two scores
#         that differ by 1e-9 are equal to it. ranx keeps double precision, never looks at a name, and shuffles many
#         equal scores by an unstable sort.
# Guess:  equal scores stay in the order given, whatever the images are called; 1e-9 is a difference.
# Seen:   trec_eval: match "b" before "a" 1.0, match "a" before "b" 0.5, in either order, and still 0.5 with 1e-9 more.
# Beside: ranx: 1.0 for both names; of 40 equal scores the first in the list comes in at rank 21, the 26th at rank 5.
# Use:    say how ties count; give scores that are far enough apart for single precision.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytrec-eval-terrier==0.5.11 ranx==0.3.21 numba==0.68.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import pytrec_eval
from ranx import Qrels, Run, evaluate


def trec(match, scores):
    judged = {"query": {name: int(name == match) for name in scores}}
    return pytrec_eval.RelevanceEvaluator(judged, {"map"}).evaluate({"query": scores})["query"]["map"]


def ranx_rank(match, scores):
    reciprocal = evaluate(Qrels({"query": {match: 1}}), Run({"query": scores}), "mrr")
    return round(1 / float(reciprocal))


many = {f"image{number:02}": 0.5 for number in range(40)}
seen = {
    "trec, match b": [trec("b", {"a": 0.5, "b": 0.5}), trec("b", {"b": 0.5, "a": 0.5})],
    "trec, match a": [trec("a", {"a": 0.5, "b": 0.5}), trec("a", {"b": 0.5, "a": 0.5})],
    "trec, match a ahead by 1e-9": trec("a", {"a": 0.5 + 1e-9, "b": 0.5}),
    "ranx, first of two": [ranx_rank("a", {"a": 0.5, "b": 0.5}), ranx_rank("b", {"b": 0.5, "a": 0.5})],
    "ranx, 1st and 26th of 40": [ranx_rank("image00", many), ranx_rank("image25", many)],
}
expected = {
    "trec, match b": [1.0, 1.0],
    "trec, match a": [0.5, 0.5],
    "trec, match a ahead by 1e-9": 0.5,
    "ranx, first of two": [1, 1],
    "ranx, 1st and 26th of 40": [21, 5],
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
