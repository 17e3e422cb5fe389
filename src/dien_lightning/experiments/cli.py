"""`dien`: one door to every command, its help, and its restart by module.

Nothing here imports torch or Hydra: help answers at once.
"""

from __future__ import annotations

import ast
import os
import runpy
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from dien_lightning.experiments.keys import CONFIG_DIR, did_you_mean, keys_of, options_of

COMMANDS = {
    "train": "train on a labelled source and an unlabelled target, then rank both galleries",
    "evaluate": "rank a gallery by a trained network",
    "rank": "for each image of yours, those that look most like the same person",
    "check": "say what is in a folder of images, and what is wrong with it",
    "draw": "draw the embedded data set: rendered people, nobody real",
    "demo": "draw, train without and with adaptation, write a page",
    "table": "train what is missing of the paper's table, then report",
    "report": "finished runs to tables, figures and a page",
}
CONFIGS = {"train": "config", "evaluate": "evaluate"}
"""The commands that Hydra runs, each with its file in conf/."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `dien COMMAND ...`; exit code 2 for a command that there is not.

    The command runs as `python -m dien_lightning.experiments.COMMAND` would: whoever starts it anew, as DDP, joblib and
    submitit do, finds it by its module's name.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    command, rest = (words[0], words[1:]) if words else ("--help", [])
    if command in ("-h", "--help"):
        print(overview())
    elif command == "--version":
        print(version("dien-lightning"))
    elif command not in COMMANDS:
        sys.exit(f"error: dien has no command {command!r}{did_you_mean(command, COMMANDS)} dien --help lists them.")
    elif {"-h", "--help"} & set(rest):
        print(usage(command))
    else:
        start(command, rest)


def start(command: str, arguments: Sequence[str]) -> None:
    """Run a command in this process; `--config-dir DIR` is kept for the processes that it starts, too."""
    words = list(arguments)
    if "--config-dir" in words[:-1]:
        place = words.index("--config-dir")
        words[place + 1] = os.environ[CONFIG_DIR] = str(Path(words[place + 1]).expanduser().resolve())
        if command not in CONFIGS:  # Hydra reads its own
            del words[place : place + 2]
    sys.argv[1:] = words
    runpy.run_module(f"dien_lightning.experiments.{command}", run_name="__main__", alter_sys=True)


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
    spec = find_spec(f"dien_lightning.experiments.{command}")
    assert spec is not None
    assert spec.origin is not None
    said = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    if command not in CONFIGS:
        return said
    keys = keys_of(CONFIGS[command])
    width = min(44, max(len(f"{key}={default}") for key, default, _ in keys))
    return "\n".join(
        [
            said,
            "\nWhole files of conf/, and of --config-dir DIR, are chosen by GROUP=NAME:\n",
            *(f"  {group:<11}{', '.join(names)}" for group, names in options_of(CONFIGS[command]).items()),
            "\nKeys, with their defaults:\n",
            *(f"  {f'{key}={default}':<{width}}  {comment}".rstrip() for key, default, comment in keys),
            "\n-m runs every combination of key=a,b; a key that is not listed is added by +key=value (hydra.cc).",
        ]
    )


if __name__ == "__main__":
    main()
