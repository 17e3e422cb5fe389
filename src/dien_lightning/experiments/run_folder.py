"""A run's folder: claimed by a new run, or taken up where it was left."""

from __future__ import annotations

import errno
import math
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.utilities import rank_zero_info

from dien_lightning.experiments.provenance import settings_of
from dien_lightning.experiments.reports.run_files import read_json
from dien_lightning.experiments.results import write_text
from dien_lightning.experiments.settings import changed, difference
from dien_lightning.processes import is_first_process
from dien_lightning.training import find_checkpoint

_WRITTEN = ("results.json", "rankings.json", "metrics.csv", "network.safetensors", "checkpoints/last.ckpt")
_LENGTH = ("trainer.max_epochs", "trainer.max_steps")


def claim(run_dir: Path, resume: bool) -> Path | None:
    """Make the run's folder, or take up the run in it.

    Returns:
        The checkpoint to go on from, None for a new run.

    Raises:
        FileExistsError: the folder holds a run and `resume` is not asked for, or files of something else that a run
            would overwrite.
        OSError: nothing can be written there.
        ValueError: its checkpoints cannot be read.
    """
    if is_first_process():
        holds_run = (run_dir / "config.yaml").exists()
        if holds_run and not resume:
            raise FileExistsError(
                f"run_dir={run_dir} holds a run; add resume=true to go on with it, or choose another."
            )
        others = [name for name in _WRITTEN if (run_dir / name).exists()]
        if others and not holds_run:
            raise FileExistsError(
                f"run_dir={run_dir} holds {others[0]} of something else, which would be overwritten; choose another."
            )
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=run_dir) as file:
            file.write(bytes(4096))
    except OSError as error:
        raise OSError(
            f"run_dir={run_dir} cannot be written to ({error.strerror}); give write access, make room or take another."
        ) from error
    return find_checkpoint(run_dir / "checkpoints") if resume else None


@contextmanager
def held(run_dir: Path) -> Iterator[None]:
    """Keep other processes from training in the run's folder; where no file can be locked, go on.

    Raises:
        ValueError: another one trains there.
    """
    if not is_first_process():
        yield
        return
    try:
        import fcntl  # noqa: PLC0415 - not on Windows

        run_dir.mkdir(parents=True, exist_ok=True)
        file = (run_dir / ".lock").open("a")
    except (ImportError, OSError):
        yield  # `claim` says what is wrong with a folder
        return
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a forked loader does not hold it, unlike flock's
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                raise ValueError(
                    f"run_dir={run_dir} is being trained in by another process; wait for its end, or choose another."
                ) from error
        yield


def check_resumed(config: DictConfig, run_dir: Path) -> None:
    """Refuse to give a run other settings where its figures would be passed off as theirs.

    That is so where the run has ended and is not made longer, and where a record is kept of it. Else it goes on with
    the new settings, and `keep_changes` says so.

    Raises:
        ValueError: names what differs.
    """
    if not config.resume or not is_first_process():
        return
    now, had = settings_of(config), None
    if (run_dir / "results.json").exists():
        had = read_json(run_dir / "results.json").get("settings", {})
    if config.record is not None:
        before = _config_of(run_dir)
        other = ", ".join(before.get("changes", [])) or difference(had or before, now)
    else:
        other = "" if had is None or _goes_further(now, had) else difference(had, now)
    if other:
        raise ValueError(
            f"run_dir={run_dir} holds a run with {other}, and its figures would be taken for this one's; choose "
            f"another run_dir."
        )


def _config_of(run_dir: Path) -> dict[str, Any]:
    """What lies in the run's config.yaml; empty where there is none."""
    path = run_dir / "config.yaml"
    found: Any = OmegaConf.to_container(OmegaConf.load(path)) if path.exists() else {}
    return found


def _goes_further(now: dict[str, Any], had: dict[str, Any]) -> bool:
    """Whether more epochs or steps are asked for; None and -1 have no end."""
    for end in ("max_epochs", "max_steps"):
        one, other = (each.get("trainer", {}).get(end) for each in (now, had))
        if (math.inf if one in (None, -1) else one) > (math.inf if other in (None, -1) else other):
            return True
    return False


def keep_wandb_run(config: DictConfig, run_dir: Path) -> None:
    """Give the run's id at W&B, which is kept in config.yaml: a resumed run goes on in the same one."""
    if "wandb" in config.logger and config.logger.wandb.get("id") is None:
        before = OmegaConf.create(_config_of(run_dir) if config.resume else {})
        known = OmegaConf.select(before, "logger.wandb.id")
        OmegaConf.update(config, "logger.wandb.id", known or secrets.token_hex(4), force_add=True)


def keep_changes(config: DictConfig, run_dir: Path) -> None:
    """Say with which new settings a run goes on from its checkpoint, and leave them in its configuration for good.

    More epochs are no change: where the schedule cannot be made longer, that is refused later.
    """
    had, now = _config_of(run_dir), settings_of(config)
    found = changed(had, now, ignoring=_LENGTH if _goes_further(now, had) else ())
    new = [f"{name} {before} -> {asked}" for name, (before, asked) in found.items()]
    if new and is_first_process():
        rank_zero_info(f"{run_dir / 'config.yaml'} differed: {', '.join(new)}. The run goes on with the new values.")
    if kept := [*had.get("changes", []), *new]:
        OmegaConf.update(config, "changes", kept, force_add=True)


def write_config(config: DictConfig, run_dir: Path) -> None:
    """Leave the resolved configuration in config.yaml, in one step."""
    write_text(run_dir / "config.yaml", OmegaConf.to_yaml(config))
