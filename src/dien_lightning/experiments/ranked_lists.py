"""rankings.json: the ranked lists of a few target queries, kept beside the results; written and read here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dien_lightning import DomainPairDataModule, RetrievalMetric, RetrievalResult
from dien_lightning.experiments.files import read_json
from dien_lightning.retrieval import EvaluationSets, RankedLists, rank_gallery

NUM_QUERIES = 12  # whose lists are kept
LENGTH = 10  # of a list


class RankedImage(NamedTuple):
    """One gallery image of a ranked list; smaller distance is closer."""

    path: str
    pid: int
    camid: int
    match: bool
    distance: float


class RankedQuery(NamedTuple):
    """One query with the gallery images nearest to it, nearest first."""

    path: str
    pid: int
    camid: int
    gallery: tuple[RankedImage, ...]


def read_rankings(run_dir: Path) -> list[RankedQuery]:
    """The ranked lists a run kept.

    Raises:
        FileNotFoundError: the run kept none.
        ValueError: the file is torn.
    """
    path = run_dir / "rankings.json"
    content = read_json(path)
    try:
        return [
            RankedQuery(
                query["path"],
                query["pid"],
                query["camid"],
                tuple(RankedImage(*(image[name] for name in RankedImage._fields)) for image in query["gallery"]),
            )
            for query in content["queries"]
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a run's rankings: {type(error).__name__} at {error}.") from None


def rankings(metric: RetrievalMetric, data: DomainPairDataModule) -> dict[str, Any]:
    """Ranked lists of a few target queries, as the metric ranks them; every process has to call it."""
    sets, result = metric.gather(), metric.compute()
    rows = chosen_queries(len(sets.query))
    lists = rank_gallery(sets.take(query=rows), k=LENGTH, protocol=metric.protocol)
    return describe_lists(lists, rows, sets, result, data)


def chosen_queries(number: int) -> list[int]:
    """Which queries' lists are kept, drawn by a fixed seed: the same ones for every run on the same data."""
    return sorted(np.random.default_rng(0).permutation(number)[:NUM_QUERIES].tolist())


def describe_lists(
    lists: RankedLists,
    rows: Sequence[int],
    sets: EvaluationSets,
    result: RetrievalResult,
    data: DomainPairDataModule,
) -> dict[str, Any]:
    """What rankings.json holds: the lists with their images' files, and each query's average precision.

    Args:
        lists: of the chosen queries.
        rows: the chosen queries.
        sets: what was ranked.
        result: of all queries; its average precisions are None in the file where a query has no match.
        data: whose records `Sample.index` counts through.
    """
    query, gallery = data.evaluation_records("target")
    records = [*query, *gallery]
    precision = result.average_precision.tolist()
    described = []
    for row, indices, distances, is_match in zip(rows, *lists, strict=True):
        images = [
            {**records[int(sets.gallery_index[i])]._asdict(), "match": bool(match), "distance": float(distance)}
            for i, distance, match in zip(indices.tolist(), distances, is_match, strict=True)
            if i >= 0
        ]
        query_record = records[int(sets.query_index[row])]._asdict()
        own = None if np.isnan(precision[row]) else precision[row]
        described.append({**query_record, "average_precision": own, "gallery": images})
    return {"set": data.target.name, "queries": described}
