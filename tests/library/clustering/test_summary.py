from __future__ import annotations

import pytest
import torch
from sklearn.metrics import adjusted_mutual_info_score

from dien_lightning.clustering import summarize_clusters


def test_by_hand():
    labels, camids = torch.tensor([0, 0, 0, 0, 1, 1, -1, -1]), torch.tensor([1, 1, 2, 2, 1, 2, 1, 1])
    before = torch.tensor([5, 5, 5, 3, 3, 3, 3, -1])
    found = summarize_clusters(labels, before, camids)
    assert (found.outliers, found.clusters, found.sizes.tolist(), found.largest) == (0.25, 2, [4, 2], 4 / 6)
    assert found.agreement == pytest.approx(adjusted_mutual_info_score([5, 5, 5, 3, 3, 3], [0, 0, 0, 0, 1, 1]))
    assert found.same_camera == 2 / 7  # of 6 + 1 pairs, the two within cluster 0
    assert found.chance == 6 / 15  # three images of each camera


def test_the_same_clusters_by_other_names_agree():
    labels = torch.tensor([0, 0, 1, 1, 2, 2, -1])
    assert summarize_clusters(labels, before=(labels + 1) % 4).agreement == pytest.approx(1)
    assert summarize_clusters(labels).agreement is None
    assert summarize_clusters(labels, before=torch.full((7,), -1)).agreement is None


def test_nobody_in_any_cluster():
    found = summarize_clusters(torch.full((3,), -1), camids=torch.tensor([1, 1, 2]))
    assert (found.outliers, found.clusters, found.largest, found.same_camera, found.chance) == (1, 0, 0, None, None)


def test_no_image_is_refused():
    with pytest.raises(ValueError, match="labels is empty; a summary needs at least one image"):
        summarize_clusters(torch.zeros(0, dtype=torch.long))
