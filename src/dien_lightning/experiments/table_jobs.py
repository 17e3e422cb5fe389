"""Which runs a table is made of, where they and their records lie, and which of them are missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from omegaconf import DictConfig
from rich.console import Console

from dien_lightning.experiments.config import compose_config, direction_of, key_of

T = TypeVar("T")
REMEDY = "Run it from an empty folder, which then has its own records, runs and table."
"""What to do where a record is of a run with other settings."""


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


def say_missing(jobs: Sequence[Job], place: Place) -> None:
    """Name the runs that were wanted and have no record."""
    for job in jobs:
        said = f"{job.name} has no record: see {place.run_dir}/{job.name}; the same command goes on with it."
        Console().print(said, soft_wrap=True)


def find_missing(jobs: Sequence[Job], records: Path) -> list[Job]:
    """The jobs without a record, in their order."""
    return [job for job in jobs if not (records / f"{job.name}.json").is_file()]


def compose_pairs(data: Sequence[str], experiment: str, overrides: Sequence[str]) -> dict[str, DictConfig]:
    """The data of each file in conf/data as an experiment and these overrides leave it, without what rows set there.

    Args:
        data: the files.
        experiment: file in conf/experiment.
        overrides: of every training; keys that are no pair's, or that the file of a row alone has, are passed over.

    Raises:
        ValueError: a pair is named twice.
    """
    chosen = f"experiment={experiment}"
    known = compose_config([chosen]).data.keys()
    own = [word for word in overrides if word.startswith("data_root=") or _key_of_data(word) in known]
    pairs = {name: compose_config([chosen, *own, f"data={name}"]).data for name in data}
    named = {direction_of(name, pair.source, pair.target) for name, pair in pairs.items()}
    if len(named) < len(data):
        raise ValueError(f"data={','.join(data)} comes to {', '.join(named)}: name each pair once.")
    return pairs


def _key_of_data(word: str) -> str:
    """`image_size` of `data.image_size=[64,32]`; empty where the word is of another group."""
    group, *rest = key_of(word).split(".")
    return rest[0] if group == "data" and rest else ""


def grids_of(jobs: Sequence[Job]) -> list[tuple[list[str], list[str], tuple[str, ...]]]:
    """Rows, pairs and seeds of few grids that hold each of these jobs, and no other.

    Example:
        >>> grids_of([Job(row, "day2night", seed, "day2night") for row, seed in ("a0", "a1", "b0", "b1", "c1")])
        [(['a', 'b'], ['day2night'], ('0', '1')), (['c'], ['day2night'], ('1',))]
    """
    by_row = _alike((job.row, (job.data, job.seed)) for job in jobs)
    return [(rows, data, seeds) for cells, rows in by_row.items() for seeds, data in _alike(cells).items()]


def _alike(pairs: Iterable[tuple[str, T]]) -> dict[tuple[T, ...], list[str]]:
    """Of (key, value) pairs the keys that have the same values, by these."""
    values: dict[str, list[T]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    keys: dict[tuple[T, ...], list[str]] = {}
    for key, own in values.items():
        keys.setdefault(tuple(own), []).append(key)
    return keys
