"""What DIEN refuses, by the argument's name."""

from __future__ import annotations

import pytest

from dien_lightning.network import DIEN
from library.network.networks import images


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"attention_loops": -1}, r"attention_loops=-1 must be a whole number of at least 0; 0 switches the attention"),
        ({"embedding_dim": 0}, r"embedding_dim=0 must be a whole number of at least 1; the paper uses 2048\."),
        ({"attention_stage": 5}, r"attention_stage=5 is not allowed; choose one of 1, 2, 3, 4\."),
        ({"attention_update": "add"}, r"attention_update='add' is not allowed; choose one of refocus, accumulate\."),
        ({"attention_stride": 0}, r"attention_stride=0 must be a whole number of at least 1; 1 is a value for each"),
        ({"statistics": "camera"}, r"statistics='camera' is not allowed; choose one of domain_and_pass, joint\."),
        ({"synchronize": "off"}, r"synchronize='off' must be true or false"),
        ({"batch_norm_size": 1}, r"batch_norm_size=1 must be a whole number of at least 2; None \(null\) is the whole"),
        ({"last_stride": 3}, r"last_stride=3 is not allowed; choose one of 1, 2\."),
        (
            {"pooling": "max"},
            r"pooling='max' is not allowed; choose one of average_and_max, .*, local_max\.",
        ),
        ({"final_norm": 1}, r"final_norm=1 must be true or false"),
        ({"image_size": (64, 16)}, r"image_size=64 x 16 must be two whole numbers of at least 64 x 32\."),
        (
            {"backbone": "alexnet"},
            r"backbone='alexnet' is unknown; choose one of resnet18, resnet34, resnet50, resnet101, mobilenet_v2\.",
        ),
    ],
)
def test_errors_name_the_argument(argument, words):
    with pytest.raises(ValueError, match=words):
        DIEN(**({"backbone": "resnet18", "weights": None} | argument))


def test_errors_of_forward_and_of_what_takes_a_domain(moved):
    with pytest.raises(ValueError, match=r"image_size=63 x 32 must be two whole numbers of at least 64 x 32\."):
        moved(images(1, 63, 32))
    for call in (moved.gathered, lambda domain: moved(images(1), domain), lambda d: moved.gather_statistics([], d)):
        with pytest.raises(ValueError, match=r"domain='both' is not allowed; choose one of source, target\."):
            call("both")
