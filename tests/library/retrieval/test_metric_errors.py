"""What `RetrievalMetric` does not take."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dien_lightning import RetrievalMetric


def test_shapes_are_checked():
    with pytest.raises(
        ValueError, match=r"index has shape \(1,\), and there are 2 embeddings; give one for each image"
    ):
        RetrievalMetric().update(torch.zeros(2, 3), *(torch.zeros(n, dtype=torch.bool) for n in (2, 2, 2, 1)))
    with pytest.raises(ValueError, match=r"is_query holds torch\.int64 and must be boolean; update takes embed"):
        RetrievalMetric().update(torch.zeros(2, 3), *(torch.arange(2) for _ in range(4)))
    with pytest.raises(ValueError, match="max_rank=0 must be a whole number of at least 1"):
        RetrievalMetric(max_rank=0)
    metric, labels = RetrievalMetric(), (torch.arange(2), torch.arange(2), torch.tensor([True, False]), torch.arange(2))
    metric.update(torch.zeros(2, 3), *labels)
    with pytest.raises(ValueError, match="This batch's embeddings are 4 wide, and those before it 3; take all from"):
        metric.update(torch.zeros(2, 4), *labels)


def test_labels_are_whole_numbers():
    embedding, is_query = torch.zeros(3, 2), torch.tensor([True, False, False])
    for pids in ([7.2, 7.9, 8.0], [7.0, float("nan"), 7.0], [7.0, float("inf"), 7.0]):
        with pytest.raises(ValueError, match="pid holds numbers that are not whole; identities and cameras are"):
            RetrievalMetric().update(embedding, torch.tensor(pids), torch.zeros(3), is_query, torch.arange(3))
    with pytest.raises(ValueError, match=r"pid holds numbers of 2\*\*63 or more, or below -2\*\*63; number"):
        RetrievalMetric().update(embedding, torch.tensor([2**63, 1, 2], dtype=torch.uint64), *[is_query] * 3)
    metric = RetrievalMetric()
    bytes_ = torch.arange(3, dtype=torch.uint8)
    metric.update(embedding, torch.tensor([7.0, 7, 8]), torch.tensor([0.0, 1, 1]), is_query, bytes_)
    assert metric.gather().gallery_pids.tolist() == [7, 8]
    assert metric.gather().gallery_tracklets.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("embedding", "words"),
    [
        (np.zeros((3, 2)), "not a ndarray; torch.as_tensor makes a tensor of an array"),
        (torch.zeros(3), r"not torch\.float32 of shape \(3,\)"),
        (torch.zeros(3, 0), r"not torch\.float32 of shape \(3, 0\)"),
        (torch.zeros(3, 2, dtype=torch.complex64), r"not torch\.complex64 of shape \(3, 2\)"),
    ],
)
def test_what_is_no_embedding_is_told(embedding, words):
    with pytest.raises(ValueError, match=rf"embedding must be a floating-point tensor .*, {words}"):
        RetrievalMetric().update(embedding, [7, 8, 7], [0, 1, 1], [True, False, False], [0, 1, 2])


def test_labels_may_be_arrays_and_lists():
    metric = RetrievalMetric()
    labels = np.array([7, 8, 7]), [0, 1, 1], np.array([True, False, False]), [0, 1, 2]
    metric.update(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), *labels, clothes=np.zeros(3, dtype=np.int64))
    assert metric.compute().mAP == 1
    with pytest.raises(ValueError, match="is_query cannot be read as numbers"):
        metric.update(torch.zeros(1, 2), [7], [0], ["yes"], [3])
    with pytest.raises(ValueError, match=r"clothes has shape \(2,\), and there are 1 embeddings"):
        metric.update(torch.zeros(1, 2), [7], [0], [True], [3], clothes=[1, 2])


def test_a_protocol_is_no_name():
    with pytest.raises(
        TypeError, match=r"protocol='default' is no Protocol; make one of its rules, such as Protocol\("
    ):
        RetrievalMetric(protocol="default")
