"""Table II: train what is missing of its rows, each by the experiment or command that makes it, then collect them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from dien_lightning.checks import amount
from dien_lightning.experiments import children
from dien_lightning.experiments.config import as_word, compose_config, key_of
from dien_lightning.experiments.files import read_json
from dien_lightning.experiments.finished import read_finished, read_once
from dien_lightning.experiments.first_stages import kept_first_stage
from dien_lightning.experiments.keys import CONFIGS, groups_of, keys_of
from dien_lightning.experiments.reports.table2 import entries_of, write_table_2
from dien_lightning.experiments.reports.table2_rows import TABLE_2
from dien_lightning.experiments.reports.tables import to_rich
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.table_jobs import REMEDY, Job, Place, compose_pairs, find_missing, jobs_of, say_missing
from dien_lightning.experiments.table_runs import check_beside, check_records, complete, records_in

_TRAINED = ("table", "second_stage", "table2")
Costs = dict[str, dict[str, float]]


def complete_table_2(
    rows: Sequence[str], data: Sequence[str], seeds: Sequence[int], own: Place, overrides: Sequence[str]
) -> list[Job]:
    """Train what is missing, once all records are compared; gives the jobs that are without a record then.

    Args:
        rows: of Table II.
        data: files in conf/data.
        seeds: of each.
        own: where runs of experiment=table2 lie; those of other experiments lie where their own tables keep them.
        overrides: key=value, each for those commands that have the key.

    Raises:
        ValueError: a record is of a run with other settings.
    """
    given, learning = for_command("train", overrides), for_command("umdl", overrides)
    translating = [word for word in for_command("translate", overrides) if word not in given]
    parts, trained, pairs = [], set[Path](), compose_pairs(data, own.experiment, given)
    jobs_by = {
        experiment: jobs_of([row for row in rows if TABLE_2[row].experiment == experiment], pairs, seeds)
        for experiment in (*_TRAINED, "umdl")
    }
    for experiment in _TRAINED:
        place = own if experiment == own.experiment else Place.of(experiment, own.jobs)
        words = [word for word in given if experiment == "second_stage" or not word.startswith("first_stage.")]
        if jobs := jobs_by[experiment]:
            parts.append((jobs, check_records(jobs, place, words, translating, trained), pairs, place, words))
            trained |= {place.run_dir / job.name for job in jobs}
    if not parts:
        compose_config([f"experiment={own.experiment}", *given])  # refuses what no command here has
    wanted = check_umdl(jobs_by["umdl"], own, learning)
    left: list[Job] = []
    for part in parts:
        left += complete(*part, translating=translating)
    return left + complete_umdl(wanted, own)


def check_umdl(jobs: Sequence[Job], own: Place, overrides: Sequence[str]) -> dict[Job, list[str]]:
    """Compare the records of UMDL's rows with what is asked for; gives the jobs without one, and their key=value.

    Raises:
        ValueError: a record is of a run with other settings or images, or of the row's on another pair.
    """
    if not jobs:
        return {}
    from dien_lightning.experiments import umdl  # noqa: PLC0415 - needs rivals/, which the other rows do without

    chosen = {job: [*overrides, f"data={job.data}", f"seed={job.seed}", *umdl.ROWS[job.row]] for job in jobs}
    wanted = find_missing(jobs, own.records)
    kept, images_of = records_in(own.records) if wanted else [], read_once()
    for job in jobs:
        config = compose_config(chosen[job], command="umdl")
        if job in wanted:
            check_beside(job, umdl.conditions_of(config), kept)
        else:
            path = own.records / f"{job.name}.json"
            read_finished(path, config, REMEDY, images_of=images_of, conditions_of=umdl.conditions_of)
    return {job: chosen[job] for job in wanted}


def complete_umdl(wanted: Mapping[Job, Sequence[str]], own: Place) -> list[Job]:
    """Learn what `check_umdl` found missing, one run after the other; gives what is without a record then."""
    for job, chosen in wanted.items():
        where = {"run_dir": own.run_dir / job.name, "record": own.records / f"{job.name}.json"}
        words = [as_word(key, str(path)) for key, path in where.items()]
        children.run("umdl", *chosen, *words, OMP_NUM_THREADS="1")
    left = find_missing(list(wanted), own.records)
    say_missing(left, own)
    return left


def for_command(command: str, overrides: Sequence[str]) -> list[str]:
    """Those of the key=value pairs whose key the command has; training takes what no other command has."""
    others = set().union(*(_names(name) for name in CONFIGS if name not in ("train", "evaluate")))
    known = _names(command)
    kept = []
    for word in overrides:
        key = key_of(word)
        if key in known or (command == "train" and key not in others):
            kept.append(word)
    return kept


def _names(command: str) -> set[str]:
    if command not in CONFIGS:  # it went with rivals/
        return set()
    return {*groups_of(command), *(key.name for key in keys_of(command))}


def report(own: Place, path: Path, words: Sequence[str]) -> None:
    """Collect every record of Table II's rows, write the table, print it.

    Args:
        own: where records of experiment=table2 and of UMDL lie.
        path: of NAME.json and NAME.md, without the ending.
        words: that dien table was given.
    """
    folders = {experiment: Place.of(experiment, 1).records for experiment in _TRAINED} | {own.experiment: own.records}
    runs = [
        run
        for experiment, folder in folders.items()
        for run in records_in(folder)
        if run.row in TABLE_2 and TABLE_2[run.row].experiment in (experiment, "umdl")
    ]
    if not runs:
        return
    table = write_table_2(entries_of(runs, costs_before(runs, folders)), runs, path, words)
    console = Console()
    console.print(to_rich(table))
    console.print(f"{amount(len(runs), 'run')} in {path}.md and {path}.json", soft_wrap=True)


def costs_before(runs: Sequence[Results], folders: dict[str, Path]) -> Costs:
    """Seconds and memory of the translation or first stage that a run was made from, by the run's name."""
    found: Costs = {}
    for run in runs:
        kept = kept_first_stage(run.name, folders["second_stage"])
        if run.row.startswith("spgan"):
            kept = folders["table2"] / "translations" / f"{run.direction}_{run.seed}.json"
        content = read_json(kept) if kept.is_file() else {}
        found[run.name] = {name: content[name] for name in ("seconds", "peak_memory") if content.get(name)}
    return found
