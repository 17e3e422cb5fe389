"""One evaluation: what its sets are, and what a flip does."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from dien_lightning import DIEN
from dien_lightning.retrieval import Protocol
from dien_lightning.training.evaluation import Evaluation
from dien_lightning.types import Sample


def network(attention_loops: int = 1) -> DIEN:
    torch.manual_seed(0)
    return DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=attention_loops).eval()


def batch(images: torch.Tensor) -> Sample:
    """Two people, each a query in camera 0 and a gallery image in camera 1."""
    number = torch.arange(4)
    return Sample(images, number // 2, number % 2, number, number % 2 == 0)


@torch.no_grad()
def evaluated(images: torch.Tensor, **options: bool) -> Evaluation:
    evaluation = Evaluation(network(), ["target", "source"], Protocol(), **options)
    for name in ("target", "source"):
        evaluation.update(batch(images), name, "source")
    return evaluation


@pytest.mark.parametrize(
    ("loops", "names", "each_pass", "expected"),
    [
        (1, ["target", "source"], False, ["target", "source"]),
        (1, ["target", "source"], True, ["target", "source", "pass0", "pass1"]),
        (0, ["target", "source"], True, ["target", "source"]),
        (1, ["source"], True, ["source"]),
    ],
)
def test_passes_are_ranked_for_the_target_of_a_network_that_has_some(loops, names, each_pass, expected):
    assert list(Evaluation(network(loops), names, Protocol(), each_pass=each_pass).metrics) == expected


def test_every_set_and_pass_is_ranked_over_its_own_images():
    images = torch.randn(4, 3, 64, 32)
    evaluation = evaluated(images, each_pass=True)
    with torch.no_grad():
        output = network()(images, "source")
    expected = {"target": output.embedding, "pass0": output.steps[:, 0], "pass1": output.steps[:, 1]}
    for name, embedding in expected.items():
        torch.testing.assert_close(evaluation.metrics[name].gather().query, normalize(embedding[::2], dim=1))
    assert set(evaluation.compute()) == {"target", "source", "pass0", "pass1"}
    assert evaluation.images_per_second > 0


def test_a_flip_changes_nothing_for_images_that_are_their_own_mirror_image():
    half = torch.randn(4, 3, 64, 16)
    images = torch.cat([half, half.flip(-1)], dim=-1)
    plain, flipped = (evaluated(images, each_pass=True, flip=flip) for flip in (False, True))
    for name in ("target", "pass0", "pass1"):
        sets = [evaluation.metrics[name].gather() for evaluation in (plain, flipped)]
        torch.testing.assert_close(sets[0].query, sets[1].query)


def test_an_image_and_its_mirror_image_embed_alike_with_a_flip():
    images = torch.randn(4, 3, 64, 32)
    sets = [evaluated(each, flip=True).metrics["target"].gather() for each in (images, images.flip(-1))]
    torch.testing.assert_close(sets[0].gallery, sets[1].gallery)
