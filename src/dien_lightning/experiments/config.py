"""Composes conf/ without running Hydra, and turns parts of it into names, a recipe and a Protocol."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict

from dien_lightning import Protocol
from dien_lightning.checks import check_int, check_keywords, check_path
from dien_lightning.experiments.keys import (
    CONF,
    CONFIGS,
    did_you_mean,
    folders,
    groups_of,
    keys_of,
    keys_of_choices,
)
from dien_lightning.experiments.settings import counted
from dien_lightning.training import Recipe

SWEPT = "DIEN_SWEPT"
_SIDES = ("source", "target")
_LONGEST_NAME = 120  # file systems allow 255 bytes, some encrypted ones 143
_UNQUOTED = re.compile(r"(?!(?:null|true|false|nan|inf)$)(?:[a-z_]|\.{0,2}/)(?:[\w./:+-]|\$\{\w+\})*", re.ASCII | re.I)


def compose_config(overrides: Sequence[str], *, command: str = "train", with_hydra: bool = False) -> DictConfig:
    """The configuration of `dien train` with these overrides, without running it.

    Args:
        overrides: as on the command line.
        command: another of Hydra's.
        with_hydra: with Hydra's own part, which says what was chosen from conf/ and what is swept.
    """
    config = _compose(CONFIGS[command], overrides)
    with open_dict(config):
        if OmegaConf.is_interpolation(config, "direction"):  # which asks a running Hydra, and none runs here
            sets = (None if OmegaConf.is_missing(config.data, side) else config.data[side] for side in _SIDES)
            config.direction = direction_of(config.hydra.runtime.choices.data, *sets)
        if not with_hydra:
            del config.hydra
    return config


def _compose(name: str, overrides: Sequence[str]) -> DictConfig:
    """One file of conf/ with these overrides, and with Hydra's own part."""
    others = [f'"file://{folder}"' for folder in folders() if folder != CONF]
    search = [f"hydra.searchpath=[{','.join(others)}]"] if others else []
    runs = GlobalHydra.instance().is_initialized()  # and knows the folders: `direction_of` is asked by a command, too
    with nullcontext() if runs else initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(name, [*search, *overrides], return_hydra_config=True)


def _file(group: str, choice: str) -> Path | None:
    """Where the file of a group lies."""
    return next((path for folder in folders() if (path := folder / group / f"{choice}.yaml").is_file()), None)


def key_of(word: str) -> str:
    """The key of a `key=value`, without Hydra's signs for one that is new or goes."""
    return word.partition("=")[0].lstrip("+~")


def as_word(key: str, value: Any) -> str:
    """`key=value` for Hydra: a text that it would read as something else, or not at all, is quoted; None is null.

    Example:
        >>> as_word("run_dir", "outputs/mine"), as_word("run_dir", "a=1"), as_word("seed", 1), as_word("group", "1")
        ('run_dir=outputs/mine', 'run_dir="a=1"', 'seed=1', 'group="1"')
        >>> as_word("data.target_root", None)
        'data.target_root=null'
    """
    if value is None:
        value = "null"
    elif isinstance(value, str) and not _UNQUOTED.fullmatch(value):
        value = QuotedString(value, Quote.double).with_quotes()
    return f"{key}={value}"


def both_ways(experiment: str) -> list[str]:
    """The experiment's file in conf/data, and the one of the other way where there is one.

    Example:
        >>> both_ways("duke2market"), both_ways("table")
        (['duke2market', 'market2duke'], ['day2night', 'night2day'])
    """
    config = compose_config([f"experiment={experiment}"], with_hydra=True)
    there: str = config.hydra.runtime.choices.data
    if direction_of(there, config.data.source, config.data.target) != there:
        return [there]  # the experiment names other sets than its file
    back = "2".join(reversed(there.split("2")))
    return [there, back] if back != there and _file("data", back) else [there]


def direction_of(choice: str, source: Any, target: Any) -> str:
    """A pair's name: its file's in conf/data where the two sets are those of the file, else those of the sets.

    Example:
        >>> direction_of("market2duke", "market1501", "dukemtmcreid"), direction_of("market2duke", "cuhk03", "msmt17")
        ('market2duke', 'cuhk03_to_msmt17')
    """
    if _sets_of(choice, *folders()) == (source, target):
        return choice
    return "_to_".join(
        sets if isinstance(sets, str) else "+".join(map(str, sets or ["none"])) for sets in (source, target)
    )


@cache
def _sets_of(choice: str, *searched: Path) -> tuple[Any, ...]:
    """Source and target as a file in conf/data names them; `...` for one that it leaves open.

    Args:
        choice: name of the file.
        searched: folders that conf/data may lie in.
    """
    data = _compose(CONFIGS["train"], [f"data={choice}"]).data
    return tuple(data.get(side, ...) for side in _SIDES)


def folder_name(overrides: str, params: Mapping[str, Any] | None = None) -> str:
    """The overrides of a job as a folder name.

    A name that would be too long starts with the swept keys, is cut, and ends in a digest.

    Args:
        overrides: as Hydra joins them.
        params: what a file in conf/sweep sweeps; what the command line sweeps is known from `note_swept`.

    Example:
        >>> folder_name("data_root=/datasets,seed=0"), len(folder_name("seed=0," * 99))
        ('data_root=_datasets,seed=0', 120)
    """
    name = overrides.replace("/", "_")  # one folder, not several
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    digest = hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
    swept = [*os.environ.get(SWEPT, "").split(","), *(params or ())]
    words = re.split(r",(?=[+~]*[\w./@]+=)", name)
    first = [word for word in words if key_of(word) in swept]
    name = ",".join([*first, *(word for word in words if word not in first)])
    kept = name.encode()[: _LONGEST_NAME - len(digest) - 1].decode(errors="ignore")
    return f"{kept}~{digest}"


def note_swept(arguments: Sequence[str]) -> None:
    """Keep which keys a multirun sweeps, for `folder_name` in the processes of its jobs."""
    words = [word for word in arguments if "=" in word and not word.startswith("-")]
    with suppress(HydraException):  # Hydra says what is wrong with a word
        parsed = OverridesParser.create().parse_overrides(words)
        os.environ[SWEPT] = ",".join(word.key_or_group for word in parsed if word.is_sweep_override())


OmegaConf.register_new_resolver("folder_name", folder_name, replace=True)
OmegaConf.register_new_resolver("direction_of", direction_of, replace=True)


def optim(config: DictConfig) -> dict[str, Any]:
    """What conf/optim says as arguments of `DIENModule`: its recipe, and the rest by name."""
    given: Any = OmegaConf.to_container(config.optim, resolve=True)
    of_recipe = [field.name for field in fields(Recipe)]
    known = [*of_recipe, "supervise"]
    for name in given:
        if name not in known:
            raise ValueError(f"optim has no {name!r}; it has {', '.join(known)}.")
    recipe = Recipe(**{name: given.pop(name) for name in of_recipe if name in given})
    return {"recipe": recipe, **given}


def check_paths(config: DictConfig, *names: str) -> None:
    """Raise a ValueError where one of these is no text; record=null keeps none."""
    for name in names:
        if name != "record" or config.record is not None:
            check_path(name, config[name])


def check_seed(seed: Any) -> None:
    """Raise a ValueError unless it is one of NumPy's seeds."""
    check_int("seed", seed, 0, "all that is random follows from it")
    if seed >= 2**32:
        raise ValueError(f"seed={seed} is too large for NumPy; choose one below {2**32}.")


def check_epochs(config: DictConfig) -> None:
    """Raise a ValueError unless a training has a whole number of epochs."""
    check_int("trainer.max_epochs", config.trainer.max_epochs, 1, "it is the length of the training")


def check_own_files(config: DictConfig, overrides: Sequence[str]) -> None:
    """Raise a ValueError where a file of the user's in conf/ sets nothing, or a key that nothing reads.

    Args:
        config: not resolved yet: a name of the user's own is one that an interpolation reads.
        overrides: of the command line, where a new key is written +key=value.
    """
    for group in ("experiment", "ablation", "sweep"):
        if config.get(group) is not None:
            raise ValueError(
                f"{group}=... names a file that sets nothing, for it lacks the line `# @package _global_`; begin it so."
            )
    trainings = ("train", "translate")
    keys = [key for own in (*map(keys_of, trainings), *keys_of_choices().values()) for key in own]
    groups = [group for command in trainings for group in groups_of(command)]
    names = [*dict.fromkeys([*groups, *(key.name for key in keys)])]
    known = {name.partition(".")[0] for name in (*names, *map(key_of, overrides))}
    read = OmegaConf.to_yaml(config)
    if HydraConfig.initialized():
        read += OmegaConf.to_yaml(HydraConfig.get())
    for name in (str(key) for key in config if key != "hydra"):
        if name not in known and not re.search(rf"\$\{{(?:[^}}]*[:,] *)?\.*{re.escape(name)}\b", read):
            raise ValueError(
                f"{name} is set in a file of yours, and nothing reads it{did_you_mean(name, names)} If other keys of "
                f"yours are to use it, write ${{{name}}} in them; to keep it unread, give +{name}=VALUE instead."
            )


def protocol(config: DictConfig) -> Protocol:
    """How to count; without cameras, matches from the query's own camera stay."""
    check_keywords("protocol", config.protocol, Protocol)
    return Protocol(**counted(config))
