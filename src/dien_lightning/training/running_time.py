"""How long a run took, whatever number of processes it took."""

from __future__ import annotations

import time
from typing import Any

from pytorch_lightning import Callback


class RunningTime(Callback):
    """Counts the seconds since it was made; a resumed run goes on from those of the checkpoint.

    Lightning's own `Timer` counts training alone, and a Trainer that has one ignores `max_time`.
    """

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._before = 0.0

    @property
    def seconds(self) -> float:
        """Of this process, and of those before it up to the checkpoint that this one went on from."""
        return self._before + time.perf_counter() - self._began

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._before = state_dict["seconds"]
