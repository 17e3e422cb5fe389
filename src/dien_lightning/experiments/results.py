"""results.json: what a finished run or evaluation says. Written, read and asked for its figures here alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from dien_lightning import Protocol
from dien_lightning.experiments.files import read_json, write_json
from dien_lightning.experiments.keys import did_you_mean

Figures = Mapping[str, float]
FIGURES = {"rank1": "Rank-1", "rank5": "Rank-5", "rank10": "Rank-10", "mAP": "mAP", "mINP": "mINP"}
"""What people are shown of one evaluation: fractions in [0, 1], higher is better."""
EVALUATIONS = {
    "target": "target",
    "target_with_target_statistics": "target, with target statistics",
    "source": "source, held-out identities",
}
CHOICES = {
    "last": "last epoch (the result)",
    "source_mAP": "best by source mAP",
    "label_free": "best by label-free score",
    "oracle": "oracle: by target labels",
}
"""Ways to choose the epoch, by their names among `Results.checkpoints`."""


@dataclass(frozen=True)
class Results:
    """What one finished run, or one evaluation, measured, how that was counted, and what repeats it.

    Attributes:
        target: retrieval on the target's query and gallery, by the figures' names; empty where it is not labelled.
        target_with_target_statistics: the same of a network that never saw the target, with batch-norm statistics of
            its training images: the control.
        source: retrieval on the source set's own query and gallery.
        passes: the target by the embedding of each pass t = 0..T alone.
        fusion_weights: the learned weight of each pass.
        checkpoints: for each of `CHOICES`, "epochs" trained, the figures of "target" and "source", the "network" file,
            "score" and "uses_target_labels".
        rounds: of self-training: for each, the "step" it begins at and what was logged of its clusters, without labels:
            "number", "outliers", "largest", "agreement", "same_camera", "chance", as far as they are known.
        purity: share of the last round's labelled clustered images that show the person most of their cluster show.
            Training never saw the labels; it judges alone.
        protocol: how was counted, what was counted, precision, whose statistics.
        fingerprints: of "source" and "target" how many "images" and a digest of their names and identities, "files".
        images_per_second: embeddings extracted in a second.
        seconds: a run's duration.
        peak_memory: most bytes of main memory that the run's own process held, its loader processes not counted.
        threads: that each process computed with; another number adds in another order.
        row: of a table, such as Table I's `r01_base`.
        direction: the pair, such as `day2night`.
        seed: a run's seed.
        command: what repeats it.
        settings: a run's resolved configuration.
        commit: of the code it ran on.
        checkpoint: what was evaluated, where nothing was trained.
        path: the file it was read from; not in it.
    """

    target: Figures = field(default_factory=dict)
    target_with_target_statistics: Figures = field(default_factory=dict)
    source: Figures = field(default_factory=dict)
    passes: Sequence[Figures] = ()
    fusion_weights: Sequence[float] = ()
    checkpoints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rounds: Sequence[Figures] = ()
    purity: float | None = None
    protocol: Mapping[str, Any] = field(default_factory=dict)
    fingerprints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    images_per_second: float | None = None
    seconds: float | None = None
    peak_memory: int | None = None
    threads: int | None = None
    row: str = ""
    direction: str = ""
    seed: int = 0
    command: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    commit: str = ""
    checkpoint: str = ""
    path: Path = Path()

    @classmethod
    def read(cls, path: str | Path) -> Results:
        """Read a finished run: its folder, or results.json or a record (a copy of it) itself.

        Raises:
            FileNotFoundError: nothing is there, or the run has not finished.
            ValueError: the file is torn, is something else, or holds a figure that is no fraction.
        """
        path = Path(path)
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there; name a run's folder, or its record.")
        if path.is_dir():
            folder, path = path, path / "results.json"
            if not path.is_file() and not (folder / "config.yaml").is_file():
                raise FileNotFoundError(f"{folder} holds no run: neither results.json nor config.yaml.")
            if not path.is_file():
                raise FileNotFoundError(
                    f"{folder} has no results.json: the run has not finished. Go on with it by "
                    f"`dien train ... run_dir={folder} resume=true`."
                )
        content = read_json(path)
        if not isinstance(content, Mapping) or not {"target", "protocol"} & set(content):
            raise ValueError(f"{path} is no run's results.")
        known = [each.name for each in fields(cls) if content.get(each.name) is not None]
        found = cls(**{**{name: content[name] for name in known}, "path": path})
        try:
            found._check()
        except (AttributeError, TypeError) as error:
            raise ValueError(f"{path} is not as dien train writes it: {error}. Repeat the run.") from None
        return found

    @classmethod
    def read_all(cls, paths: Iterable[str | Path]) -> list[Results]:
        """Read runs with a labelled target. A folder of records (`*.json`) or of a sweep's runs stands for all of them.

        Raises:
            FileNotFoundError: nothing is there, or a folder holds neither a run nor records.
            ValueError: a file is torn or is no run, or its target was not evaluated.
        """
        found = []
        for path in map(Path, paths):
            records = [path]
            if path.is_dir() and not (path / "results.json").exists() and not (path / "config.yaml").exists():
                records = sorted(path.glob("*.json")) or sorted(path.glob("**/results.json"))
                if not records:
                    raise FileNotFoundError(f"{path} holds no run: neither results.json nor records (*.json).")
            found += [cls.read(record) for record in records]
        if without := [run for run in found if not run.target]:
            raise ValueError(f"{without[0].path} has no figures of the target: it has no labelled query and gallery.")
        return found

    def write(self, path: Path) -> None:
        """Write the file in one step, without what this run has not."""
        content = {name: value for name, value in asdict(self).items() if name != "path"}
        write_json(path, {name: value for name, value in content.items() if value or value == 0})

    def figure(self, name: str) -> float | None:
        """One figure by its dotted name, such as source.mAP; None where this run has none of it."""
        return _select(vars(self), name)

    @property
    def conditions(self) -> dict[str, Any]:
        """What its figures depend on, see `settings.same_run`."""
        return {**self.settings, "seed": self.seed, "protocol": self.protocol}

    @property
    def name(self) -> str:
        """Its record's or its folder's: row, direction and seed (`r08_full_t3_day2night_0`) where it is of a row."""
        return f"{self.row}_{self.direction}_{self.seed}" if self.row else self.path.parent.name

    def setting(self, name: str, default: Any = None) -> Any:
        """The setting of this dotted name, such as `network.attention_loops`; `default` where it is not set."""
        value = _select(self.settings, name)
        return default if value is None else value

    @property
    def steps(self) -> int:
        """Training steps asked for; 0 where the settings do not say."""
        return self.setting("trainer.max_epochs", 0) * self.setting("data.steps_per_epoch", 0)

    def show(self, protocol: Protocol) -> None:
        """Print the figures in percent, the ways to choose the epoch side by side, and how it was counted."""
        evaluated = {name: getattr(self, name) for name in EVALUATIONS if getattr(self, name)}
        if not evaluated:
            print("Nothing was evaluated: neither set has a labelled query and gallery.")
            if best := self.checkpoints.get("label_free"):
                print(f"The best epoch by the label-free score is {best['epochs']}: {best['network']}")
            return
        table = Table("%", *FIGURES.values())
        titles = dict(EVALUATIONS)
        if shared := self.protocol.get("num_source_people_in_training"):
            titles["source"] = f"source, {shared} of its identities trained on"
        for name in evaluated:
            table.add_row(titles[name], *(self._percent(f"{name}.{figure}") for figure in FIGURES))
        console = Console()
        console.print(table)
        if self.checkpoints:
            chosen = ("target.rank1", "target.mAP", "source.mAP")
            table = Table("epoch", "epochs", *("{} {}".format(*name.split(".")) for name in chosen))
            for choice in self.checkpoints:
                start = f"checkpoints.{choice}"
                cells = (self._percent(f"{start}.{name}") for name in chosen)
                table.add_row(CHOICES.get(choice, choice), str(self.figure(f"{start}.epochs")), *cells)
            console.print(table)
            last, every = self.figure("checkpoints.last.epochs"), self.setting("trainer.check_val_every_n_epoch")
            if last and every and last % every and len(self.checkpoints) > 1:
                told = f"one in every {every} (trainer.check_val_every_n_epoch)"
                console.print(f"The last epoch is not among those that the choices compare, {told}.", soft_wrap=True)
        console.print(f"Protocol: {protocol.sentence()}.", soft_wrap=True, highlight=False)

    def _percent(self, name: str) -> str:
        value = self.figure(name)
        return "–" if value is None else f"{100 * value:.1f}"

    def _check(self) -> None:
        evaluated = {name: getattr(self, name) for name in EVALUATIONS}
        evaluated |= {f"passes.{step}": figures for step, figures in enumerate(self.passes)}
        for choice, chosen in self.checkpoints.items():
            evaluated |= {f"checkpoints.{choice}.{side}": chosen.get(side, {}) for side in ("target", "source")}
        for where, figures in evaluated.items():
            for name, value in figures.items():
                if not 0 <= value <= 1:
                    raise ValueError(f"{self.path}: {where}.{name}={value} is no fraction in [0, 1].")
        if not all(isinstance(weight, float) for weight in self.fusion_weights) or not isinstance(self.seed, int):
            raise TypeError("seed or fusion_weights hold something else than numbers")


def _select(nested: Mapping[str, Any], name: str) -> Any:
    """What lies under a dotted name; None where nothing does."""
    value: Any = nested
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def check_figure(name: str) -> None:
    """Raise a ValueError unless results.json may hold a number of that dotted name."""
    of_choices = [f"checkpoints.{choice}.{side}" for choice in CHOICES for side in ("target", "source")]
    names = [f"{where}.{figure}" for where in (*EVALUATIONS, *of_choices) for figure in (*FIGURES, "mAP_trapezoid")]
    names += ["seconds", "images_per_second", *(f"checkpoints.{choice}.score" for choice in CHOICES)]
    if name not in names:
        raise ValueError(
            f"optimized={name} is no figure of results.json{did_you_mean(str(name), names)} Others are source.mAP and "
            f"checkpoints.label_free.score."
        )
