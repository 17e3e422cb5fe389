from __future__ import annotations

import numpy as np
import pytest

from dien_lightning.experiments.reports.embedding_map import figure_2, mixing
from reference_retrieval import domain_mixing


def test_mixing_agrees_with_a_slow_loop():
    source, target = np.random.default_rng(0).normal(size=(2, 30, 4))
    assert mixing(source, target, 5) == pytest.approx(domain_mixing(source, target, 5))


def test_mixing_worked_by_hand():
    # 0 and 1 are nearest to each other, of different domains; 5 is nearest to 5.5, of its own
    assert mixing(np.array([[0.0], [5.0]]), np.array([[1.0]]), 1) == pytest.approx(1.0)
    assert mixing(np.array([[0.0], [5.0], [5.5]]), np.array([[1.0]]), 1) == pytest.approx(0.5)


def test_the_figure_says_how_far_the_domains_blend():
    rng = np.random.default_rng(0)
    source = rng.normal(loc=[9, 0, 0], size=(20, 3))
    target = rng.normal(loc=[-9, 0, 0], size=(20, 3))
    gallery = figure_2((source, target), (source, source + 0.01), "a random network")
    assert "from 0 % to 5" in gallery.caption
    assert "a random network" in gallery.caption
    assert [plot.alt[:15] for plot in gallery.plots] == ["Before training", "After training:"]
    assert [entry.label for entry in gallery.legend] == ["source", "target"]
