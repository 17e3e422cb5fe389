"""metrics.csv: one row per training step, written whole at each checkpoint, cut back when a run is resumed."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from dien_lightning.atomic import atomic_write


class MetricsFile(Logger):
    """Keeps every logged value in a CSV file: a row per step, a column per name, empty where nothing was logged.

    Speeds (`.../images_per_second`) are left out, so that equal runs give equal files. Lightning's own CSVLogger
    empties the file when a run is resumed. This one reads it, and drops the rows that the resumed run takes again. The
    file is replaced in one step, at each checkpoint and at the end.

    Args:
        path: of the file; the rows that it holds are kept up to the step that the run goes on from. Where one begins
            beside them, `Checkpoints` refuses it.

    Attributes:
        is_of_another_run: whether the file held rows that no run has taken up yet.

    Raises:
        ValueError: the file is there and no run wrote it.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> log = MetricsFile(f"{folder}/metrics.csv")
        >>> log.log_metrics({"train/loss_total": 2.5}, step=0)
        >>> log.write()
        >>> print(Path(f"{folder}/metrics.csv").read_text())
        step,train/loss_total
        0,2.5
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self.path = Path(path)
        rows = read_rows(self.path) if self.path.is_file() else []
        self._rows = [{"step": int(row.pop("step")), **{k: v for k, v in row.items() if v}} for row in rows]
        self.is_of_another_run = bool(rows)

    @property
    def name(self) -> str:
        """Lightning asks every logger for one."""
        return "metrics"

    @property
    def version(self) -> str:
        """Lightning asks every logger for one."""
        return ""

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the run's config.yaml has them."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        step = step or 0
        while self._rows and self._rows[-1]["step"] > step:  # a resumed run takes these steps again
            self._rows.pop()
        if not self._rows or self._rows[-1]["step"] < step:
            self._rows.append({"step": step})
        self._rows[-1].update({name: metrics[name] for name in metrics if not name.endswith("/images_per_second")})

    def cut(self, step: int) -> None:
        """Take the file up: drop the rows from this step on, which a resumed run takes again."""
        self.is_of_another_run = False
        self._rows = [row for row in self._rows if row["step"] < step]

    def save(self) -> None:
        """Nothing: Lightning calls this after every step, and to write a whole run that often takes hours."""

    @rank_zero_only
    def write(self) -> None:
        """Write the file, in one step.

        Raises:
            OSError: it cannot be written; what it held stays.
        """
        columns = list(dict.fromkeys(name for row in self._rows for name in row))
        with atomic_write(self.path) as draft, draft.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(self._rows)

    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        self.write()

    def finalize(self, status: str) -> None:
        # What stopped a run must not be hidden by a full disk; the rows since the last checkpoint are taken again.
        with suppress(OSError) if status == "failed" else nullcontext():
            if self._rows:
                self.write()


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a run's metrics.csv, as text; a ValueError where it has no `step` column."""
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        if "step" not in (rows.fieldnames or ["step"]):
            raise ValueError(f"{path} has no column `step`: it is not a run's metrics.csv.")
        return list(rows)
