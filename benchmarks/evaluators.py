"""One gallery, every evaluator: what each makes of it, and the options here that give the same figures.

    python benchmarks/evaluators.py

Takes the evaluators that are installed and names those that are not; docs/evaluators.md has the table and the versions.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import io
import itertools
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from gallery import Case, Images, draw

from dien_lightning import evaluate_retrieval
from dien_lightning.retrieval import Protocol

TOLERANCE = 1e-6  # what single precision leaves of a mean of four fractions
MAX_RANK = 10  # torchreid and fast-reid stop where a query keeps fewer images
OPTIONS = {
    "junk": ("drop", "distractor"),
    "same_camera": ("drop", "keep"),
    "queries": ("valid", "all"),
    "average_precision": ("step", "trapezoid"),
    "ties": ("non-match first", "gallery order", "match first"),
}


class Figures(NamedTuple):
    """mAP and rank-1 as fractions, and how many queries they are averaged over; None where an evaluator gives none."""

    mAP: float
    rank1: float | None
    counted: int | None


Found = Iterator[tuple[str, Figures]]  # what the evaluator is given, and what it says


def ours(case: Case, protocol: Protocol) -> Figures:
    """The figures of this library."""
    result = evaluate_retrieval(**case.arguments(), protocol=protocol)
    counted = result.num_valid_queries if protocol.queries == "valid" else len(case.query.pids)
    return Figures(result.mAP, float(result.cmc[0]), counted)


def torchreid(case: Case) -> Found:
    """torchreid's two implementations, from the one wheel that has them compiled."""
    from pyppbox_torchreid.metrics.rank import evaluate_rank

    for said, chosen in (("all images", slice(None)), ("junk left out, as by its readers", case.gallery.pids != -1)):
        labels = case.query.pids, case.gallery.pids[chosen], case.query.camids, case.gallery.camids[chosen]
        for name, use_cython in (("Cython", True), ("Python", False)):
            cmc, mAP = evaluate_rank(case.distances[:, chosen], *labels, max_rank=MAX_RANK, use_cython=use_cython)
            yield f"{name}; {said}", Figures(float(mAP), float(cmc[0]), None)


def fastreid(case: Case) -> Found:
    """fast-reid's two, by their files: the package itself stops at an import that Python 3.10 removed."""
    found = importlib.util.find_spec("fastreid")
    if found is None:
        raise ImportError("No module named 'fastreid'")
    folder = Path(*found.submodule_search_locations or (), "evaluation")
    labels = case.query.pids, case.gallery.pids, case.query.camids, case.gallery.camids
    for name, module, pattern in (("Cython", "rank_cy", "rank_cylib/rank_cy*.so"), ("Python", "rank", "rank.py")):
        for file in folder.glob(pattern):  # its Cython part is there once it has been compiled
            spec = importlib.util.spec_from_file_location(module, file)
            rank = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(rank)
            evaluate = rank.evaluate_cy if name == "Cython" else rank.evaluate_py
            cmc, precisions, _ = evaluate(case.distances, *labels, MAX_RANK, False)
            yield f"{name}; all images", Figures(float(np.mean(precisions)), float(cmc[0]), len(precisions))


def roboflow(case: Case) -> Found:
    """What `ReIDModel.evaluate` of Roboflow's reid calls."""
    from reid.eval.metrics import _compute_reid_metrics

    labels = case.query.pids, case.gallery.pids, case.query.camids, case.gallery.camids
    found = _compute_reid_metrics(case.distances, *labels)
    yield "all images", Figures(found.mean_average_precision / 100, found.rank1 / 100, found.num_queries)


def open_metric_learning(case: Case) -> Found:
    """OML: its sequences, which are dropped for a query that is of them, can say person and camera."""
    from oml.functional.knn import batched_knn_qg
    from oml.functional.metrics import calc_retrieval_metrics

    for said, chosen, sequences in (
        ("all images", case.gallery.pids > -2, False),
        ("junk left out, person and camera as a sequence", case.gallery.pids != -1, True),
    ):
        sets = {"query": case.query, "gallery": Images(*(column[chosen] for column in case.gallery))}
        given = {f"labels_{name}": torch.from_numpy(images.pids) for name, images in sets.items()}
        for name, images in sets.items() if sequences else ():
            given[f"sequence_ids_{name}"] = torch.from_numpy(100 * images.pids + images.camids)
        points, size = [torch.from_numpy(images.points) for images in sets.values()], int(chosen.sum())
        _, retrieved, matches = batched_knn_qg(*points, top_n=size, **given)
        cuts = {"cmc_top_k": (1,), "precision_top_k": (), "map_top_k": (size,)}
        found = calc_retrieval_metrics(retrieved, matches, verbose=False, **cuts)
        yield said, Figures(float(found["map"][size]), float(found["cmc"][1]), len(retrieved))


def pytorch_metric_learning(case: Case) -> Found:
    """PyTorch Metric Learning knows neither cameras nor junk."""
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
    from pytorch_metric_learning.utils.inference import CustomKNN

    calculator = AccuracyCalculator(
        include=("mean_average_precision", "precision_at_1"),
        device=torch.device("cpu"),
        knn_func=CustomKNN(LpDistance(normalize_embeddings=False)),
    )
    found = calculator.get_accuracy(case.query.points, case.query.pids, case.gallery.points, case.gallery.pids)
    yield "all images", Figures(found["mean_average_precision"], found["precision_at_1"], None)


def torchmetrics(case: Case) -> Found:
    """torchmetrics takes pairs, hence only those that a caller keeps."""
    from torchmetrics.retrieval import RetrievalHitRate, RetrievalMAP

    queries = torch.from_numpy(np.nonzero(case.kept)[0])
    distances, matches = (torch.from_numpy(values[case.kept]) for values in (case.distances, case.match))
    for said, similarity, options in (
        ("kept images, -distance", -distances, {}),
        ("kept images, 1 / (1 + distance)", 1 / (1 + distances), {}),
        ("the same with empty_target_action=skip", 1 / (1 + distances), {"empty_target_action": "skip"}),
    ):
        mAP = RetrievalMAP(**options)(similarity, matches, indexes=queries)
        rank1 = RetrievalHitRate(top_k=1, **options)(similarity, matches, indexes=queries)
        yield said, Figures(float(mAP), float(rank1), None)


def scikit_learn(case: Case) -> Found:
    """scikit-learn gives a query's average precision and no rank."""
    from sklearn.metrics import average_precision_score

    def precision(query: int) -> float:
        kept = case.kept[query]
        return float(average_precision_score(case.match[query, kept], -case.distances[query, kept]))

    for said, queries in (("kept images", range(len(case.kept))), ("of queries with a match", with_match(case))):
        yield said, Figures(float(np.mean([precision(query) for query in queries])), None, len(queries))


def with_match(case: Case) -> list[int]:
    """Numbers of the queries that have a match left."""
    return np.flatnonzero((case.match & case.kept).any(axis=1)).tolist()


def by_name(case: Case) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """Matches and similarities as the tools of information retrieval take them: query's name, image's name, value."""
    judged: dict[str, dict[str, int]] = {}
    run: dict[str, dict[str, float]] = {}
    for query in with_match(case):
        kept = {f"image{image:02}": image for image in np.flatnonzero(case.kept[query])}
        judged[f"query{query}"] = {name: 1 for name, image in kept.items() if case.match[query, image]}
        run[f"query{query}"] = {name: -float(case.distances[query, image]) for name, image in kept.items()}
    return judged, run


def ranx(case: Case) -> Found:
    """ranx refuses a query without judgements, so it is left out."""
    from ranx import Qrels, Run, evaluate

    judged, run = by_name(case)
    found = evaluate(Qrels(judged), Run(run), ["map", "hit_rate@1"])
    yield "kept images of queries with a match", Figures(float(found["map"]), float(found["hit_rate@1"]), len(run))


def ir_measures(case: Case) -> Found:
    """ir-measures, that is trec_eval."""
    import ir_measures as ir

    judged, run = by_name(case)
    found = ir.calc_aggregate([ir.AP, ir.Success @ 1], judged, run)
    yield "kept images of queries with a match", Figures(found[ir.AP], found[ir.Success @ 1], len(run))


EVALUATORS: dict[str, Callable[[Case], Found]] = {
    "pyppbox-torchreid": torchreid,
    "fastreid": fastreid,
    "reid": roboflow,
    "open-metric-learning": open_metric_learning,
    "pytorch-metric-learning": pytorch_metric_learning,
    "torchmetrics": torchmetrics,
    "scikit-learn": scikit_learn,
    "ranx": ranx,
    "ir-measures": ir_measures,
}


def same(theirs: Figures, case: Case, protocol: Protocol) -> bool:
    """Whether `protocol` gives what they give."""
    return all(
        value is None or abs(value - mine) < TOLERANCE for value, mine in zip(theirs, ours(case, protocol), strict=True)
    )


def agreeing(figures: list[Figures], cases: list[Case]) -> str:
    """The fewest options that give the same figures with and without ties; failing that, without."""
    choices = [dict(zip(OPTIONS, values, strict=True)) for values in itertools.product(*OPTIONS.values())]
    changed = [{name: v for name, v in choice.items() if v != OPTIONS[name][0]} for choice in choices]
    for number, note in ((2, ""), (1, "; ties: none")):
        for options in sorted(changed, key=len):
            protocol = Protocol(**options)
            if all(same(*pair, protocol) for pair in list(zip(figures, cases, strict=True))[:number]):
                return (", ".join(f"`{name}={value}`" for name, value in options.items()) or "the defaults") + note
    return "none"


def main() -> None:
    """Print a row for each."""
    cases = [draw(apart=True), draw(apart=False)]
    rows = [("dien-lightning", "all images", [ours(case, Protocol()) for case in cases])]
    for package, evaluator in EVALUATORS.items():
        try:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = [list(evaluator(case)) for case in cases]
        except ImportError as error:
            print(f"{package} is not here: {error}", file=sys.stderr)
            continue
        version = importlib.metadata.version(package)
        rows += [(f"{package} {version}", said, [apart, tied]) for (said, apart), (_, tied) in zip(*found, strict=True)]
    print("| evaluator | given | mAP, no ties | mAP | rank-1, no ties | rank-1 | queries | here |\n|" + "---|" * 8)
    for name, said, figures in rows:
        rank1 = ["" if each.rank1 is None else f"{each.rank1:.4f}" for each in figures]
        mAP = [f"{each.mAP:.6f}" for each in figures]
        print("|", " | ".join([name, said, *mAP, *rank1, str(figures[0].counted or ""), agreeing(figures, cases)]), "|")


if __name__ == "__main__":
    main()
