"""Where a run's figures come from: the command and the commit that repeat them."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from dien_lightning import DomainPairDataModule
from dien_lightning.experiments.keys import CONFIG_DIR
from dien_lightning.experiments.settings import settings_of


def describe(config: DictConfig) -> dict[str, Any]:
    """What `Results` holds of a run besides its figures."""
    return {
        "row": config.row or "",
        "direction": config.direction,
        "seed": config.seed,
        "command": command_line("train"),
        "settings": settings_of(config),
        "commit": commit(),
    }


def trials(data: DomainPairDataModule) -> dict[str, Any]:
    """Which of its authors' splits each set was read in, as `protocol` says it; nothing where they give one alone."""
    sets = {"target": data.target, **({"source": data.source} if "source" in data.fingerprints else {})}
    found = {role: splits.trial for role, splits in sets.items() if splits.trial}
    return {"trials": found} if found else {}


def fingerprints_of(data: DomainPairDataModule) -> dict[str, dict[str, Any]]:
    """What `Results` keeps of the images; whose the first image of each identity is, stays in the checkpoint."""
    kept = ("images", "files")
    return {role: {name: found[name] for name in kept} for role, found in data.fingerprints.items()}


def commit() -> str:
    """The commit of this code, with "-dirty" where src, conf or scripts differ from it; empty without git."""
    source, root = Path(__file__).resolve().parents[2:4]  # the user may stand in another repository
    if source.name != "src":
        return ""  # installed, perhaps inside a repository of the user's
    git = ("git", "--no-optional-locks")  # `status` would lock the index, and a command of the user's own would fail
    try:
        head, changed = (
            subprocess.run([*git, *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
            for words in (
                ("rev-parse", "--short", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no", "--", "src", "conf", "scripts"),
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return ""  # git is not installed, or this is no clone
    return f"{head}-dirty" if changed else head


def command_line(command: str) -> str:
    """The command that repeats this run from its start; `resume` and `record` are left out."""
    overrides = [word for word in HydraConfig.get().overrides.task if not word.startswith(("resume=", "record="))]
    own = os.environ.get(CONFIG_DIR)
    return shlex.join(["dien", command, *(["--config-dir", own] if own else []), *overrides])
