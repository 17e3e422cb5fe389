"""What a finished run's record says of where its figures come from, and whether it is the run that is asked for."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from dien_lightning.experiments.config import protocol
from dien_lightning.experiments.reports.run_files import read_json
from dien_lightning.experiments.settings import difference
from dien_lightning.training import resolve_precision

_SETTINGS = ("data", "network", "objective", "optim", "trainer")


def describe(config: DictConfig) -> dict[str, Any]:
    """What a reader needs to repeat the run: row, direction, seed, command, settings, commit.

    A run that was resumed with other settings has them in `changes`, too: no one command repeats it.
    """
    about = {
        "row": config.row,
        "direction": config.direction,
        "seed": config.seed,
        "command": command_line("train"),
        "settings": settings_of(config),
        "commit": commit(),
    }
    return about | ({"changes": list(config.changes)} if "changes" in config else {})


def commit() -> str | None:
    """The commit of this code, with "-dirty" where src, conf or scripts differ from it; None without git."""
    root = Path(__file__).resolve().parents[3]  # the user may stand in another repository
    try:
        head, changed = (
            subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
            for words in (
                ("rev-parse", "--short", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no", "--", "src", "conf", "scripts"),
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return None  # git is not installed, or this is no clone
    return f"{head}-dirty" if changed else head


def settings_of(config: DictConfig) -> dict[str, Any]:
    """What a reader needs to know of a configuration to repeat its run."""
    return {key: OmegaConf.to_container(config[key], resolve=True) for key in _SETTINGS}


def read_record(
    record: Path,
    config: DictConfig,
    *,
    in_precision: bool = False,
    remedy: str = "Choose another record (scripts/table.py: records=DIR run_dir=DIR output=DIR), or delete it.",
) -> dict[str, Any]:
    """A finished run's results, unless they are of other settings, or counted otherwise, than is asked for now.

    Args:
        record: file.
        config: what is asked for.
        in_precision: whether it has to have computed in the same numbers, too.
        remedy: what the user may do where they are.

    Raises:
        ValueError: names what differs; or the record is torn.
    """
    found: dict[str, Any] = read_json(record)
    counting: dict[str, Any] = protocol(config).describe()
    if in_precision:
        counting["precision"] = resolve_precision(config.trainer.precision)
    had = {**found.get("settings", {}), "protocol": found.get("protocol", {})}
    asked = {**settings_of(config), "protocol": counting}
    if other := ", ".join(found.get("changes", [])) or difference(had, asked):
        raise ValueError(f"{record} is of a run with {other}, so it is no record of this one. {remedy}")
    return found


def command_line(script: str) -> str:
    """The one command that repeats this run, from its start and without the record that is kept of it."""
    overrides = [word for word in HydraConfig.get().overrides.task if not word.startswith(("resume=", "record="))]
    return shlex.join(["python", f"scripts/{script}.py", *overrides])
