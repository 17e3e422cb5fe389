"""A run's folder: claimed by a new run, or taken up where it was left."""

from __future__ import annotations

import errno
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from dien_lightning.experiments.files import write_text
from dien_lightning.experiments.settings import conditions, same_run
from dien_lightning.processes import is_first_process
from dien_lightning.training import find_checkpoint

_WRITTEN = (
    "results.json",
    "rankings.json",
    "clusters.json",
    "metrics.csv",
    "network.safetensors",
    "checkpoints/last.ckpt",
)
_GO_ON = "Resume it with its own settings (config.yaml) or a larger trainer.max_epochs, or choose another run_dir."


def claim(run_dir: Path, resume: bool, written: Sequence[str] = _WRITTEN) -> Path | None:
    """Make the run's folder, or take up the run in it.

    Args:
        run_dir: the folder.
        resume: whether to take up a run that is there.
        written: the files that the run will write; those of a training if not given.

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
        others = [name for name in written if (run_dir / name).exists()]
        if others and not holds_run:
            raise FileExistsError(
                f"run_dir={run_dir} holds {others[0]} of something else, which would be overwritten; choose another."
            )
    check_writable("run_dir", run_dir, run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    return find_checkpoint(run_dir / "checkpoints") if resume else None


def check_writable(name: str, path: Path, folder: Path) -> None:
    """Raise an OSError that says `name`=`path` unless something can be written into a folder, there or to be made."""
    try:
        there = next(each for each in (folder, *folder.resolve().parents) if each.exists())
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(4096))
    except OSError as error:
        raise OSError(
            f"{name}={path} cannot be written to ({error.strerror}); give write access, make room or take another."
        ) from error


def check_file(name: str, path: str | Path | None) -> None:
    """Raise an OSError that says `name`=`path` unless that file, if there is to be one, can be written."""
    if path is not None:
        path = Path(path)
        if path.is_dir():
            raise IsADirectoryError(f"{name}={path} is a folder; name a file in it.")
        check_writable(name, path, Path(os.path.realpath(path)).parent)


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


def check_resumed(config: DictConfig, run_dir: Path, name: str = "", remedy: str = _GO_ON) -> None:
    """Refuse to go on with a run of other settings; more epochs are the same run, made longer.

    Args:
        config: of the run that is asked for.
        run_dir: its folder; one that holds no run is none of another.
        name: of the folder, for the sentence; empty is `run_dir=...`.
        remedy: what the user may do.

    Raises:
        ValueError: names what differs.
    """
    before = config_of(run_dir)
    if before and is_first_process():
        is_longer = config.trainer.max_epochs > before.trainer.max_epochs
        ignoring = ("trainer.max_epochs",) if is_longer else ()
        had, asked = (conditions(each, in_precision=True) for each in (before, config))  # one run has one precision
        same_run(name or f"run_dir={run_dir}", had, asked, remedy, ignoring)


def config_of(run_dir: Path) -> DictConfig:
    """What lies in the run's config.yaml; empty where there is none."""
    path = run_dir / "config.yaml"
    found: Any = OmegaConf.load(path) if path.exists() else OmegaConf.create()
    return found


def keep_wandb_run(config: DictConfig, run_dir: Path) -> None:
    """Give the run's id at W&B, which is kept in config.yaml: a resumed run goes on in the same one."""
    if "wandb" in config.logger and config.logger.wandb.get("id") is None:
        known = OmegaConf.select(config_of(run_dir), "logger.wandb.id") if config.resume else None
        OmegaConf.update(config, "logger.wandb.id", known or secrets.token_hex(4), force_add=True)


def write_config(config: DictConfig, run_dir: Path) -> None:
    """Leave the resolved configuration in config.yaml, in one step."""
    write_text(run_dir / "config.yaml", OmegaConf.to_yaml(config))
