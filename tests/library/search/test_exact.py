"""Exact search: against a slow loop, ties by number, filters, own camera, and what has no direction."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from dien_lightning.search import Filter, embeddings_file, nearest
from dien_lightning.search.exact import Block
from library.search.galleries import listed, vectors, write


def slow(query, gallery, images, k, chosen=Filter(), without=None, hidden=None):  # noqa: B008 - a tuple
    """Each pair by itself, in Python's integers: 2^48 times the squared distance."""
    lists = []
    for i, one in enumerate(query.half().double()):
        found = []
        for number, (other, image) in enumerate(zip(gallery.half().double(), images, strict=True)):
            passes = chosen.cameras is None or image.camera in chosen.cameras
            passes = passes and (chosen.after is None or image.time >= chosen.after)
            passes = passes and (chosen.before is None or image.time < chosen.before)
            if not passes or (without and without[i] == image.camera) or (hidden and hidden[i] == number):
                continue
            pairs = zip(one.tolist(), other.tolist(), strict=True)
            found.append((sum(int((a - b) * 2**24) ** 2 for a, b in pairs), number))
        lists.append([number for _, number in sorted(found)[:k]])
    return lists


@pytest.mark.parametrize(
    ("chosen", "without", "hidden"),
    [
        (Filter(), (), ()),
        (Filter(("0", "2")), (), ()),
        (Filter(after=10, before=40), (), ()),
        (Filter(), ("1", None, "2", "0"), ()),
        (Filter(("1",), before=50), (), (4, 7, 22, 0)),
    ],
)
def test_agrees_with_a_slow_loop(chosen, without, hidden, tmp_path, monkeypatch):
    monkeypatch.setattr(embeddings_file, "ROWS", 16)
    gallery, query = vectors(61), vectors(4, seed=1)
    file = write(tmp_path / "g.parquet", gallery)
    found = nearest(query, file.blocks(chosen), 7, without=without, hidden=hidden)
    assert found.numbers.tolist() == slow(query, gallery, listed(61), 7, chosen, without, hidden)
    first = file.embedding()[found.numbers[0, 0]]
    expected = float(torch.dist(query[0].half().double(), first.double()))
    assert float(found.distances[0, 0]) == pytest.approx(expected, abs=1e-12)


def test_equal_images_tie_and_come_by_their_numbers_wherever_they_stand():
    one, other = vectors(2, width=64)
    rows = torch.stack([other, one, other, one, one]).half()
    blocks = [Block(np.array([9, 7, 5, 3, 1]), np.array([None] * 5, object), rows)]
    blocks += [Block(np.array([i]), np.array([None], object), one.half()[None]) for i in (8, 2)]
    for order in itertools.permutations(blocks):
        found = nearest(one[None], order, 6)
        assert found.numbers.tolist() == [[1, 2, 3, 7, 8, 5]]
        assert found.distances[0, :5].tolist() == [0.0] * 5


def test_a_list_that_is_too_short_says_so(tmp_path):
    file = write(tmp_path / "g.parquet", vectors(2))
    assert nearest(vectors(1), file.blocks(Filter(("0",))), 3).numbers.tolist() == [[0, -1, -1]]
    assert nearest(vectors(1), file.blocks(Filter(("9",))), 1).numbers.tolist() == [[-1]]


@pytest.mark.parametrize(
    ("query", "gallery", "words"),
    [
        (vectors(2), torch.zeros(3, 8), "the embedding of image 0 is of length 0, so nothing is near to it"),
        (torch.zeros(2, 8), vectors(3), r"query embedding 0 is of length 0, .*\(2 are\)"),
        (torch.full((1, 8), torch.nan), vectors(3), "query embedding 0 is not finite"),
        (vectors(1, width=4), vectors(3), "A query is 4 wide and the gallery 8"),
    ],
)
def test_what_has_no_distance_is_told(query, gallery, words, tmp_path):
    file = write(tmp_path / "g.parquet", gallery)
    with pytest.raises(ValueError, match=words):
        nearest(query, file.blocks(Filter()), 1)
