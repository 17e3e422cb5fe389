"""What a finished evaluation leaves behind: results.json, rankings.json and a table on the screen."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from dien_lightning import DomainPairDataModule, Protocol, RetrievalMetric
from dien_lightning.reports.choices import CHOICES

COLUMNS = {"rank1": "rank-1", "rank5": "rank-5", "rank10": "rank-10", "mAP": "mAP", "mINP": "mINP"}


def write_json(path: Path, content: Any) -> None:
    """Write a file in one step: a reader sees the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.write_text(json.dumps(content, indent=2) + "\n")
    os.replace(draft, path)


def rankings(metric: RetrievalMetric, data: DomainPairDataModule, num_queries: int = 12, k: int = 10) -> dict[str, Any]:
    """Ranked lists of a few target queries, drawn by a fixed seed: the same queries for every run on these data."""
    lists = metric.ranked_lists(k)
    query, everything = data.target.query, [*data.target.query, *data.target.gallery]
    chosen = np.random.default_rng(0).permutation(len(query))[:num_queries]
    return {
        "set": data.target.name,
        "queries": [
            {
                **query[row]._asdict(),
                "gallery": [
                    {**everything[index]._asdict(), "match": bool(match), "distance": float(distance)}
                    for index, distance, match in zip(
                        lists.indices[row], lists.distances[row], lists.is_match[row], strict=True
                    )
                    if index >= 0
                ],
            }
            for row in sorted(chosen)
        ],
    }


def show(results: dict[str, Any], protocol: Protocol) -> None:
    """Print the figures in percent, the ways to choose the epoch side by side, and how it was counted."""
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
