"""Files to features: the same in blocks, kept, and gone on with."""

from __future__ import annotations

import numpy as np
import pytest

from dien_lightning.rivals.umdl import StripFeatures, features
from library.data.folders import write_image


@pytest.fixture
def paths(tmp_path):
    return [str(write_image(tmp_path / f"{number}.jpg", number)) for number in range(7)]


@pytest.fixture
def strips():
    return StripFeatures((48, 40), width=3, fit_images=5)


def test_images_of_any_size_are_scaled_to_one(strips, paths, tmp_path):
    large = str(write_image(tmp_path / "large.jpg", 3, (200, 100)))
    assert strips.read([paths[0], large]).shape[0] == 2


def test_features_are_projected_strips_whatever_the_blocks(strips, paths, tmp_path, monkeypatch):
    whole = strips.embed(paths[:5], paths, tmp_path / "whole", "print")
    projection = strips.fit(paths[:5])
    assert whole == pytest.approx((strips.read(paths) - projection.mean) @ projection.components.T, abs=1e-5)
    assert whole.shape == (7, 3)
    assert projection.components @ projection.components.T == pytest.approx(np.eye(3), abs=1e-5)
    monkeypatch.setattr(features, "_BLOCK", 3)
    assert strips.embed(paths[:5], paths, tmp_path / "blocks", "print") == pytest.approx(whole, abs=1e-5)
    assert len(list((tmp_path / "blocks").glob("features_*.npz"))) == 3


def test_blocks_that_are_there_are_not_computed_again(strips, paths, tmp_path, monkeypatch):
    monkeypatch.setattr(features, "_BLOCK", 3)
    told = []
    whole = strips.embed(paths[:5], paths, tmp_path / "kept", "print", told.append)
    assert told == [3, 6, 7]
    (tmp_path / "kept" / "features_0001.npz").unlink()
    read = []
    monkeypatch.setattr(
        StripFeatures, "read", lambda self, own, read_=StripFeatures.read: read.append(own) or read_(self, own)
    )
    assert (strips.embed(paths[:5], paths, tmp_path / "kept", "print", told.append) == whole).all()
    assert read == [paths[3:6]]
    assert told == [3, 6, 7, 6]  # nobody is told of what was there


def test_components_are_of_drawn_training_images_alone(paths):
    few, all_of_them = StripFeatures((48, 40), fit_images=4), StripFeatures((48, 40))
    assert few.fit(paths).components.shape[0] == 4
    assert all_of_them.fit(paths).components.shape[0] == 7  # no more than there are images


def test_features_of_another_run_are_refused(strips, paths, tmp_path):
    strips.embed(paths[:5], paths, tmp_path, "one")
    with pytest.raises(ValueError, match=r"projection\.npz is of a run with other images or settings"):
        strips.embed(paths[:5], paths, tmp_path, "another")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 0}, "width=0 must be a whole number of at least 1"),
        ({"fit_images": 1}, "fit_images=1 must be a whole number of at least 2; components need a spread"),
        ({"image_size": (32, 16)}, "image_size=32 x 16 must be two whole numbers of at least 40 x 40"),
    ],
)
def test_numbers_out_of_range_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        StripFeatures(**{"image_size": (64, 48), **options})
