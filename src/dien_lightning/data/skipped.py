"""Which images were done without: over all loaders of a key, and over all processes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dien_lightning.data.dataset import ReIDDataset
from dien_lightning.processes import Processes


class SkippedImages:
    """Collects what `ReIDDataset.skipped` says, each process for itself, until `everywhere` is asked."""

    def __init__(self) -> None:
        self._datasets: dict[str, ReIDDataset] = {}
        self._paths: set[str] = set()

    def watch(self, key: str, dataset: ReIDDataset) -> None:
        """Count a data set's images too; an earlier one of that key is let go, what it skipped is kept."""
        self._take(key)
        self._datasets[key] = dataset

    def everywhere(self, paths: Sequence[str]) -> list[str]:
        """Those of `paths` that any process skipped; every process has to ask, with the same paths."""
        for key in list(self._datasets):
            self._take(key)
        numbers = Processes().sum(torch.tensor([path in self._paths for path in paths], dtype=torch.int32))
        return [paths[place] for place in numbers.nonzero().flatten().tolist()]

    def clear(self) -> None:
        """Begin anew."""
        self._datasets.clear()
        self._paths.clear()

    def _take(self, key: str) -> None:
        if key in self._datasets:
            self._paths.update(self._datasets.pop(key).skipped)
