"""What every command here shares: a fault of the user's ends in one sentence and exit code 1, without a traceback."""

from __future__ import annotations

import hashlib
import inspect
import logging
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from dien_lightning import Protocol

CONF = str(Path(__file__).resolve().parents[1] / "conf")
_LONGEST_NAME = 120  # file systems allow 255 bytes, some encrypted ones 143
USER_FAULTS = (ValueError, OSError, HydraException, OmegaConfBaseException, MisconfigurationException)


class JobFailed(ValueError):
    """A job of a sweep failed, and why has been said."""


# What the user set is kept under a name of ours: processes that we start inherit it, and know it from what we set next.
WANTS_TRACEBACK = os.environ.setdefault("DIEN_TRACEBACK", os.environ.get("HYDRA_FULL_ERROR", "0")) == "1"
os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands us its errors instead of printing them its own way
# A cluster's job starts Python anew and has to find the modules beside this one.
_FOLDERS = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), str(Path(__file__).resolve().parent)]
os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(_FOLDERS))
# Lightning's own use of torch, nothing a user could mend; and its advertisements.
warnings.filterwarnings("ignore", message=r"`isinstance\(treespec, LeafSpec\)` is deprecated")
warnings.filterwarnings("ignore", message="Total length of `list` across ranks is zero")  # we say: not evaluated
logging.getLogger("pytorch_lightning.utilities.rank_zero").addFilter(lambda entry: "Tip:" not in entry.getMessage())


def run(main: Callable[[], object]) -> None:
    """Call `main`; end with exit code 1 and `error: ...` if it fails through the user's input.

    Set HYDRA_FULL_ERROR=1 to see the traceback. --help prints the first lines of the command's file, or Hydra's own
    help where the command is Hydra's.

    Args:
        main: the command.
    """
    is_hydras = hasattr(main, "__wrapped__")
    if not is_hydras and {"-h", "--help"} & set(sys.argv[1:]):
        print(inspect.getdoc(inspect.getmodule(main)))
        return
    try:
        with faults_in_one_sentence(in_job=False):
            main()
    except KeyboardInterrupt:
        print("interrupted; what was written stays, resume=true goes on.", file=sys.stderr)
        sys.exit(130)


@contextmanager
def faults_in_one_sentence(*, in_job: bool = True) -> Iterator[None]:
    """Turn a fault of the user's into `error: ...` and exit code 1.

    A command whose body Hydra calls needs this inside that body, too, where Hydra has not yet said its own words. One
    job of a sweep that fails is said, and the others go on.

    Args:
        in_job: whether this is such a body; False is the command as a whole, where a sweep has come to its end.
    """
    try:
        yield
    except USER_FAULTS as error:
        if WANTS_TRACEBACK:
            raise
        print(f"error: {sentence(error)}", file=sys.stderr)
        if in_job and HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN:
            raise JobFailed("at least one job failed, see above.") from error
        sys.exit(1)


def typed(arguments: Sequence[str]) -> dict[str, str]:
    """Options as they were typed: a folder may be called 0042 or off.

    Example:
        >>> typed(["output=0042", "seeds=0,1"])
        {'output': '0042', 'seeds': '0,1'}
    """
    return {name: value for name, _, value in (argument.partition("=") for argument in arguments)}


def direction_of(choice: str, source: Any, target: Any) -> str:
    """A pair's name: its file's in conf/data where the two sets are those of the file, else those of the sets.

    Example:
        >>> direction_of("market2duke", "market1501", "dukemtmcreid"), direction_of("market2duke", "cuhk03", "msmt17")
        ('market2duke', 'cuhk03_to_msmt17')
    """
    path = Path(CONF, "data", f"{choice}.yaml")
    named: Any = OmegaConf.load(path) if path.is_file() else {}
    if (named.get("source", source), named.get("target", target)) == (source, target):
        return choice
    return "_to_".join(
        sets if isinstance(sets, str) else "+".join(map(str, sets or ["none"])) for sets in (source, target)
    )


def folder_name(overrides: str) -> str:
    """A job's overrides as the name of its folder: where they are too many for one, their end gives way to a digest.

    Example:
        >>> folder_name("seed=0"), len(folder_name("seed=0," * 99))
        ('seed=0', 120)
    """
    if len(overrides.encode()) <= _LONGEST_NAME:
        return overrides
    digest = hashlib.blake2b(overrides.encode(), digest_size=4).hexdigest()
    kept = overrides.encode()[: _LONGEST_NAME - len(digest) - 1].decode(errors="ignore")
    return f"{kept}~{digest}"


OmegaConf.register_new_resolver("folder_name", folder_name, replace=True)
OmegaConf.register_new_resolver("direction_of", direction_of, replace=True)


def sentence(error: BaseException) -> str:
    """What to tell the user: the message of the fault behind Hydra's wrapping, on one line."""
    while isinstance(error, InstantiationException) and error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("full_key:", "object_type=", "reference_type="))]
    text = " ".join(kept) or type(error).__name__
    if isinstance(error, (HydraException, OmegaConfBaseException)):
        text += " (python scripts/train.py --help lists the keys.)"
    return text


def precision(wanted: str) -> Any:
    """Lightning's name of the numbers to compute with.

    Args:
        wanted: a name of Lightning's, or "auto": bf16-mixed where the machine has it in hardware, else 32-true.
    """
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bf16-mixed" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "32-true"


def protocol(config: DictConfig) -> Protocol:
    """How to count; without cameras, matches from the query's own camera stay."""
    if config.data.cameras == "none":
        config.protocol.same_camera = "keep"
    return Protocol(**config.protocol)


def command_line(script: str) -> str:
    """The one command that repeats this run, from its start and without the record that is kept of it."""
    overrides = [word for word in HydraConfig.get().overrides.task if not word.startswith(("resume=", "record="))]
    return shlex.join(["python", f"scripts/{script}.py", *overrides])
