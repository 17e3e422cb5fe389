"""One finished run as its results.json tells it: figures, settings, protocol; checked where they enter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from dien_lightning.experiments.reports.run_files import read_json

SCORES = ("rank1", "rank5", "rank10", "mAP", "mINP")
"""The figures of one evaluation, each a fraction in [0, 1], higher is better."""


class Scores(NamedTuple):
    """One evaluation; fractions in [0, 1], higher is better; NaN where the run did not record the figure."""

    rank1: float
    rank5: float = math.nan
    rank10: float = math.nan
    mAP: float = math.nan
    mINP: float = math.nan


class Choice(NamedTuple):
    """One way to choose the epoch: how many epochs its network was trained for, and what that network gave."""

    epochs: int
    target: Scores | None
    source: Scores | None
    uses_target_labels: bool


@dataclass(frozen=True)
class RunRecord:
    """What one finished run measured, and what repeats it.

    Attributes:
        path: the file it was read from.
        row: the configuration, such as `r01_base`; empty where the run has none.
        direction: the pair it went over, such as `day2night`.
        seed: the run's seed.
        target: retrieval on the target's query and gallery.
        source: retrieval on the source set's own query and gallery.
        target_statistics: the target again, with its own batch-norm statistics gathered after training.
        passes: retrieval with the embedding of each pass t = 0..T alone.
        fusion_weights: the learned weight of each pass, T + 1 of them; empty where the run kept none.
        choices: by name, what other ways to choose the epoch gave; empty where the run kept none.
        command: the one command that repeats the run.
        commit: the code it ran on.
        changes: what it was resumed with, where that were other settings; then no one command repeats it.
        settings: the resolved configuration.
        protocol: how the figures were counted.
        seconds: the run's duration.
        images_per_second: embeddings extracted in a second.
    """

    path: Path
    row: str
    direction: str
    seed: int
    target: Scores
    source: Scores | None = None
    target_statistics: Scores | None = None
    passes: tuple[Scores, ...] = ()
    fusion_weights: tuple[float, ...] = ()
    choices: Mapping[str, Choice] = field(default_factory=dict)
    command: str = ""
    commit: str = ""
    changes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = math.nan
    images_per_second: float = math.nan

    @property
    def name(self) -> str:
        """Its record's or its folder's: row, direction and seed (`r08_full_t3_day2night_0`) where it is of a row."""
        return f"{self.row}_{self.direction}_{self.seed}" if self.row else self.path.parent.name

    def setting(self, name: str, default: Any = None) -> Any:
        """The setting of this dotted name, such as `network.attention_loops`; `default` where it is not set."""
        value: Any = self.settings
        for part in name.split("."):
            if not isinstance(value, Mapping) or part not in value:
                return default
            value = value[part]
        return value

    @property
    def steps(self) -> int:
        """Training steps asked for; 0 where the settings do not say."""
        return (self.setting("trainer.max_epochs") or 0) * (self.setting("data.steps_per_epoch") or 0)


def read_run(path: str | Path) -> RunRecord:
    """Read a finished run: its folder, or the `results.json` (or record of the same form) itself.

    Raises:
        FileNotFoundError: nothing is there, or the run has not finished.
        ValueError: the file is torn, or a figure in it is missing or no fraction.
    """
    path = Path(path)
    if path.is_dir():
        folder, path = path, path / "results.json"
        if not path.is_file():
            raise FileNotFoundError(
                f"{folder} has no results.json: the run has not finished. Continue it with "
                f"`python scripts/train.py ... run_dir={folder} resume=true`."
            )
    results = read_json(path)
    if not isinstance(results, dict) or "target" not in results:
        raise ValueError(
            f"{path} has no 'target' figures: it is no run's results, or its target has no labelled query and gallery."
        )
    try:
        return _record(path, results)
    except (AttributeError, TypeError) as error:
        raise ValueError(f"{path} is not as scripts/train.py writes it: {error}. Repeat the run.") from None


def read_runs(paths: Iterable[str | Path]) -> list[RunRecord]:
    """Read several runs. A folder of records (`*.json`) stands for all of them, a run's own folder for that run.

    Raises:
        FileNotFoundError: nothing is there, or a folder holds neither a run nor records.
        ValueError: a file is torn or is no run.
    """
    runs = []
    for path in map(Path, paths):
        if path.is_dir() and not (path / "results.json").exists() and not (path / "config.yaml").exists():
            records = sorted(path.glob("*.json")) or sorted(path.glob("**/results.json"))
            if not records:
                raise FileNotFoundError(f"{path} holds no run: neither results.json nor records (*.json).")
            runs += [read_run(record) for record in records]
        else:
            runs.append(read_run(path))
    return runs


def _record(path: Path, results: Mapping[str, Any]) -> RunRecord:
    return RunRecord(
        path=path,
        row=str(results.get("row") or ""),
        direction=str(results.get("direction") or ""),
        seed=_seed(results.get("seed"), path),
        target=_scores(results["target"], f"{path}, target"),
        source=_optional_scores(results, "source", path),
        target_statistics=_optional_scores(results, "target_with_target_statistics", path),
        passes=tuple(_scores(values, f"{path}, pass {t}") for t, values in enumerate(results.get("passes") or ())),
        fusion_weights=tuple(float(weight) for weight in results.get("fusion_weights") or ()),
        choices=_choices(results.get("checkpoints") or {}, path),
        command=str(results.get("command") or ""),
        commit=str(results.get("commit") or ""),
        changes=tuple(map(str, results.get("changes") or ())),
        settings=results.get("settings") or {},
        protocol=results.get("protocol") or {},
        seconds=float(results.get("seconds") or math.nan),
        images_per_second=float(results.get("images_per_second") or math.nan),
    )


def _seed(value: Any, path: Path) -> int:
    if value is not None and not isinstance(value, int):
        raise ValueError(f"{path}: seed={value!r} is no whole number.")
    return value or 0


def _choices(found: Mapping[str, Mapping[str, Any]], path: Path) -> dict[str, Choice]:
    return {
        name: Choice(
            int(choice.get("epochs") or 0),
            _optional_scores(choice, "target", path),
            _optional_scores(choice, "source", path),
            bool(choice.get("uses_target_labels")),
        )
        for name, choice in found.items()
    }


def _optional_scores(results: Mapping[str, Any], name: str, path: Path) -> Scores | None:
    return _scores(results[name], f"{path}, {name}") if results.get(name) else None


def _scores(values: Any, where: str) -> Scores:
    if not isinstance(values, Mapping) or "rank1" not in values:
        raise ValueError(f"{where}: 'rank1' is missing.")
    try:
        scores = Scores(*(float(values.get(name, math.nan)) for name in SCORES))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}.") from None
    for name, value in zip(SCORES, scores, strict=True):
        if not math.isnan(value) and not 0 <= value <= 1:
            raise ValueError(f"{where}: {name}={value} is no fraction in [0, 1].")
    return scores
