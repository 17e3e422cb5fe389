#!/usr/bin/env bash
# A query nobody in the gallery matches lowers mAP from 0.75 to 0.5 or not, by how "no match" is written down.
#
# With:   pytrec_eval-terrier 0.5.11, ir-measures 0.4.3, ranx 0.3.21, numpy 2.4.6
# Does:   a query with judgements, all 0, has an average precision of 0 and counts. One without judgements is left out.
# Guess:  no relevant image, no average precision: left out, as re-identification's protocols do.
# Seen:   average precisions 1 and 0.5, and a third query whose person is in no other camera. Each gallery image judged
#         0 or 1: mAP 0.5 from all three libraries. Only matches judged: 0.75 from all three.
# Beside: the third query with an empty dictionary: 0.75 (pytrec_eval), 0.5 (ir_measures, which asks pytrec_eval). And
#         a query for which the search returned nothing: left out by pytrec_eval, 1.0, and 0 in the others, 0.5.
# Use:    judgements of the queries that have a match, and the number of queries beside every mean.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pytrec_eval-terrier==0.5.11 ir-measures==0.4.3 ranx==0.3.21 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import ir_measures
import pytrec_eval
from ranx import Qrels, Run, evaluate

found = {query: {"first": 2.0, "second": 1.0} for query in ("a", "b", "alone")}
matches = {"a": {"first": 1}, "b": {"second": 1}}


def means(judged, ranked=found):
    """Of pytrec_eval, ir_measures and ranx."""
    each = pytrec_eval.RelevanceEvaluator(judged, {"map"}).evaluate(ranked)
    values = [sum(of["map"] for of in each.values()) / len(each)]
    values.append(ir_measures.calc_aggregate([ir_measures.AP], judged, ranked)[ir_measures.AP])
    if all(judged.values()):
        values.append(evaluate(Qrels(judged), Run(ranked), "map", make_comparable=True))
    return [round(float(value), 2) for value in values]


judged = {query: {image: matches.get(query, {}).get(image, 0) for image in images} for query, images in found.items()}
seen = {
    "all judged": means(judged),
    "matches judged": means(matches),
    "empty": means(matches | {"alone": {}}),
    "no answer": means(matches, {"a": found["a"]}),
}
expected = {"all judged": [0.5] * 3, "matches judged": [0.75] * 3, "empty": [0.75, 0.5], "no answer": [1.0, 0.5, 0.5]}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
