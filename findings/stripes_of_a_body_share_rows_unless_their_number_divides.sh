#!/usr/bin/env bash
# Adaptive pooling to 6 stripes gives each row of 24 to one stripe, and 4 of 16 rows to two.
#
# With:   torch 2.14.1
# Does:   stripe i of k covers the rows from floor(i n / k) to ceil((i + 1) n / k). Where k does not divide n, these
#         overlap: 16 rows (256 pixels at stride 16; PCB takes 384) are split 3, 4, 3, 3, 4, 3, which is 20.
# Guess:  each row belongs to one stripe, 2 or 3 rows each.
# Seen:   rows 2, 5, 10 and 13 of 16 lie in two stripes. On independent rows, neighbors that share one correlate at
#         0.29 (mean) and share a sixth of their maxima. Of 8 rows 4 are shared, of 14 also 4, of 12 and 24 none.
# Beside: torch.chunk(6) shares none, but gives 3, 3, 3, 3, 3, 1; chunk(7) gives 6 stripes, not 7, without a word.
# Use:    torch.tensor_split(features, 6, dim=2): 3, 3, 3, 3, 2, 2, none shared. Or a height that 6 divides.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PYTHON'
import sys

import torch
import torch.nn.functional as F

POOLS = (F.adaptive_avg_pool2d, F.adaptive_max_pool2d)


def rows_of_stripes(num_rows, pool):
    """For each of 6 stripes, the rows that move it: image i is 1 in row i alone."""
    images = torch.eye(num_rows).view(num_rows, 1, num_rows, 1)
    moved = pool(images, (6, 1))[:, 0, :, 0] > 0  # (rows, stripes)
    return [moved[:, stripe].nonzero().flatten().tolist() for stripe in range(6)]


def shared(num_rows):
    """The rows in two stripes, by mean and by maximum alike."""
    stripes = [rows_of_stripes(num_rows, pool) for pool in POOLS]
    assert stripes[0] == stripes[1]
    rows = [row for stripe in stripes[0] for row in stripe]
    return [row for row in range(num_rows) if rows.count(row) > 1]


features = torch.rand(100, 256, 16, 8, generator=torch.Generator().manual_seed(0))  # no row is like another
means, maxima = (pool(features, (6, 1))[..., 0] for pool in POOLS)  # (images, channels, stripes)
means = means - means.mean(0)
correlations = [F.cosine_similarity(means[..., i].flatten(), means[..., i + 1].flatten(), dim=0) for i in range(5)]
equal = [(maxima[..., i] == maxima[..., i + 1]).float().mean() for i in range(5)]
split = {
    "chunk(6)": [part.shape[2] for part in features.chunk(6, dim=2)],
    "chunk(7)": [part.shape[2] for part in features.chunk(7, dim=2)],
    "tensor_split(6)": [part.shape[2] for part in features.tensor_split(6, dim=2)],
}
seen = {num_rows: shared(num_rows) for num_rows in (24, 16, 14, 12, 8)}
print("rows of the six stripes:", rows_of_stripes(16, POOLS[0]))
print("in two stripes:", seen, "sizes:", split)
print("neighbors, correlation of means:", [round(value.item(), 2) for value in correlations])
print("neighbors, equal maxima:", [round(value.item(), 2) for value in equal])
same = seen == {24: [], 16: [2, 5, 10, 13], 14: [2, 4, 9, 11], 12: [], 8: [1, 2, 5, 6]}
same &= split == {
    "chunk(6)": [3, 3, 3, 3, 3, 1],
    "chunk(7)": [3, 3, 3, 3, 3, 1],
    "tensor_split(6)": [3, 3, 3, 3, 2, 2],
}
for i in range(5):  # stripes 2 and 3 meet at row 8 and share nothing
    same &= (abs(correlations[i] - 0.29) < 0.05 and abs(equal[i] - 0.17) < 0.02) == (i != 2)
sys.exit(0 if same else "changed; before, 4 of 16 rows lay in two stripes")
PYTHON
