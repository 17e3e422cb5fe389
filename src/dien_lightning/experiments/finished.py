"""A finished run, or its record, in the place of the one that is asked for: of the same settings and images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from dien_lightning.experiments.provenance import fingerprints_of
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.settings import conditions, same_run

Images = Mapping[str, Mapping[str, Any]]
"""What `Results.fingerprints` says of each domain."""


def fingerprints_there(config: DictConfig) -> Images:
    """Of the images that lie there now: of both sets of a run's configuration, of its target, or of none."""
    for changed in ({}, {"source": None, "source_root": None}):
        with suppress(FileNotFoundError):
            return fingerprints_of(instantiate(config.data, **changed, _convert_="all"))
    return {}


def read_once() -> Callable[[DictConfig], Images]:
    """`fingerprints_there` for many runs of few pairs: each is read once."""
    found: dict[str, Images] = {}

    def read(config: DictConfig) -> Images:
        pair = repr({**OmegaConf.to_container(config.data, resolve=True), "seed": None})  # type: ignore[dict-item]
        if pair not in found:
            found[pair] = fingerprints_there(config)
        return found[pair]

    return read


def read_finished(
    path: Path,
    config: DictConfig,
    remedy: str,
    ignored: Collection[str] = (),
    images_of: Callable[[DictConfig], Images] | None = fingerprints_there,
    *,
    conditions_of: Callable[[DictConfig], Mapping[str, Any]] = conditions,
) -> Results:
    """Read a finished run that is kept instead of another training.

    Args:
        path: its folder, or its record.
        config: of the run that is asked for.
        remedy: what the user may do if it is another.
        ignored: see `same_run`.
        images_of: what lies there now; None does not compare it.
        conditions_of: what its figures depend on; a training's if not given.

    Raises:
        ValueError: it has other settings, or saw other images than those that lie there now, as far as it says which.
    """
    run = Results.read(path)
    same_run(str(path), run.conditions, conditions_of(config), remedy, ignored)
    if not run.fingerprints or images_of is None:
        return run
    for role, now in images_of(config).items():
        if (had := run.fingerprints.get(role, now)) != now:
            told = f"{had['images']} images of its {role} (not {now['images']})"
            if had["images"] == now["images"]:
                told = f"other names or identities of its {role}'s images"
            raise ValueError(f"{path} is of a run with {told}, so it is not the one asked for. {remedy}")
    return run
