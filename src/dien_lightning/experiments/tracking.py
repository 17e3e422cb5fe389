"""Weights & Biases beside our own files: a server that does not answer costs a run seconds, and nothing else."""

from __future__ import annotations

import configparser
import netrc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import wandb
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.loggers import Logger, WandbLogger

from dien_lightning.experiments.reports.tables import Table
from dien_lightning.processes import is_first_process
from dien_lightning.training import MetricsFile

T = TypeVar("T")
TIMEOUTS = {"init_timeout": 30.0, "finish_timeout": 60.0}
"""Seconds that the server may take to begin a run, and to take its last rows; WANDB_INIT_TIMEOUT and
WANDB_FINISH_TIMEOUT go before. W&B itself waits 90 seconds, and at the end for ever."""


def has_wandb_account() -> bool:
    """Whether a key for W&B lies where its client looks; to ask the client would settle its mode."""
    path = os.environ.get("NETRC")
    try:
        hosts = netrc.netrc(path and os.path.expanduser(path)).hosts
    except (OSError, netrc.NetrcParseError):
        hosts = {}
    return "WANDB_API_KEY" in os.environ or _server() in hosts or any("wandb" in host for host in hosts)


def _server() -> str:
    """The host of one's own W&B server, as WANDB_BASE_URL or `wandb login --host` names it; empty without one."""
    settings = configparser.ConfigParser(interpolation=None)
    with suppress(configparser.Error, UnicodeError):
        settings.read(Path(os.environ.get("WANDB_CONFIG_DIR", "~/.config/wandb"), "settings").expanduser())
    kept = settings.get("default", "base_url", fallback="")
    return urlsplit(os.environ.get("WANDB_BASE_URL", kept)).netloc


def start_loggers(config: DictConfig, run_dir: Path, *, goes_on: bool) -> list[Logger]:
    """metrics.csv of a run, which goes on or begins, and what `logger` names; each is told the settings."""
    metrics = MetricsFile(run_dir / "metrics.csv")
    if not goes_on:
        metrics.cut(0)  # what the run wrote that stopped before its first checkpoint
    loggers: list[Logger] = [metrics]
    for name, options in config.logger.items():
        loggers.append(start_wandb(options) if name == "wandb" else instantiate(options))
    settings: Any = OmegaConf.to_container(config, resolve=True)
    for logger in loggers:
        logger.log_hyperparams(settings)
    return loggers


def start_wandb(options: DictConfig) -> WandbLogger:
    """The logger, its run begun; offline where there is no account or the server does not answer.

    Args:
        options: logger.wandb of the configuration.
    """
    if not is_first_process():
        return instantiate(options)

    def begin(settings: wandb.Settings) -> WandbLogger:
        logger = instantiate(options, settings=settings)
        _ = logger.experiment  # the run begins when it is first asked for
        return logger

    return reach(begin, str(options.save_dir))


def reach(begin: Callable[[wandb.Settings], T], folder: str) -> T:
    """Begin a run of W&B's; offline where there is no account or the server does not answer.

    Args:
        begin: makes the run.
        folder: W&B writes below it.
    """
    if not has_wandb_account():
        os.environ.setdefault("WANDB_MODE", "offline")
    timeouts: dict[str, Any] = {k: v for k, v in TIMEOUTS.items() if f"WANDB_{k.upper()}" not in os.environ}
    try:
        return begin(wandb.Settings(**timeouts))
    except wandb.Error as error:
        wandb.teardown()  # with it go the settings that it took from the environment
        os.environ["WANDB_MODE"] = "offline"  # so that the other jobs of a sweep do not wait again
        reason = str(error).strip().splitlines()[0].rstrip(".")
        print(
            f"W&B cannot be reached ({reason}): the run goes on offline; `wandb sync` sends {folder}/wandb later.",
            file=sys.stderr,
        )
        return begin(wandb.Settings(**timeouts))


def log_report(name: str, files: Sequence[Path], tables: Mapping[str, Table], folder: Path) -> None:
    """Log a report as a run of its own: tables to look at, files as an artifact; offline where there is no account.

    Args:
        name: of the run, its group and the artifact.
        files: what the report wrote.
        tables: by the name they get.
        folder: W&B writes below it.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def begin(settings: wandb.Settings) -> wandb.Run:
        return wandb.init(
            project="dien-lightning",
            job_type="report",
            name=f"report of {name}",
            group=name,
            dir=str(folder),
            settings=settings,
        )

    run = reach(begin, str(folder))
    try:
        for key, table in tables.items():
            labels = (f"{column.group} {column.label}".strip() for column in table.columns)
            columns: list[str | int] = [table.head, *labels]
            run.log({key: wandb.Table(columns=columns, data=[[row.label, *row.cells] for row in table.rows])})
        artifact = wandb.Artifact(name, type="report")
        for file in files:
            artifact.add_file(str(file))
        run.log_artifact(artifact)
    finally:
        wandb.finish()
