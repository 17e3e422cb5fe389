"""What the soaks share: their arguments, and trial after trial until the time is over, counted in a file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from dien_lightning.checks import check_int, check_range
from dien_lightning.experiments.files import write_json
from dien_lightning.experiments.options import take_all


@dataclass
class Options:
    """As in the lines above each soak; what is left empty follows from its name."""

    minutes: float = 60.0
    trials: int | None = None
    seed: int = 0
    work: str = ""
    output: str = ""


def soak(name: str, make: Callable[[Path, int], Any]) -> None:
    """Soak for a while, count, write.

    Args:
        name: of the module in `proofs/`.
        make: from a folder and a seed, what has `trial`, `counts`, `faults` and `commit`.
    """
    options = take_all(Options, sys.argv[1:])
    check_range("minutes", options.minutes, 0)
    for key, value in (("trials", options.trials), ("seed", options.seed)):
        check_int(key, value or 0, 0, "see --help")
    output, started = Path(options.output or f"results/{name}.json"), time.monotonic()
    soaked = make(Path(options.work or f"outputs/{name}").absolute(), options.seed)
    trial, minutes = 0, 0.0
    while minutes < options.minutes if options.trials is None else trial < options.trials:
        soaked.trial(trial)
        trial, minutes = trial + 1, (time.monotonic() - started) / 60
        counts = {key: soaked.counts[key] for key in sorted(soaked.counts)}
        said = ", ".join(f"{count} {key.replace('_', ' ')}" for key, count in counts.items())
        Console().print(f"{minutes:.1f} minutes: {said}; {len(soaked.faults)} faults", soft_wrap=True)
        content = {**counts, "faults": soaked.faults, "minutes": round(minutes, 1), "seed": options.seed}
        command = " ".join(["python", "-m", f"proofs.{name}", *sys.argv[1:]])
        write_json(output, {**content, "command": command, "commit": soaked.commit})
    if soaked.faults:
        raise ValueError(f"{len(soaked.faults)} faults, the first: {soaked.faults[0]}")
