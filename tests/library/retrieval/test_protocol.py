from __future__ import annotations

import json
from dataclasses import fields

import pytest

from dien_lightning import Protocol
from dien_lightning.retrieval.protocol import _CHOICES


def test_every_choice_is_described_in_plain_values_and_changes_the_sentence():
    variants = {Protocol(**{name: choice}) for name, choices in _CHOICES.items() for choice in choices}
    assert len({variant.sentence() for variant in variants}) == len(variants)
    for variant in variants:
        described = json.loads(json.dumps(variant.describe()))
        assert Protocol(**{f.name: described[f.name] for f in fields(Protocol) if f.name in described}) == variant


def test_todays_default_is_what_older_records_say():
    recorded = {"distance": "euclidean", "ties": "non-match first", "junk": "drop", "same_camera": "drop"}
    recorded |= {"queries": "valid", "average_precision": "step"}
    assert {name: Protocol().describe()[name] for name in recorded} == recorded


def test_draws_are_said_and_checked():
    assert Protocol(draws=10, seed=3).describe()["seed"] == 3
    assert "seed" not in Protocol().describe()
    assert "mean of 10 galleries of one image per person and camera, seed 3" in Protocol(draws=10, seed=3).sentence()
    assert "of 10 images per person and camera" in Protocol(draws=10, shots=10).sentence()
    assert "shots" not in Protocol().describe()
    with pytest.raises(ValueError, match="shots=10 is of drawn galleries, and draws=0 ranks the whole one; give"):
        Protocol(shots=10)
    with pytest.raises(ValueError, match="draws=-1 must be a whole number of at least 0"):
        Protocol(draws=-1)
    with pytest.raises(ValueError, match="draws=10 draws galleries, and search='leave_one_out' ranks all images"):
        Protocol(draws=10, search="leave_one_out")


@pytest.mark.parametrize("name", _CHOICES)
def test_unknown_names_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}='nonsense' is not a protocol; choose one of "):
        Protocol(**{name: "nonsense"})
