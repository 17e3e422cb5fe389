"""A run's metrics.csv, read: curves, the rounds of self-training, the last losses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from dien_lightning.training.metrics_file import read_rows

Curve = Sequence[tuple[int, float]]
"""(step, value) in the order of the steps."""
CLUSTERS = "clusters/"
"""What the columns of a round's clusters begin with."""
_LOSS = "train/loss_"


def read_curves(run_dir: Path) -> dict[str, Curve]:
    """Every column of a run's `metrics.csv`, in the order of the steps; none where nothing was logged.

    Raises:
        FileNotFoundError: the run kept no `metrics.csv`.
        ValueError: it has no `step` column, or a cell is no number.
    """
    path = run_dir / "metrics.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: dien train writes it.")
    curves: dict[str, list[tuple[int, float]]] = {}
    for line, row in enumerate(read_rows(path), start=2):
        try:
            step = int(row["step"])
            for name, cell in row.items():
                if cell and name not in ("step", "epoch"):
                    curves.setdefault(name, []).append((step, float(cell)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {line}, is torn: {error}.") from None
    return {name: sorted(curve) for name, curve in curves.items()}


def read_rounds(run_dir: Path) -> list[dict[str, float]]:
    """What each round of self-training logged of its clusters, as `Results.rounds` has it; none where there were none.

    Raises:
        FileNotFoundError: the run kept no `metrics.csv`.
        ValueError: as `read_curves`.
    """
    curves = {
        name.removeprefix(CLUSTERS): dict(curve)
        for name, curve in read_curves(run_dir).items()
        if name.startswith(CLUSTERS)
    }
    steps = curves.get("number", {})
    return [{"step": step, **{name: curve[step] for name, curve in curves.items() if step in curve}} for step in steps]


def last_losses(run_dir: Path, first: int) -> dict[str, float]:
    """The mean of each loss from step `first` on, as far as one of these steps was logged.

    Raises:
        FileNotFoundError: the run kept no `metrics.csv`.
        ValueError: as `read_curves`.
    """
    losses = {name: curve for name, curve in read_curves(run_dir).items() if name.startswith(_LOSS)}
    last = {name: [value for step, value in curve if step >= first] for name, curve in losses.items()}
    return {name.removeprefix(_LOSS): fmean(values) for name, values in last.items() if values}
