"""What a work without a Trainer takes: seconds and memory, kept in a file that the next process goes on from."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from dien_lightning.experiments.files import read_json, write_json
from dien_lightning.training.running_time import peak_memory


class Cost:
    """Seconds and memory of a work over all its processes, up to the last count of each.

    Args:
        path: where they are kept.

    Attributes:
        known: what was counted last.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._began = path, time.perf_counter()
        nothing: dict[str, Any] = {"seconds": 0.0, "peak_memory": None}
        self._before = self.known = read_json(path) if path.is_file() else nothing

    def count(self) -> dict[str, Any]:
        """Keep and give what it comes to now."""
        seconds = self._before["seconds"] + time.perf_counter() - self._began
        self.known = {"seconds": seconds, "peak_memory": highest(self._before["peak_memory"], peak_memory())}
        write_json(self._path, self.known)
        return self.known


def total(*costs: dict[str, Any]) -> dict[str, Any]:
    """Seconds of works one after the other, and the memory of the largest."""
    held = highest(*(cost["peak_memory"] for cost in costs))
    return {"seconds": sum(cost["seconds"] for cost in costs), "peak_memory": held}


def highest(*held: int | None) -> int | None:
    """The largest number of bytes that is known."""
    return max(filter(None, held), default=None)
