"""Table II: train what is missing of its rows, each by the experiment or command that makes it, then collect them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from dien_lightning.experiments import children
from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.files import read_json
from dien_lightning.experiments.keys import CONFIGS, did_you_mean, groups_of, keys_of
from dien_lightning.experiments.reports.table2 import entries_of, write_table_2
from dien_lightning.experiments.reports.table2_rows import TABLE_2
from dien_lightning.experiments.reports.tables import to_rich
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.settings import same_run
from dien_lightning.experiments.table_runs import (
    Job,
    Place,
    complete,
    compose_pairs,
    find_missing,
    jobs_of,
    say_missing,
)

_TRAINED = ("table", "second_stage", "table2")
_UMDL = {"umdl": [], "umdl_features": ["learning=null"], "umdl_centered": ["learning=null", "center=true"]}
Costs = dict[str, dict[str, float]]


def check_rows(rows: Sequence[str]) -> None:
    """Raise a ValueError for a row that is none of Table II's, with the nearest that is."""
    for row in rows:
        if row not in TABLE_2:
            raise ValueError(
                f"rows={row} is not one of Table II's{did_you_mean(row, TABLE_2)} There are {', '.join(TABLE_2)}."
            )


def complete_table_2(
    rows: Sequence[str], data: Sequence[str], seeds: Sequence[int], own: Place, overrides: Sequence[str]
) -> list[Job]:
    """Train what is missing; gives the jobs that are without a record then.

    Args:
        rows: of Table II.
        data: files in conf/data.
        seeds: of each.
        own: where runs of experiment=table2 lie; those of other experiments lie where their own tables keep them.
        overrides: key=value, each for those commands that have the key.
    """
    left: list[Job] = []
    given = for_command("train", overrides)
    for experiment in _TRAINED:
        place = own if experiment == own.experiment else Place.of(experiment, own.jobs)
        pairs = compose_pairs(data, [f"experiment={experiment}", *given])
        jobs = jobs_of([row for row in rows if TABLE_2[row].experiment == experiment], pairs, seeds)
        left += complete(jobs, pairs, place, given) if jobs else []
    jobs = jobs_of([row for row in rows if TABLE_2[row].experiment == "umdl"], pairs, seeds)
    return left + complete_umdl(jobs, own, for_command("umdl", overrides))


def complete_umdl(jobs: Sequence[Job], own: Place, overrides: Sequence[str]) -> list[Job]:
    """Learn what is missing of UMDL's rows, one run after the other."""
    from dien_lightning.experiments import umdl  # noqa: PLC0415 - needs rivals/, which the other rows do without

    for job in jobs:
        chosen = [*overrides, f"data={job.data}", f"seed={job.seed}"]
        chosen += _UMDL[job.row]
        record = own.records / f"{job.name}.json"
        if record.is_file():
            asked = umdl.conditions_of(compose_config(chosen, command="umdl"))
            same_run(str(record), Results.read(record).conditions, asked, "Choose records=DIR run_dir=DIR output=DIR.")
        else:
            where = (f"run_dir={own.run_dir / job.name}", f"record={record}")
            children.run("umdl", *chosen, *where, OMP_NUM_THREADS="1")
    left = find_missing(jobs, own.records)
    say_missing(left, own)
    return left


def for_command(command: str, overrides: Sequence[str]) -> list[str]:
    """Those of the key=value pairs whose key the command has; training takes what no other command has."""
    others = set().union(*(_names(name) for name in CONFIGS if name not in ("train", "evaluate")))
    known = _names(command)
    kept = []
    for word in overrides:
        key = word.partition("=")[0].lstrip("+~")
        if key in known or (command == "train" and key not in others):
            kept.append(word)
    return kept


def _names(command: str) -> set[str]:
    return {*groups_of(command), *(key.name for key in keys_of(command))}


def report(own: Place, output: Path, name: str, command: str) -> None:
    """Collect every record of Table II's rows, write the table, print it.

    Args:
        own: where records of experiment=table2 and of UMDL lie.
        output: where NAME.json and NAME.md go.
        name: of the table.
        command: what repeats it.
    """
    folders = {experiment: Place.of(experiment, 1).records for experiment in _TRAINED} | {own.experiment: own.records}
    runs = [
        run
        for experiment, folder in folders.items()
        for run in (Results.read_all([folder]) if any(folder.glob("*.json")) else [])
        if run.row in TABLE_2 and TABLE_2[run.row].experiment in (experiment, "umdl")
    ]
    if not runs:
        return
    table = write_table_2(entries_of(runs, costs_before(runs, folders)), runs, output, name, command)
    console = Console()
    console.print(to_rich(table))
    console.print(f"{len(runs)} runs in {output / name}.md and {output / name}.json", soft_wrap=True)


def costs_before(runs: Sequence[Results], folders: dict[str, Path]) -> Costs:
    """Seconds and memory of the translation or first stage that a run was made from, by the run's name."""
    found: Costs = {}
    for run in runs:
        path = run.setting("network.path")
        first = "" if path is None else f"{Path(path).parent.name}.json"
        places = [folders["table2"] / "translations" / f"{run.direction}_{run.seed}.json"]
        if first:
            places = [folders["second_stage"] / "first_stage" / first, folders["table"] / first]
        elif not run.row.startswith("spgan"):
            continue
        there = next((place for place in places if place.is_file()), None)
        content = read_json(there) if there else {}
        found[run.name] = {name: content[name] for name in ("seconds", "peak_memory") if content.get(name)}
    return found
