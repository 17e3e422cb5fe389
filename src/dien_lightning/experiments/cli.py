"""`dien`: one door to every command, its help, and its restart by module.

Nothing here imports torch or Hydra: help answers at once.
"""

from __future__ import annotations

import ast
import io
import itertools
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from dien_lightning.experiments.keys import CONFIG_DIR, CONFIGS, Key, did_you_mean, groups_of, keys_of, keys_of_choices

COMMANDS = {
    "train": "train on a labelled source and an unlabelled target, then rank both galleries",
    "adapt": "in two stages to cameras of yours: train, then self-training on them",
    "translate": "give source images the target's look, for a training on them (SPGAN)",
    "evaluate": "rank a gallery by a trained network",
    "calibrate": "fit what a network's distances say, and keep it in the network",
    "same": "say how alike the people on two images look",
    "export": "to ONNX, torch.export or Roboflow's folder, if it computes the same",
    "rank": "for each image of yours, those that look most like the same person",
    "embed": "crops to a file of embeddings, to be searched",
    "search": "the images of such a file, or of a store, that look most like these",
    "store": "keep embeddings in a store that grows",
    "serve": "a page on this machine where a crop finds those that look most like it",
    "check": "say what is in a folder of images, and what is wrong with it",
    "draw": "draw the embedded data set: rendered people, nobody real",
    "demo": "draw, train without and with adaptation, write a page",
    "umdl": "learn dictionaries instead of a network, and rank: a rival of Table II",
    "table": "train what is missing of the paper's table, then report",
    "report": "finished runs to tables, figures and a page",
}
COMPOSING = (*CONFIGS, "adapt", "check", "demo", "table")
"""The commands that read conf/, and so take --config-dir."""
EXTRAS = {"pyarrow": "search", "lancedb": "search", "starlette": "serve", "uvicorn": "serve"}
"""Packages that some commands need alone, each with the extra that brings it."""
_SWITCHES = ("-m", "--multirun", "--resolve", "--hydra-help")
_WITH_VALUE = ("-c", "--cfg", "-p", "--package")
_INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")  # what --info may name; alone: all
_HOME = re.compile(r"""(?:^|(?<=[=,:[{"']))~(?=/|$)""")


def main(command: str | None = None) -> None:
    """Run `dien COMMAND ...`, or `COMMAND ...` where a door names the command; exit code 1 where that is wrong."""
    words = sys.argv[1:]
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names may be any bytes
        sys.stdout.reconfigure(errors="backslashreplace")
    if command is None:
        command, words = (words[0], words[1:]) if words else ("--help", [])
    try:
        if command in ("-h", "--help"):
            print(overview())
        elif "--version" in (command, *words):
            print(version("dien-lightning"))
        elif command not in COMMANDS:
            raise ValueError(
                f"dien has no command {command!r}{did_you_mean(command, COMMANDS)} dien --help lists them."
            )
        elif {"-h", "--help"} & set(words):
            print(usage(command))
        else:
            start(command, settle(command, words))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has enough, as `dien train --help | head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is flushed at the end
        sys.exit(141)  # as the shell has it for SIGPIPE
    except (ValueError, ModuleNotFoundError) as error:
        remedy = ""
        if isinstance(error, ModuleNotFoundError):
            remedy = f'; pip install "dien-lightning[{EXTRAS.get(error.name or "", "experiments")}]".'
        print(f"error: {error}{remedy}", file=sys.stderr)
        sys.exit(1)


def start(command: str, words: Sequence[str]) -> None:
    """Run a command in this process.

    It runs as `python -m dien_lightning.experiments.COMMAND` would: who starts it anew, as DDP and joblib do, finds it
    by its module's name.
    """
    module = import_module(f"dien_lightning.experiments.{command}")
    sys.argv[:] = [str(module.__file__), *words]
    sys.modules["__main__"].__spec__ = module.__spec__
    import_module("dien_lightning.experiments.command").run(module.main)


def settle(command: str, words: Sequence[str]) -> list[str]:
    """The words as the command takes them: ~ is the home folder, and processes that it starts inherit --config-dir.

    Raises:
        ValueError: an option that the command has not, or a folder that is not there.

    Example:
        >>> settle("train", ["experiment=demo", "-m", "seed=0,1"])
        ['-m', 'experiment=demo', 'seed=0,1']
    """
    flags: list[str] = []  # Hydra wants them before the keys
    settled: list[str] = []
    left = iter([_HOME.sub(lambda _: os.path.expanduser("~"), word) for word in words])
    for word in left:
        name, equals, value = word.partition("=")
        if name in ("--config-dir", "-cd") and command in COMPOSING:
            folder = Path(value if equals else next(left, "nowhere"))
            if not folder.is_dir():
                raise ValueError(f"--config-dir {folder} is no folder; name one that is laid out as conf/ is.")
            os.environ[CONFIG_DIR] = str(folder.resolve())
            flags += ["--config-dir", os.environ[CONFIG_DIR]] if command in CONFIGS else []
        elif word in _SWITCHES and command in CONFIGS:
            flags.append(word)
        elif name in ("-i", "--info") and command in CONFIGS:
            flags.append(f"--info={value or 'all'}")
        elif flags[-1:] == ["--info=all"] and word in _INFO:
            flags[-1] = f"--info={word}"
        elif name in _WITH_VALUE and command in CONFIGS:
            flags += [word] if equals else [word, *itertools.islice(left, 1)]
        elif word.startswith("-") and equals:
            raise ValueError(
                f"{word}: a key has no hyphens in front: {word.lstrip('-')}. W&B's agent leaves them out where the "
                "sweep's `command` ends in ${args_no_hyphens}, see docs/scaling.md."
            )
        elif word.startswith("-"):
            raise ValueError(f"dien {command} has no option {word}; dien {command} --help says what it takes.")
        else:
            settled.append(word)
    return [*flags, *settled]


def overview() -> str:
    """What `dien --help` prints."""
    lines = [f"  dien {name:<9} {what}" for name, what in COMMANDS.items()]
    return "\n".join(
        [
            "Person re-identification that carries over to cameras nobody labelled.\n",
            *lines,
            "\ndien COMMAND --help says what it takes; dien --version says which this is.",
        ]
    )


def usage(command: str) -> str:
    """What `dien COMMAND --help` prints: how it is called, and for Hydra's commands every key with its default."""
    source = Path(__file__).with_name(f"{command}.py").read_text(encoding="utf-8")
    said = [ast.get_docstring(ast.parse(source)) or ""]
    if command in CONFIGS:
        keys, choices = keys_of(command), keys_of_choices() if command == "train" else {}
        said += [
            "\nWhole files of conf/ are chosen by GROUP=NAME, and of a folder of yours by --config-dir DIR, too:\n",
            *(f"  {group:<11}{', '.join(names)}" for group, names in groups_of(command).items()),
            "\nKeys, with their defaults:\n",
            *_listed(keys),
            *(line for choice, own in choices.items() for line in (f"\nWith {choice} also:\n", *_listed(own))),
            "\n-m runs every combination of key=a,b; a key that is not listed is added by +key=value (hydra.cc).",
        ]
    elif command in COMPOSING:
        trained = "" if command == "check" else "dien train --help lists the keys; "
        said.append(f"\n{trained}--config-dir DIR adds a folder of yours to conf/.")
    return "\n".join(said)


def _listed(keys: Sequence[Key]) -> list[str]:
    width = min(44, max(len(f"{key}={default}") for key, default, _ in keys))
    return [f"  {f'{key}={default}':<{width}}  {comment}".rstrip() for key, default, comment in keys]


if __name__ == "__main__":
    main()
