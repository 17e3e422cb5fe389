from __future__ import annotations

import json

import pytest

from dien_lightning.retrieval.protocol import Protocol


def test_description_is_plain():
    described = Protocol(single_gallery_shot=True, repeats=3, seed=5).describe()
    assert json.loads(json.dumps(described)) == described
    assert (described["repeats"], described["seed"]) == (3, 5)
    assert "seed" not in Protocol().describe()


def test_each_variant_changes_the_sentence():
    variants = [
        Protocol(),
        Protocol(junk="distractor"),
        Protocol(same_camera="keep"),
        Protocol(queries="all"),
        Protocol(average_precision="trapezoid"),
        Protocol(single_gallery_shot=True),
        Protocol(single_gallery_shot=True, seed=1),
    ]
    assert len({variant.sentence() for variant in variants}) == len(variants)


@pytest.mark.parametrize("name", ["junk", "same_camera", "queries", "average_precision"])
def test_unknown_names_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}='nonsense' is not a protocol; choose one of "):
        Protocol(**{name: "nonsense"})


def test_no_draws_are_refused():
    with pytest.raises(ValueError, match="repeats=0 must be a whole number of at least 1"):
        Protocol(repeats=0)
