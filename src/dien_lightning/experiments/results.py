"""What a finished evaluation leaves behind: results.json, rankings.json and a table on the screen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from dien_lightning import DomainPairDataModule, Protocol, RetrievalMetric, RetrievalResult
from dien_lightning.atomic import atomic_write
from dien_lightning.experiments.reports.choices import CHOICES
from dien_lightning.retrieval import EvaluationSets, RankedLists, rank_gallery

COLUMNS = {"rank1": "rank-1", "rank5": "rank-5", "rank10": "rank-10", "mAP": "mAP", "mINP": "mINP"}
NUM_QUERIES = 12  # whose lists are kept
LENGTH = 10  # of a list


def write_text(path: Path, content: str) -> None:
    """Write a file in one step: a reader sees the old one or the new one, never half of it.

    Raises:
        OSError: it cannot be written; what it held before stays.
    """
    with atomic_write(path) as draft:
        draft.write_text(content, encoding="utf-8", errors="surrogateescape")  # file names may be any bytes


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file in one step, see `write_text`."""
    write_text(path, json.dumps(content, indent=2) + "\n")


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


def show(results: dict[str, Any], protocol: Protocol) -> None:
    """Print the figures in percent, the ways to choose the epoch side by side, and how it was counted."""
    if not {"target", "source"} & set(results):
        print("Nothing was evaluated: neither set has a labelled query and gallery.")
        return
    table = Table("%", *COLUMNS.values())
    for key, title in (
        ("target", "target"),
        ("target_with_target_statistics", "target, with target statistics"),
        ("source", "source, held-out identities"),
    ):
        if key in results:
            table.add_row(title, *(f"{100 * results[key][column]:.1f}" for column in COLUMNS))
    console = Console()
    console.print(table)
    if choices := results.get("checkpoints"):
        console.print(_choices(choices))
    console.print(f"Protocol: {protocol.sentence()}.", soft_wrap=True, highlight=False)


def _choices(choices: dict[str, dict[str, Any]]) -> Table:
    """Which epoch's network gave what on the target; the headline is the last one's."""
    names = {"target": ("rank1", "mAP"), "source": ("mAP",)}
    table = Table()
    table.add_column("epoch", no_wrap=True)
    for heading in ("epochs", *(f"{name} {COLUMNS[key]}" for name, keys in names.items() for key in keys)):
        table.add_column(heading)
    for name, choice in choices.items():
        cells = [
            f"{100 * choice[side][k]:.1f}" if side in choice else "–" for side, keys in names.items() for k in keys
        ]
        table.add_row(CHOICES.get(name, name), str(choice["epochs"]), *cells)
    return table
