"""What `dien store` says where LanceDB fails."""

from __future__ import annotations

import pytest

from dien_lightning.experiments.store import Store


@pytest.mark.parametrize("words", [("info", "store=s"), ("search", "store=s", "query=q.jpg", "threads=1")])
def test_a_full_disk_is_told_in_a_sentence(words, dien, monkeypatch):
    def full(*given):
        raise RuntimeError("lance error: LanceError(IO): File too large (os error 27), /root/writer.rs:258:9")

    monkeypatch.setattr(Store, "__init__", full)
    monkeypatch.setattr("dien_lightning.experiments.search.open_gallery", full)
    assert dien("store", *words).refusal() == (
        "error: LanceDB cannot go on (lance error: LanceError(IO): File too large (os error 27)); what the store held "
        "before stays. Make room or give access, then run this again."
    )
