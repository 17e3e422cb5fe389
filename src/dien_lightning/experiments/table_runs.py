"""Which runs a table is made of, and the trainings of those that are missing: multiruns of `dien train`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from dien_lightning.experiments import children
from dien_lightning.experiments.config import compose_config, direction_of
from dien_lightning.experiments.files import write_text
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.settings import conditions, same_run
from dien_lightning.experiments.stages import OF_PAIR
from dien_lightning.experiments.translations import RECORD, translation_of

OWN = ("row", "ablation", "direction", "seed", "record", "resume", "group", "sweep")
"""train.py's keys that are set for each run."""
_MADE = ("data.source_root",)  # where a translation lies changes no figure: its settings are the experiment's


class Job(NamedTuple):
    """One run of the table.

    Attributes:
        row: file in conf/ablation.
        data: file in conf/data.
        seed: of everything drawn.
        direction: the pair's name, which is the file's unless another set is named.
    """

    row: str
    data: str
    seed: str
    direction: str

    @property
    def name(self) -> str:
        """Of its record and of its folder."""
        return f"{self.row}_{self.direction}_{self.seed}"


@dataclass(frozen=True)
class Place:
    """An experiment, where its runs and their records lie, and how many of them train at a time.

    Attributes:
        experiment: file in conf/experiment.
        records: folder of finished runs' records.
        run_dir: folder of run folders.
        jobs: trainings at a time.
    """

    experiment: str
    records: Path
    run_dir: Path
    jobs: int

    @classmethod
    def of(cls, experiment: str, jobs: int) -> Place:
        """Where an experiment's table keeps what it makes, unless it is told otherwise."""
        suffix = "" if experiment == "table" else f"_{experiment}"
        return cls(experiment, Path(f"results/runs{suffix}"), Path(f"outputs/{experiment}"), jobs)


def jobs_of(rows: Sequence[str], pairs: dict[str, DictConfig], seeds: Sequence[int]) -> list[Job]:
    """Every row, pair and seed."""
    return [
        Job(row, name, str(seed), direction_of(name, pair.source, pair.target))
        for row in rows
        for name, pair in pairs.items()
        for seed in seeds
    ]


def complete(jobs: Sequence[Job], pairs: dict[str, DictConfig], place: Place, overrides: Sequence[str]) -> list[Job]:
    """Train what has no record, what it begins with first; gives the jobs that are without one then.

    Args:
        jobs: of one experiment.
        pairs: their data.
        place: of the experiment.
        overrides: of every training.

    Raises:
        ValueError: a record is of a run with other settings.
    """
    chosen = [f"experiment={place.experiment}", *overrides]
    missing = find_missing(jobs, place.records)
    configs = {job: compose_config([*chosen, *_of_job(job)]) for job in jobs}
    for job, config in configs.items():
        if job not in missing:
            asked = conditions(config, in_precision=bool(missing))  # one table is computed in one precision
            path, remedy = place.records / f"{job.name}.json", "Choose records=DIR run_dir=DIR output=DIR."
            same_run(str(path), Results.read(path).conditions, asked, remedy, _MADE if translation_of(config) else ())
    Console().print(f"{len(jobs) - len(missing)} of {len(jobs)} runs are in {place.records}; {len(missing)} to train.")
    if missing:
        prepare(pairs)
        wanted = {job: configs[job] for job in missing}
        train_first_stage(wanted, place, chosen)
        translate(wanted, place, chosen)
        train(missing, place, chosen)
        say_missing(find_missing(missing, place.records), place)
    return find_missing(jobs, place.records)


def say_missing(jobs: Sequence[Job], place: Place) -> None:
    """Name the runs that were wanted and have no record."""
    for job in jobs:
        said = f"{job.name} has no record: see {place.run_dir}/{job.name}; the same command goes on with it."
        Console().print(said, soft_wrap=True)


def find_missing(jobs: Sequence[Job], records: Path) -> list[Job]:
    """The jobs without a record, in their order."""
    return [job for job in jobs if not (records / f"{job.name}.json").is_file()]


def compose_pairs(data: Sequence[str], overrides: Sequence[str]) -> dict[str, DictConfig]:
    """The data of each file in conf/data, as these overrides leave it.

    Raises:
        ValueError: a pair is named twice.
    """
    pairs = {name: compose_config([*overrides, f"data={name}"]).data for name in data}
    named = {direction_of(name, pair.source, pair.target) for name, pair in pairs.items()}
    if len(named) < len(data):
        raise ValueError(f"data={','.join(data)} comes to {', '.join(named)}: name each pair once.")
    return pairs


def prepare(pairs: dict[str, DictConfig]) -> None:
    """Draw the data sets before several processes want them at once."""
    for pair in pairs.values():
        instantiate(pair, _convert_="all").prepare_data()


def train(missing: Sequence[Job], place: Place, overrides: Sequence[str]) -> None:
    """Multiruns over the grid that holds all missing jobs; train.py passes over those that have a record.

    One is enough, unless a process is killed: then joblib starts no further job, and another multirun does.
    """
    axes = {
        axis: list(dict.fromkeys(values)) for axis, values in zip(Job._fields, zip(*missing, strict=True), strict=True)
    }
    children.train(
        "-m",
        f"ablation={','.join(axes['row'])}",
        f"data={','.join(axes['data'])}",
        f"seed={','.join(axes['seed'])}",
        "resume=true",
        f"run_dir={place.run_dir}",
        f"record={place.records}/${{row}}_${{direction}}_${{seed}}.json",
        "hydra.sweep.subdir=${row}_${direction}_${seed}",
        "hydra/launcher=joblib",
        f"hydra.launcher.n_jobs={place.jobs}",
        "trainer.enable_progress_bar=false",  # two bars on one terminal are none
        *overrides,
        OMP_NUM_THREADS="1",
    )
    left = find_missing(missing, place.records)
    if len(left) < len(missing) and not all((place.run_dir / job.name).exists() for job in left):
        train(left, place, overrides)


def train_first_stage(configs: Mapping[Job, DictConfig], place: Place, overrides: Sequence[str]) -> None:
    """The networks that these runs begin with, where they are not there; the record of each is kept in any case."""
    first = Place.of("table", place.jobs)
    wanted: dict[Path, Job] = {}
    for job, config in configs.items():
        if config.start is not None:
            run_dir = Path(config.first_stage.run_dir)
            first = Place(config.first_stage.experiment, run_dir, run_dir, place.jobs)
            folder = Path(config.start).parent
            wanted[folder] = job._replace(row=folder.name.removesuffix(f"_{job.direction}_{job.seed}"))
    absent = [job for folder, job in wanted.items() if not (folder / "network.safetensors").is_file()]
    if absent:
        shared = [word for word in overrides if word.startswith(OF_PAIR)]
        train(absent, first, [f"experiment={first.experiment}", *shared])
    for folder, job in wanted.items():
        record = place.records / "first_stage" / f"{job.name}.json"
        if (folder / "results.json").is_file():
            Results.read(folder).write(record)


def translate(configs: Mapping[Job, DictConfig], place: Place, overrides: Sequence[str]) -> None:
    """The translated sources of these runs, where they are not there; what each took is kept in any case."""
    shared = [word for word in overrides if word.startswith((*OF_PAIR, "experiment=", "spgan."))]
    for job, config in configs.items():
        folder = translation_of(config)
        if folder is None:
            continue
        if not (folder / RECORD).is_file():
            one = (f"data={job.data}", f"seed={job.seed}", f"run_dir={folder}", "resume=true")
            children.run("translate", *shared, *one, OMP_NUM_THREADS="1")
        if (folder / RECORD).is_file():
            kept = place.records / "translations" / f"{job.direction}_{job.seed}.json"
            write_text(kept, (folder / RECORD).read_text(encoding="utf-8"))


def _of_job(job: Job) -> tuple[str, str, str]:
    return f"ablation={job.row}", f"data={job.data}", f"seed={job.seed}"
