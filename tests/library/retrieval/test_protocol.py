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
        assert Protocol(**{field.name: described[field.name] for field in fields(Protocol)}) == variant


def test_todays_default_is_what_older_records_say():
    recorded = {"distance": "euclidean", "ties": "non-match first", "junk": "drop", "same_camera": "drop"}
    recorded |= {"queries": "valid", "average_precision": "step"}
    assert {name: Protocol().describe()[name] for name in recorded} == recorded


@pytest.mark.parametrize("name", _CHOICES)
def test_unknown_names_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}='nonsense' is not a protocol; choose one of "):
        Protocol(**{name: "nonsense"})
