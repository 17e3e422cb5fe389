"""A finished run, or its record, in the place of the one that is asked for: of the same settings and images."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from dien_lightning.experiments.provenance import fingerprints_of
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.settings import conditions, same_run


def read_finished(path: Path, config: DictConfig, remedy: str, ignored: Collection[str] = ()) -> Results:
    """Read a finished run that is kept instead of another training.

    Args:
        path: its folder, or its record.
        config: of the run that is asked for.
        remedy: what the user may do if it is another.
        ignored: see `same_run`.

    Raises:
        ValueError: it has other settings, or saw other images than those that lie there now, as far as it says which.
    """
    run = Results.read(path)
    same_run(str(path), run.conditions, conditions(config), remedy, ignored)
    if not run.fingerprints:
        return run
    try:
        there = fingerprints_of(instantiate(config.data, _convert_="all"))
    except FileNotFoundError:
        return run
    for role, now in there.items():
        if (had := run.fingerprints.get(role, now)) != now:
            told = f"{had['images']} images of its {role} (not {now['images']})"
            if had["images"] == now["images"]:
                told = f"other names or identities of its {role}'s images"
            raise ValueError(f"{path} is of a run with {told}, so it is not the one asked for. {remedy}")
    return run
