"""The trainings of a table's missing runs: multiruns of `dien train`, what their rows begin with before them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from dien_lightning.checks import amount
from dien_lightning.experiments import children
from dien_lightning.experiments.config import as_word, compose_config
from dien_lightning.experiments.files import read_json, write_text
from dien_lightning.experiments.finished import read_finished, read_once
from dien_lightning.experiments.first_stages import (
    check_first_stage,
    first_job,
    first_stage_of,
    is_finished,
    kept_first_stage,
    of_pair,
)
from dien_lightning.experiments.reports.collected import difference_in_row
from dien_lightning.experiments.reports.table1_rows import TABLE_1, row_settings
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.settings import conditions, reads_start, same_run
from dien_lightning.experiments.stages import OF_PAIR
from dien_lightning.experiments.table_jobs import REMEDY, Job, Place, find_missing, grids_of, say_missing
from dien_lightning.experiments.translations import RECORD, translation_of

OWN = ("row", "ablation", "direction", "seed", "record", "resume", "group", "sweep")
"""train.py's keys that are set for each run."""
_SOURCE = "data.source_root"
"""Tells dien translate where the originals lie. A row trains on its translation's images: where those lie changes no
figure, for its settings are the experiment's."""


def check_records(
    jobs: Sequence[Job],
    place: Place,
    overrides: Sequence[str],
    translating: Sequence[str] = (),
    trained: Collection[Path] = (),
) -> dict[Job, DictConfig]:
    """Compare the records there are with what is asked for; gives the jobs without one, and their configurations.

    Args:
        jobs: of one experiment.
        place: of the experiment.
        overrides: of every training.
        translating: those that dien translate alone has.
        trained: see `check_first_stage`.

    Raises:
        ValueError: a record, a translation or a network to begin with is of a run with other settings, or the table
            could not hold a run that is missing beside a record.
    """
    missing = find_missing(jobs, place.records)
    kept = records_in(place.records) if missing else []
    configs: dict[Job, DictConfig] = {}
    images_of = read_once()
    for job in jobs:
        own = (f"ablation={job.row}", f"data={job.data}", f"seed={job.seed}")
        configs[job] = config = compose_config([f"experiment={place.experiment}", *overrides, *own])
        check_row(job.row, config)
        folder = translation_of(config)
        if job in missing:
            check_beside(job, conditions(config, in_precision=True), kept)
        else:
            path = place.records / f"{job.name}.json"
            read_finished(path, config, REMEDY, (_SOURCE,) if folder else (), images_of)
        if folder:
            path = folder / RECORD if job in missing else kept_translation(job, place)
            check_translation(path, _translated(job, place, [*overrides, *translating]))
        check_first_stage(job, config, place, overrides, has_record=job not in missing, trained=trained)
    if rows := {job.row: config.start for job, config in configs.items() if not reads_start(config)}:
        start, *_ = rows.values()
        raise ValueError(f"start={start} is read by no network of {', '.join(rows)}: leave out start, or these rows.")
    return {job: configs[job] for job in missing}


def check_row(row: str, config: DictConfig) -> None:
    """Raise a ValueError where the overrides of a training of Table I take away what its row is."""
    for name, value in row_settings(row).items() if row in TABLE_1 else ():
        if (given := OmegaConf.select(config, name)) != value:
            raise ValueError(f"{name}={given} makes another row of {row}, which has {value}: leave out key or row.")


def records_in(folder: Path) -> list[Results]:
    """Every record that lies there."""
    return Results.read_all([folder]) if any(folder.glob("*.json")) else []


def check_beside(job: Job, asked: Mapping[str, Any], kept: Sequence[Results]) -> None:
    """Refuse to make a run that its table would refuse when it is finished, as far as its own row and counting tell.

    Table I is computed in one precision; of the other tables a row on one pair is. What else two rows of Table I may
    not differ in is asked when the table is made.

    Args:
        job: without a record.
        asked: its `conditions`, or those of another command.
        kept: every record of the table.

    Raises:
        ValueError: a record of the job's row has other settings, or one that should have its precision has another.
    """
    for run in kept:
        if run.row == job.row:
            in_precision = job.row in TABLE_1 or run.direction == job.direction
            found = difference_in_row(run.conditions, asked, in_precision=in_precision)
        elif job.row in TABLE_1:
            counted = {"protocol": asked["protocol"]}
            found = difference_in_row({"protocol": run.protocol}, counted, in_precision=True)
        else:
            continue
        if found:
            raise ValueError(f"{run.path} has {found}, unlike {job.name}: no table holds both. {REMEDY}")


def complete(
    jobs: Sequence[Job],
    wanted: Mapping[Job, DictConfig],
    pairs: dict[str, DictConfig],
    place: Place,
    overrides: Sequence[str],
    *,
    translating: Sequence[str] = (),
) -> list[Job]:
    """Train what has no record, what it begins with first; gives the jobs that are without one then.

    Args:
        jobs: of one experiment.
        wanted: those of them that `check_records` found without a record.
        pairs: their data.
        place: of the experiment.
        overrides: of every training.
        translating: those that dien translate alone has.
    """
    there = len(jobs) - len(wanted)
    Console().print(f"{there} of {amount(len(jobs), 'run')} in {place.records}; {len(wanted)} to train.")
    if wanted:
        prepare(pairs)
        train_first_stage(wanted, place, overrides)
        translate(wanted, place, [*overrides, *translating])
        record = f"{place.records}/${{row}}_${{direction}}_${{seed}}.json"
        words = [as_word("record", record), *overrides]
        translated = [job for job, config in wanted.items() if translation_of(config)]
        unfinished = partial(find_missing, records=place.records)
        train([job for job in wanted if job not in translated], place, words, unfinished)
        train(translated, place, [word for word in words if not word.startswith(f"{_SOURCE}=")], unfinished)
        say_missing(find_missing(list(wanted), place.records), place)
    return find_missing(jobs, place.records)


def prepare(pairs: dict[str, DictConfig]) -> None:
    """Draw the data sets before several processes want them at once."""
    for pair in pairs.values():
        instantiate(pair, _convert_="all").prepare_data()


def train(
    jobs: Sequence[Job], place: Place, overrides: Sequence[str], unfinished: Callable[[Sequence[Job]], list[Job]]
) -> None:
    """Multiruns over grids that hold these jobs and no other.

    One for each grid is enough, unless a process is killed: joblib then starts no further job, and another multirun
    does.

    Args:
        jobs: of one experiment.
        place: of the experiment.
        overrides: of every training.
        unfinished: those of the jobs that have not left what they are wanted for.
    """
    for rows, data, seeds in grids_of(jobs):
        children.run(
            "train",
            "-m",
            f"ablation={','.join(rows)}",
            f"data={','.join(data)}",
            f"seed={','.join(seeds)}",
            "resume=true",
            as_word("run_dir", str(place.run_dir)),
            "hydra.sweep.subdir=${row}_${direction}_${seed}",
            "hydra/launcher=joblib",
            f"hydra.launcher.n_jobs={place.jobs}",
            "trainer.enable_progress_bar=false",  # two bars on one terminal are none
            f"experiment={place.experiment}",
            *overrides,
            OMP_NUM_THREADS="1",
        )
    left = unfinished(jobs)
    if len(left) < len(jobs) and not all((place.run_dir / job.name).exists() for job in left):
        train(left, place, overrides, unfinished)


def train_first_stage(configs: Mapping[Job, DictConfig], place: Place, overrides: Sequence[str]) -> None:
    """Train the networks that these runs begin with, where they are not there, and keep the record of each."""
    folders = {job: folder for job, config in configs.items() if (folder := first_stage_of(config))}
    wanted = {folder: first_job(job, folder) for job, folder in folders.items()}

    def unfinished(jobs: Sequence[Job]) -> list[Job]:
        return [job for folder, job in wanted.items() if job in jobs and not is_finished(folder)]

    if absent := unfinished(list(wanted.values())):
        stage = configs[next(iter(folders))].first_stage
        first = replace(place, experiment=stage.experiment, run_dir=Path(stage.run_dir))
        train(absent, first, of_pair(place.experiment, stage.experiment, overrides), unfinished)
    for job, config in configs.items():
        if config.start is not None and (results := Path(config.start).with_name("results.json")).is_file():
            Results.read(results).write(kept_first_stage(job.name, place.records))


def translate(configs: Mapping[Job, DictConfig], place: Place, overrides: Sequence[str]) -> None:
    """The translated sources of these runs, where they are not there; what each took is kept in any case."""
    for job, config in configs.items():
        folder = translation_of(config)
        if folder is None:
            continue
        if not (folder / RECORD).is_file():
            words = _translated(job, place, overrides)
            children.run("translate", *words, as_word("run_dir", str(folder)), "resume=true", OMP_NUM_THREADS="1")
        if (folder / RECORD).is_file():
            write_text(kept_translation(job, place), (folder / RECORD).read_text(encoding="utf-8"))


def kept_translation(job: Job, place: Place) -> Path:
    """Where what the translation of a job's source took is kept."""
    return place.records / "translations" / f"{job.direction}_{job.seed}.json"


def check_translation(path: Path, words: Sequence[str]) -> None:
    """Raise a ValueError where this translation is there, made with other settings than `dien translate WORDS` has."""
    from dien_lightning.experiments.translate import deciding, own_settings  # noqa: PLC0415 - needs rivals/

    if path.is_file():
        asked = deciding(own_settings(compose_config(words, command="translate"), words))
        same_run(str(path), read_json(path)["settings"], asked, REMEDY)


def _translated(job: Job, place: Place, overrides: Sequence[str]) -> list[str]:
    """What `dien translate` is given for a job."""
    shared = [word for word in overrides if word.startswith((*OF_PAIR, "spgan."))]
    return [f"experiment={place.experiment}", *shared, f"data={job.data}", f"seed={job.seed}"]
