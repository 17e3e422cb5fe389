"""Stands in for what `dien table` runs: each command leaves what it would, and is remembered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dien_lightning.experiments import children, table_runs, umdl
from dien_lightning.experiments.config import compose_config
from experiments.reports.finished_runs import results, write_record, write_record_of

RANK1 = {
    "umdl": 0.1,
    "umdl_features": 0.05,
    "r05_cccdtl_dc": 0.5,
    "r08_full_t3": 0.6,
    "pul": 0.3,
    "r01_base": 0.2,
    "t3_self": 0.8,
    "cccdtl_dc_self": 0.8,
    "scratch_self": 0.1,
    "base_self": 0.7,
    "spgan": 0.4,
    "tj_aidl": 0.2,
}


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """Stand in for trainings and other commands: leave what each would, and remember what was asked for."""
    monkeypatch.chdir(tmp_path)
    asked: list[tuple[str, dict[str, str]]] = []

    def run(command: str, *arguments: str, **environment: str) -> int:
        assert environment == {"OMP_NUM_THREADS": "1"}
        given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
        asked.append((command, given))
        if command == "umdl":
            write_umdl(Path(given["record"]), "learning" not in given, given["data"], int(given["seed"]))
        elif command == "train":
            for row in given["ablation"].split(","):
                for direction in given["data"].split(","):
                    for seed in map(int, given["seed"].split(",")):
                        leave(given, row, direction, seed)
        return 0

    monkeypatch.setattr(children, "run", run)
    monkeypatch.setattr(table_runs, "prepare", lambda pairs: None)
    return asked


def leave(given: dict[str, str], row: str, direction: str, seed: int) -> None:
    """A training's record and folder; of one row each seed is better by a hundredth."""
    record = Path(given.get("record", "made/first")).with_name(f"{row}_{direction}_{seed}.json")
    length = {"trainer.max_epochs": int(epochs)} if (epochs := given.get("trainer.max_epochs")) else {}
    rank1, of = RANK1[row] + seed / 100 * (row == "cccdtl_dc_self"), {"direction": direction, "seed": seed}
    if given["experiment"] == "table":
        write_record(record.parent, row, rank1, **of, control=0.3 if row == "r01_base" else None, changed=length)
    else:
        overrides = [f"{key}={value}" for key, value in length.items()]
        write_record_of(record, given["experiment"], row, rank1, *overrides, **of)
    folder = Path(given["run_dir"], record.stem)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(record.read_text())
    (folder / "network.safetensors").touch()


def write_umdl(record: Path, learns: bool, direction: str, seed: int) -> None:
    chosen = [f"data={direction}", f"seed={seed}", *([] if learns else ["learning=null"])]
    row = "umdl" if learns else "umdl_features"
    settings = umdl.settings_of(compose_config(chosen, command="umdl"))
    content = results(None, RANK1[row], direction=direction, seed=seed)
    content |= {"row": row, "settings": settings, "peak_memory": 2 * 10**9, "passes": []}
    del content["protocol"]["precision"]
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(content))
