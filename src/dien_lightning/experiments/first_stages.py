"""The runs that a table's rows begin with: where they lie, and whether they are the ones that would be trained."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path

from omegaconf import DictConfig

from dien_lightning.experiments.config import compose_config, key_of
from dien_lightning.experiments.keys import folders
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.run_folder import config_of
from dien_lightning.experiments.settings import conditions, same_run
from dien_lightning.experiments.stages import OF_PAIR, pair_of
from dien_lightning.experiments.table_jobs import REMEDY, Job, Place

_NETWORK, _RESULTS = "network.safetensors", "results.json"


def first_stage_of(config: DictConfig) -> Path | None:
    """The folder of the run that a job begins with; None where it begins with none, or with a network of the user's."""
    stage = config.get("first_stage")
    if stage is None or config.start is None:
        return None
    folder = Path(config.start).parent
    is_a_rows = folder.parent == Path(stage.run_dir) and folder.name.endswith(_suffix(config.direction, config.seed))
    return folder if is_a_rows else None


def first_job(job: Job, folder: Path) -> Job:
    """The job that leaves this folder, for another that begins with it."""
    return job._replace(row=folder.name.removesuffix(_suffix(job.direction, job.seed)))


def is_finished(folder: Path) -> bool:
    """Whether a first run left its last two files; one that was killed between them goes on."""
    return (folder / _NETWORK).is_file() and (folder / _RESULTS).is_file()


def of_pair(experiment: str, first: str, overrides: Sequence[str]) -> list[str]:
    """The pair of a table's runs, and their precision, for the first ones: what its experiment and the overrides say.

    Args:
        experiment: file in conf/experiment.
        first: that of the first runs.
        overrides: of every training.
    """
    given = [word for word in overrides if word.startswith((*OF_PAIR, "trainer.precision="))]
    return [*_named_pair(experiment, first, tuple(given), *folders()), *given]


@cache
def _named_pair(experiment: str, first: str, given: Sequence[str], *searched: Path) -> list[str]:
    """What an experiment says of its pair, but for the file in conf/data, which is the job's."""
    return [word for word in pair_of([f"experiment={experiment}", *given], first) if key_of(word) != "data"]


def kept_first_stage(name: str, records: Path) -> Path:
    """Where the record of the network is that a run of this name began with; two runs may begin with different ones."""
    return records / "first_stage" / f"{name}.json"


def check_first_stage(
    job: Job,
    config: DictConfig,
    place: Place,
    overrides: Sequence[str],
    *,
    has_record: bool,
    trained: Collection[Path] = (),
) -> None:
    """Compare the run that a job begins with, as far as it is there, with the one that would be trained in its place.

    Args:
        job: that begins with it, or with none.
        config: of the job.
        place: of the job's experiment, which may name the pair.
        overrides: of every training.
        has_record: whether the job has its record, and the first run's beside it; else it is to be trained.
        trained: folders of runs that the same command trains by all overrides, not only by those of the pair.

    Raises:
        ValueError: it is of a run with other settings, or nothing says what it was trained on.
    """
    folder = first_stage_of(config)
    if folder is None:
        return
    path, remedy = folder, f"Choose first_stage.run_dir=DIR, where it is trained, or delete {folder}."
    if has_record:
        path, remedy = kept_first_stage(job.name, place.records), REMEDY
    if path.is_file() or (path / _RESULTS).is_file():
        found = Results.read(path).conditions
    elif begun := config_of(path):
        found = conditions(begun)
    elif (path / _NETWORK).is_file():
        raise ValueError(f"{path} has {_NETWORK} and no {_RESULTS}: nothing says what it was trained on. {remedy}")
    else:
        return
    first, experiment = first_job(job, folder), config.first_stage.experiment
    own = (f"ablation={first.row}", f"data={first.data}", f"seed={first.seed}")
    shared = overrides if folder in trained else of_pair(place.experiment, experiment, overrides)
    asked = conditions(compose_config([f"experiment={experiment}", *shared, *own]))
    same_run(str(path), found, asked, remedy)


def _suffix(direction: str, seed: str | int) -> str:
    return f"_{direction}_{seed}"
