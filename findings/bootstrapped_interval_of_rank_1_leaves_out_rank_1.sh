#!/usr/bin/env bash
# torchmetrics' BootStrapper gives retrieval an interval that the figure itself is not in.
#
# With:   torchmetrics 1.9.0, torch 2.14.1
# Does:   it resamples the rows of an update. A retrieval metric's rows are pairs of a query and a gallery image, so a
#         copy loses 37 % of each query's gallery, its matches among it, and keeps others twice; all queries stay.
# Guess:  queries are drawn with replacement: the mean is the figure, the spread that between queries.
# Seen:   100 queries, 50 gallery images. One match each: rank-1 is 0.43, its 95 % interval 0.24 to 0.36 (over queries
#         0.34 to 0.53). Four matches: 0.84, and 0.70 to 0.81.
# Beside: mAP with one match falls from 0.56 to 0.33 to 0.44; with four its middle is right by chance. Both of its ways to
#         draw (poisson, multinomial) do so.
# Use:    the metric's value for each query (aggregation=...), or a metric of one value a row, and resample these.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import torch
from torchmetrics.retrieval import RetrievalHitRate, RetrievalMAP
from torchmetrics.wrappers import BootStrapper

NUM_QUERIES, NUM_GALLERY = 100, 50
ENDS = torch.tensor([0.025, 0.975])
METRICS = {"rank-1": lambda: RetrievalHitRate(top_k=1), "mAP": RetrievalMAP}


def interval(matches, metric, strategy):
    """A figure, BootStrapper's interval of it, and the one over queries."""
    relevant = (torch.arange(NUM_GALLERY) < matches).expand(NUM_QUERIES, NUM_GALLERY)
    scores = torch.randn(NUM_QUERIES, NUM_GALLERY, generator=torch.Generator().manual_seed(0)) + 2.2 * relevant
    query = torch.arange(NUM_QUERIES)[:, None].expand(NUM_QUERIES, NUM_GALLERY)
    figure = metric()(scores.flatten(), relevant.flatten(), query.flatten()).item()
    torch.manual_seed(0)
    copies = BootStrapper(metric(), num_bootstraps=50, quantile=ENDS, sampling_strategy=strategy)
    copies.update(scores.flatten(), relevant.flatten(), indexes=query.flatten())
    rows = zip(scores, relevant, query, strict=True)
    of_queries = torch.stack([metric()(*row) for row in rows])
    draws = torch.stack([of_queries[torch.randint(NUM_QUERIES, (NUM_QUERIES,))].mean() for _ in range(1000)])
    return figure, copies.compute()["quantile"].tolist(), draws.quantile(ENDS).tolist()


outside = {}
for strategy in ("poisson", "multinomial"):
    for matches in (1, 4):
        for name, metric in METRICS.items():
            figure, (low, high), right = interval(matches, metric, strategy)
            outside[strategy, matches, name] = not low <= figure <= high
            assert right[0] <= figure <= right[1]
            print(
                f"{strategy}, {matches} matches: {name} {figure:.2f}, interval {low:.2f} to {high:.2f}, "
                f"over queries {right[0]:.2f} to {right[1]:.2f}"
            )
same = all(left == (key[1:] != (4, "mAP")) for key, left in outside.items())
sys.exit(0 if same else f"changed; before, all but mAP with four matches lay outside: {outside}")
PYTHON
