"""Files that a killed run goes on from."""

from __future__ import annotations

import numpy as np
import pytest

from dien_lightning.rivals.umdl.kept import load, load_progress, save


def test_what_was_kept_is_read_back_to_the_bit(tmp_path):
    arrays = {"one": np.random.default_rng(0).normal(size=(3, 2)), "two": np.float32([1.5])}
    save(tmp_path / "new" / "kept.npz", arrays, "print")
    found = load(tmp_path / "new" / "kept.npz", "print")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found[name] == array).all()
        assert found[name].dtype == array.dtype
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["kept.npz"]


def test_what_is_not_there_is_none(tmp_path):
    assert load(tmp_path / "kept.npz", "print") is load_progress(tmp_path / "kept.npz", "print") is None


@pytest.mark.parametrize("content", [b"", b"PK torn", b"text"])
def test_a_damaged_file_is_named(content, tmp_path):
    (tmp_path / "kept.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"kept\.npz is damaged .* delete it, and what it held is computed again"):
        load(tmp_path / "kept.npz", "print")


def test_a_file_of_another_run_is_named(tmp_path):
    save(tmp_path / "kept.npz", {}, "one")
    with pytest.raises(ValueError, match=r"kept\.npz is of a run with other images or settings; go on with its own"):
        load(tmp_path / "kept.npz", "another")
