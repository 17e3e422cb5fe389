"""What every command here shares: a fault of the user's ends in one sentence and exit code 1, without a traceback."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException, OverrideParseException
from hydra.types import RunMode
from omegaconf.errors import OmegaConfBaseException
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from yaml import YAMLError

from dien_lightning.experiments.config import note_swept
from dien_lightning.experiments.keys import CONFIGS, did_you_mean, groups_of, keys_of, keys_of_choices
from dien_lightning.training.interrupt import under_slurm

USER_FAULTS = (ValueError, OSError, HydraException, OmegaConfBaseException, MisconfigurationException, YAMLError)

_SAME_COMMAND = ", the same command goes on"
_RESUMES = ", resume=true goes on"
_GOES_ON = {
    **dict.fromkeys(("train", "translate"), _RESUMES),
    **dict.fromkeys(("adapt", "demo", "embed", "table", "umdl"), _SAME_COMMAND),
}


class JobFailed(ValueError):
    """A job of a sweep failed, and why has been said."""


# What the user set is kept under a name of ours: processes that we start inherit it, and know it from what we set next.
WANTS_TRACEBACK = os.environ.setdefault("DIEN_TRACEBACK", os.environ.get("HYDRA_FULL_ERROR", "0")) == "1"
os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands us its errors instead of printing them its own way
# Lightning's own use of torch, nothing a user could mend; and its advertisements.
warnings.filterwarnings("ignore", message=r"`isinstance\(treespec, LeafSpec\)` is deprecated")
warnings.filterwarnings("ignore", message="Total length of `list` across ranks is zero")  # we say: not evaluated
logging.getLogger("pytorch_lightning.utilities.rank_zero").addFilter(lambda entry: "Tip:" not in entry.getMessage())


def run(main: Callable[[], object]) -> None:
    """Call `main`; end with exit code 1 and `error: ...` if it fails through the user's input.

    Ctrl-C ends it with exit code 130; so does, under SLURM, SIGUSR1.

    Set HYDRA_FULL_ERROR=1 to see the traceback.

    Args:
        main: the command.
    """
    try:
        if under_slurm():  # where no training remembers it, as in the evaluation after one
            signal.signal(signal.SIGUSR1, signal.default_int_handler)
        with faults_in_one_sentence(in_job=False):
            if _command() in CONFIGS:
                note_swept(sys.argv[1:])
            main()
    except KeyboardInterrupt:
        print(f"interrupted; what was written stays{_GOES_ON.get(_command(), '')}.", file=sys.stderr)
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


def sentence(error: BaseException) -> str:
    """What to tell the user: the message of the fault behind Hydra's wrapping, on one line."""
    while isinstance(error, InstantiationException) and error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    kept = [line for line in lines if not line.startswith(("full_key:", "object_type=", "reference_type="))]
    text = " ".join(kept) or type(error).__name__
    if isinstance(error, OSError) and error.errno and error.filename is not None:  # the system's words, not ours
        text = f"{error.filename} cannot be used ({error.strerror}); give access to it, or name another."
    if isinstance(error, YAMLError):
        text = f"A file cannot be read as YAML: {text}."
    if isinstance(error, OverrideParseException):
        text += " A value that holds = , ( ) [ ] { or } needs quotes for Hydra and the shell: 'run_dir=\"a=1,b=2\"'."
    if isinstance(error, (HydraException, OmegaConfBaseException)):
        command = _command() if _command() in CONFIGS else "train"
        own = getattr(sys.modules.get(f"dien_lightning.experiments.{_command()}"), "Options", None)
        names = [field.name for field in fields(own)] if own else []
        text = f"{unknown(text, command, names) or text} (dien {command} --help lists the keys.)"
    return text


def unknown(complaint: str, command: str, options: Sequence[str] = ()) -> str:
    """In our words what Hydra could not find, with the nearest name that there is; empty where it says something else.

    Args:
        complaint: Hydra's words.
        command: whose keys there are.
        options: what else there is to be set.

    Example:
        >>> unknown("Could not override 'network.attention_loop'. To append ...", "train")
        'network.attention_loop is no key; did you mean network.attention_loops? A new one is written +key=value.'
    """
    choices = re.search(r"Available options in '[^']+': (.*) Config search", complaint)
    if choices and (found := re.search(r"Could not find '([\w/]+)/([^'/]+)'", complaint)):
        names = choices[1].split()
        return f"{found[1]}={found[2]} is no choice{did_you_mean(found[2], names)} There are {', '.join(names)}."
    if found := re.search(r"Missing mandatory value: ([\w.]+)", complaint):
        return f"{found[1]}=... is missing."
    if found := re.search(r"interpolation '\$\{(?:oc\.select:)?(\w+)\b.*': Incompatible value 'None'", complaint):
        return f"{found[1]}=null names no folder; name one, or leave {found[1]}= out."
    if found := re.search(r"Could not override '([\w./]+)'", complaint):
        by_choice = keys_of_choices() if command == "train" else {}
        brought = {key.name: choice for choice, own in by_choice.items() for key in own}
        if found[1] in brought:
            own = f" (in dien adapt and demo: second.{found[1]})" if options else ""
            return f"{found[1]} is no key here; it comes with {brought[found[1]]}{own}."
        known = [*options, *groups_of(command), *(key.name for key in keys_of(command)), *brought]
        mended = did_you_mean(found[1], known)
        return f"{found[1]} is no key{mended} A new one is written +key=value."
    return ""


def _command() -> str:
    return Path(sys.argv[0]).stem
