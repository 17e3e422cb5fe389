#!/usr/bin/env bash
# RetrievalMAP(top_k=1) is 1.0 for a query that found one of its three matches; the field's mAP@1 is 0.333.
#
# With:   torchmetrics 1.9.0, torch 2.14.1, pytrec-eval-terrier 0.5.11, numpy 2.4.6
# Does:   the precisions are averaged over the matches among the first k, so what was missed past k costs nothing and a
#         smaller k gives a higher figure. trec_eval divides by all of a query's matches.
# Guess:  the sum of precisions up to k over the number of matches: 0.333, 0.333, 0.556, 0.806 for k = 1, 2, 3, 4.
# Seen:   torchmetrics 1.0, 1.0, 0.833, 0.806, trec_eval as guessed.
# Beside: RetrievalRecall(top_k=1) divides by all matches: 0.333. Two rules in one library.
# Use:    the whole list, or a figure's name with its denominator.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.14.1 torchvision==0.29.1 \
    pytrec-eval-terrier==0.5.11 numpy==2.4.6
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import pytrec_eval
import torch
from torchmetrics.retrieval import RetrievalMAP, RetrievalRecall

SIMILARITY, MATCH = [0.9, 0.8, 0.7, 0.6], [1, 0, 1, 1]
CUTS = (1, 2, 3, 4)
ranked = torch.tensor(SIMILARITY), torch.tensor(MATCH)
of_one_query = torch.zeros(4, dtype=torch.int64)


def of_torchmetrics(metric):
    return [round(metric(top_k=cut)(*ranked, indexes=of_one_query).item(), 3) for cut in CUTS]


judged = {"query": {f"image{number}": match for number, match in enumerate(MATCH)}}
run = {"query": {f"image{number}": similarity for number, similarity in enumerate(SIMILARITY)}}
trec = pytrec_eval.RelevanceEvaluator(judged, {"map_cut." + ",".join(map(str, CUTS))}).evaluate(run)["query"]
seen = {
    "torchmetrics": of_torchmetrics(RetrievalMAP),
    "trec_eval": [round(trec[f"map_cut_{cut}"], 3) for cut in CUTS],
    "recall, torchmetrics": of_torchmetrics(RetrievalRecall),
}
expected = {
    "torchmetrics": [1.0, 1.0, 0.833, 0.806],
    "trec_eval": [0.333, 0.333, 0.556, 0.806],
    "recall, torchmetrics": [0.333, 0.333, 0.667, 1.0],
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
