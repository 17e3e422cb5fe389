"""A training in a forked process that may die at any moment, and what its folder must hold all the same."""

from __future__ import annotations

import copyreg
import importlib
import json
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch

from dien_lightning.experiments import train
from dien_lightning.experiments.command import run
from dien_lightning.training import Checkpoints, EpochChoice, MetricsFile
from processes import forkserver


class Death(NamedTuple):
    """Dying around the n-th call of a function, before it or after it."""

    owner: Any
    name: str
    nth: int
    before: bool
    signal: int = signal.SIGKILL

    def plan(self) -> None:
        """From now on in this process, which may go on if the signal is not SIGKILL."""
        function, calls = getattr(self.owner, self.name), 0

        def dying(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == self.nth and self.before:
                os.kill(os.getpid(), self.signal)
            result = function(*args, **kwargs)
            if calls == self.nth and not self.before:
                os.kill(os.getpid(), self.signal)
            return result

        setattr(self.owner, self.name, dying)

    def sentence(self) -> str:
        """Say when."""
        return f"{'before' if self.before else 'after'} call {self.nth} of {self.owner.__name__}.{self.name}"


copyreg.pickle(ModuleType, lambda module: (importlib.import_module, (module.__name__,)))  # a death's owner travels
MOMENTS: tuple[tuple[Any, str], ...] = (
    (os, "replace"),
    (os, "fsync"),
    (torch, "save"),
    (torch.optim.SGD, "step"),
    (train.DIENModule, "training_step"),
    (train.DIENModule, "on_validation_epoch_end"),
    (EpochChoice, "on_validation_end"),
    (MetricsFile, "log_metrics"),
    (Checkpoints, "on_train_epoch_end"),
    (train, "evaluate"),
)
"""Functions around whose calls a run may die, beside any moment at all."""


def train_forked(
    arguments: Sequence[object], log: Path, death: Death | Callable[[], None] | None = None, after: float = 0
) -> int:
    """`python scripts/train.py ARGUMENTS` in a process forked from one that has imported it.

    Not from this one: where a test has trained in it with several threads, autograd refuses to work in its forks.

    Args:
        arguments: its command line.
        log: file for what it prints.
        death: where it dies; or something else to be done in the new process before it trains, a module's own function.
        after: seconds after which it is killed, if it is still there; 0 leaves it alone.

    Returns:
        Its exit code, -9 if it was killed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    prepare = death.plan if isinstance(death, Death) else death
    child = forkserver().Process(target=_train_and_exit, args=([*map(str, arguments)], log, prepare, dict(os.environ)))
    child.start()
    child.join(after or None)
    child.kill()
    child.join()
    return child.exitcode


def _train_and_exit(
    arguments: list[str], log: Path, prepare: Callable[[], None] | None, environment: dict[str, str]
) -> None:
    code = 1
    try:
        multiprocessing.set_start_method(None, force=True)  # loaders start as they do for a user
        os.environ.clear()
        os.environ.update(environment)
        with log.open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
        warnings.simplefilter("default")  # pytest turns warnings into errors, and keeps them to itself
        warnings.showwarning = _print_warning
        torch.set_num_threads(1)
        sys.argv = ["scripts/train.py", *arguments]
        if prepare is not None:
            prepare()
        run(train.main)
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # nothing that the parent has begun is ended twice


def _print_warning(message: Warning | str, *about: Any, **named: Any) -> None:
    print(f"warning: {message}", file=sys.stderr)


def left(run_dir: Path) -> dict[str, Any]:
    """What a finished run must leave wherever it was killed: its files' bytes, its results without times and origin."""
    results = json.loads((run_dir / "results.json").read_text())
    for key in ("seconds", "images_per_second", "peak_memory", "command", "settings", "commit"):
        results.pop(key, None)
    files = ["metrics.csv", "network.safetensors", "rankings.json"]
    files += [f"checkpoints/{network}.safetensors" for network in ("source_mAP", "label_free", "oracle")]
    return {"results": results, **{file: (run_dir / file).read_bytes() for file in files}}


def differing(run_dir: Path, expected: dict[str, Any]) -> list[str]:
    """Which of what a run left is not as expected."""
    found = left(run_dir)
    return [key for key, value in expected.items() if found[key] != value]


def cut_off(content: bytes, share: float) -> bytes:
    """A file that was not written to its end."""
    return content[: int(share * len(content))]


def flip(content: bytes, share: float) -> bytes:
    """A file with a wrong byte; in the tensors, for some bytes of a zip archive's directory mean nothing to anyone."""
    place = len(content) // 10 + int(share * 0.4 * len(content))
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def foreign(content: bytes, share: float) -> bytes:
    """A file that is no checkpoint at all."""
    return bytes(int(share * 255) ^ byte for byte in content[:1000])


DAMAGES: tuple[Callable[[bytes, float], bytes], ...] = (cut_off, flip, foreign)
"""What may become of a checkpoint on a disk; the number in [0, 1) says where."""


def refusals(log: Path) -> list[str]:
    """The sentences that a command ended with: one, if it refused its input as it should; none where it fell over."""
    said = log.read_text()
    return [] if "Traceback" in said else [line for line in said.splitlines() if line.startswith("error: ")]
