"""A report as a W&B run of its own: tables to look at, files as an artifact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import wandb

from dien_lightning.experiments.reports.tables import Table
from dien_lightning.experiments.tracking import reach


def log_report(name: str, files: Sequence[Path], tables: Mapping[str, Table], folder: Path) -> None:
    """Log tables and files; offline where there is no account.

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
