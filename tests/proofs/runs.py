"""Runs to be killed: each once left alone, each once under a name."""

from __future__ import annotations

import shutil
from pathlib import Path

from proofs.kills import Death, differing, left, train_forked
from proofs.tiny import TINY


class Runs:
    """Runs of `TINY` in folders of their own, and what is left by the one that nobody disturbs.

    Raises:
        ValueError: that one failed.
    """

    def __init__(self, data_root: Path, folder: Path) -> None:
        self.data_root, self.folder = data_root, folder
        if self.train("undisturbed", "data.num_workers=0"):
            raise ValueError(f"the undisturbed run failed: {self.said('undisturbed')}")
        self.expected = left(folder / "undisturbed")

    def train(self, name: str, *overrides: str, death: Death | None = None, after: float = 0) -> int:
        """Run `TINY` with these overrides in the folder `name`; see `train_forked`."""
        arguments = (*TINY, f"data_root={self.data_root}", f"run_dir={self.folder / name}", *overrides)
        return train_forked(arguments, self.folder / f"{name}.log", death, after)

    def said(self, name: str) -> str:
        """What a run printed."""
        return (self.folder / f"{name}.log").read_text()

    def resumed_as_undisturbed(self, name: str, *overrides: str) -> bool:
        assert self.train(name, "resume=true", *overrides) == 0, self.said(name)
        assert differing(self.folder / name, self.expected) == []
        return True

    def copy(self, name: str) -> Path:
        """The undisturbed run's checkpoints under another name, to be damaged, and what a resume asks for beside."""
        for file in ("config.yaml", "metrics.csv"):
            (self.folder / name).mkdir(exist_ok=True)
            shutil.copy(self.folder / "undisturbed" / file, self.folder / name)
        return Path(shutil.copytree(self.folder / "undisturbed" / "checkpoints", self.folder / name / "checkpoints"))
