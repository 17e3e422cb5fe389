"""Our figures of the gallery in docs/evaluators.md, from ranks read off it by hand."""

import runpy
from pathlib import Path

import pytest

from dien_lightning import evaluate_retrieval
from dien_lightning.retrieval import Protocol

draw = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "gallery.py"))["draw"]

FIRST, ORDER, LAST = {"ties": "non-match first"}, {"ties": "gallery order"}, {"ties": "match first"}
JUNK, SAME, ALL = {"junk": "distractor"}, {"same_camera": "keep"}, {"queries": "all"}
NONE: list[int] = []


def figures(case, **options):
    result = evaluate_retrieval(**case.arguments(), protocol=Protocol(**options))
    return result.mAP, float(result.cmc[0])


def average_precision(ranks):
    return sum((found + 1) / rank for found, rank in enumerate(ranks)) / max(len(ranks), 1)


@pytest.mark.parametrize(
    ("options", "ranks"),  # of the matches of persons 1, 2, 3, 4 (one camera), 5 (nobody) and 6
    [
        (FIRST, [[5], [6, 8], [2, 3], [1]]),
        (LAST, [[5], [4, 7], [1, 3], [1]]),
        (ORDER, [[5], [4, 8], [2, 3], [1]]),
        (JUNK, [[6], [8, 11], [2, 4], [1]]),
        (JUNK | ORDER, [[6], [6, 11], [2, 4], [1]]),
        (SAME, [[3, 6, 7], [6, 8, 9], [2, 3], [1], [1]]),
        (JUNK | SAME | LAST, [[1, 7, 8], [6, 9, 10], [1, 4], [1], [1]]),
        (ALL, [[5], [6, 8], [2, 3], NONE, NONE, [1]]),
        (ALL | SAME | JUNK | ORDER, [[1, 7, 8], [6, 10, 12], [2, 4], [1], NONE, [1]]),
    ],
)
def test_figures_follow_from_the_ranks(options, ranks):
    mAP, rank1 = figures(draw(apart=False), **options)

    assert mAP == pytest.approx(sum(map(average_precision, ranks)) / len(ranks), abs=1e-12)
    assert rank1 == pytest.approx(sum(found[:1] == [1] for found in ranks) / len(ranks))


@pytest.mark.parametrize("options", [{}, JUNK, SAME, ALL, JUNK | SAME | ALL])
def test_without_ties_all_go_by_the_gallery_order(options):
    apart = draw(apart=True)

    assert figures(apart, **options | FIRST) == figures(apart, **options | LAST)
    assert figures(apart, **options) == pytest.approx(figures(draw(apart=False), **options | ORDER))
