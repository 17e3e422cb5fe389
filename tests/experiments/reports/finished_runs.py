"""Run folders as dien train leaves them, with figures of our choice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dien_lightning import Protocol
from dien_lightning.data.records import Record
from dien_lightning.experiments.clusters import describe_clusters
from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.reports.table1_rows import row_settings
from dien_lightning.experiments.settings import SEED, settings_of


def scores(rank1: float) -> dict[str, float]:
    """Figures that follow from rank-1, so that a test can tell them apart."""
    return {
        "rank1": rank1,
        "rank5": min(1.0, rank1 + 0.15),
        "rank10": min(1.0, rank1 + 0.2),
        "mAP": rank1 / 2,
        "mAP_trapezoid": rank1 / 2 - 0.01,
        "mINP": rank1 / 4,
    }


@cache
def settings(direction: str) -> dict[str, Any]:
    """Those of experiment=table, by group."""
    return settings_of(compose_config(["experiment=table", f"data={direction}"]))


def results(
    row: str | None,
    rank1: float,
    *,
    direction: str = "day2night",
    seed: int = 0,
    control: float | None = None,
    changed: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of a results.json; settings of the row, and those in `changed`, by dotted name."""
    tree = deepcopy(settings(direction))
    for name, value in {
        **row_settings(row or "r07_full_t2"),
        **dict.fromkeys(SEED[1:], seed),
        **(changed or {}),
    }.items():
        *groups, key = name.split(".")
        reduce(getitem, groups, tree)[key] = value
    loops = tree["network"]["attention_loops"]
    found = {
        "target": scores(rank1),
        "source": scores(0.8),
        "passes": [scores(rank1 - 0.02 * (loops - step)) for step in range(loops + 1)] if loops else [],
        "fusion_weights": [(1 + 0.1 * step) / (loops + 1) for step in range(loops + 1)],
        "checkpoints": {
            name: {
                "epochs": epochs,
                "target": scores(rank1 + gain),
                "source": scores(0.8),
                "network": f"checkpoints/{name}.safetensors",
                "uses_target_labels": name == "oracle",
            }
            for name, epochs, gain in (
                ("last", 10, 0.0),
                ("source_mAP", 8, -0.01),
                ("label_free", 6, 0.01),
                ("oracle", 4, 0.02),
            )
        },
        "protocol": {**Protocol().describe(), "precision": "32-true", "num_queries": 12},
        "seconds": 120.0,
        "images_per_second": 800.0,
        "row": row or "",
        "direction": direction,
        "seed": seed,
        "command": f"dien train experiment=table ablation={row} data={direction} seed={seed}",
        "settings": tree,
        "commit": "abc1234",
    }
    if control is not None:
        found["target_with_target_statistics"] = scores(control)
    return found


def write_record(folder: Path, row: str, rank1: float, **options: Any) -> Path:
    """`folder/ROW_DIRECTION_SEED.json`."""
    content = results(row, rank1, **options)
    path = folder / f"{row}_{content['direction']}_{content['seed']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def write_record_of(record: Path, experiment: str, row: str, rank1: float, *overrides: str, **of: Any) -> None:
    """A record of a row that another experiment than the table's makes; `of` is its direction and seed."""
    content = results(None, rank1, **of)
    chosen = (f"experiment={experiment}", f"ablation={row}", f"data={content['direction']}", f"seed={content['seed']}")
    content |= {"row": row, "settings": settings_of(compose_config([*chosen, *overrides]))}
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(content))


def write_run(
    folder: Path, row: str | None, rank1: float, *, images: Path, steps: int = 30, queries: int = 3, **options: Any
) -> Path:
    """A run's folder with results.json, config.yaml, metrics.csv and rankings.json over drawn crops in `images`."""
    folder.mkdir(parents=True, exist_ok=True)
    content = results(row, rank1, **options)
    (folder / "results.json").write_text(json.dumps(content))
    (folder / "config.yaml").write_text("row: null\n")
    base = row == "r01_base"
    (folder / "metrics.csv").write_text(_metrics(steps, base))
    (folder / "rankings.json").write_text(json.dumps({"set": "x", "queries": _queries(images, queries, int(not base))}))
    return folder


def _metrics(steps: int, base: bool) -> str:
    rng = np.random.default_rng(0)
    names = ["loss_total", "loss_identity", "embedding_spread"]
    if not base:
        names += ["loss_triplet", "loss_center", "loss_domain"]
        names += ["active_triplets", "domain_accuracy", "center_distance"]
    lines = [",".join(["step", "epoch", *(f"train/{name}" for name in names), "val/target_rank1", "val/source_rank1"])]
    for step in range(steps):
        values = [f"{4 / (1 + step / 10) + 0.3 * rng.random():.4f}" for _ in names]
        validation = [f"{step / steps / 2:.4f}", f"{step / steps:.4f}"] if step % 10 == 9 else ["", ""]
        lines.append(",".join([str(step), str(step // 10), *values, *validation]))
    return "\n".join(lines) + "\n"


def _queries(images: Path, queries: int, shift: int) -> list[dict[str, Any]]:
    paths = sorted(images.glob("*.jpg")) or _crops(images)
    made = []
    for number in range(queries):
        gallery = [
            {
                "path": str(paths[(number + place + 1) % len(paths)]),
                "pid": number + (place + shift) % 2,
                "camid": 1,
                "match": (place + shift) % 2 == 0,
                "distance": 0.1 * place,
            }
            for place in range(10)
        ]
        query = {"path": str(paths[number % len(paths)]), "pid": number, "camid": 0}
        made.append({**query, "gallery": gallery})
    return made


def _crops(images: Path) -> list[Path]:
    images.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    paths = []
    for number in range(12):
        path = images / f"{number:04d}_c1.jpg"
        Image.fromarray(rng.integers(0, 255, (64, 32, 3), dtype=np.uint8)).save(path)
        paths.append(path)
    return paths


def leave_clusters(folder: Path, images: list[Path]) -> None:
    """As a run of self-training leaves them: two clusters of one person each, and one that mixes two; an outlier."""
    labels = [0, 0, 0, 1, 1, 2, 2, 2, 2, -1]
    pids = [7, 7, 7, 8, 8, 9, 9, 7, -1, 8]
    records = [Record(str(image), pid, 1) for image, pid in zip(images, pids, strict=False)]
    (folder / "clusters.json").write_text(json.dumps(describe_clusters(labels, records)))
    rows = (folder / "metrics.csv").read_text().splitlines()
    rounds = [
        f"{rows[0]},clusters/number,clusters/agreement",
        *(f"{row},{number},0.5" for number, row in enumerate(rows[1:])),
    ]
    (folder / "metrics.csv").write_text("\n".join(rounds) + "\n")
