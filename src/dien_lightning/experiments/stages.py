"""Two trainings one after the other: DIEN, then self-training on its network. Which key=value goes to which."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import OmegaConf, open_dict
from rich.console import Console

from dien_lightning.data.own import OWN
from dien_lightning.experiments import children
from dien_lightning.experiments.config import (
    as_word,
    check_epochs,
    check_own_files,
    compose_config,
    key_of,
    optim,
    protocol,
)
from dien_lightning.experiments.finished import fingerprints_there, read_finished
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.run_folder import check_resumed
from dien_lightning.experiments.settings import conditions, note_start

OF_PAIR = (
    *(
        "data_root=",
        "data.root=",
        "data.source",
        "data.target=",
        "data.target_root=",
        "data.target_trial=",
        "data.cameras=",
    ),
    *("data.target_camera_pattern=", "data.target_pid_pattern=", "data.image_size=", "data.num_workers="),
    "threads=",
)
"""What of a table's overrides goes to the trainings before its own: which pair, where, at what size; the machine."""
_OF_BOTH = ("data_root=", "data=", "data.", "threads=", "logger", "trainer=", "trainer.", "protocol", "seed=")
_OF_SECOND = ("rounds.", "rounds=", "source_term=", "data.target_num_instances=")
_SECOND = "second."
"""What stands in front of a key that is meant for self-training alone."""


def first_stage(overrides: Sequence[str], fixed: Collection[str] = ()) -> list[str]:
    """Of a user's key=value pairs those that are the first training's: all but self-training's own.

    Args:
        overrides: the user's.
        fixed: keys that are not the user's to set, as they make the training what it is.
    """
    own = [word for word in overrides if not _bare(word).startswith((*_OF_SECOND, _SECOND))]
    return [word for word in own if key_of(word) not in fixed]


def second_stage(overrides: Sequence[str], first: Path) -> list[str]:
    """Those that are self-training's.

    Self-training has its own objective and rates; what is set under data., trainer., protocol, logger, threads and seed
    holds for both. `second.KEY=VALUE` is KEY=VALUE of self-training alone, and wins.

    Args:
        overrides: the user's.
        first: folder of the run whose network it begins with.
    """
    alone = [word.replace(_SECOND, "", 1) for word in overrides if _bare(word).startswith(_SECOND)]
    keys = {key_of(word) for word in alone}
    shared = [word for word in overrides if _bare(word).startswith(_OF_BOTH + _OF_SECOND) and key_of(word) not in keys]
    return [as_word("start", f"{first}/network.safetensors"), *shared, *alone]


def check_trainings(*trainings: Sequence[str]) -> None:
    """Refuse a key or a value of any of these trainings before the first has begun, where that takes no file.

    Args:
        *trainings: overrides of each.

    Raises:
        ValueError: a value that counting or recipe refuse.
        hydra.errors.HydraException: a misspelt key, or a value that data, rounds or their objective refuse.
    """
    for overrides in trainings:
        config = compose_config(overrides, with_hydra=True)
        check_own_files(config, overrides)
        with open_dict(config):
            del config.hydra
        conditions(config)
        protocol(config)
        optim(config)
        check_epochs(config)
        instantiate(config.data, _convert_="all")
        if rounds := config.module.get("rounds"):
            instantiate(rounds, _convert_="all")
            instantiate(config.objective, embedding_dim=8, _convert_="all")


def pair_of(overrides: Sequence[str], other: str) -> list[str]:
    """The pair that a training's experiment names, and where it lies, as key=value for one of another experiment.

    What `overrides` name themselves is left out.

    Args:
        overrides: of the training, its experiment among them.
        other: the other's experiment.
    """
    config = compose_config(overrides, with_hydra=True)
    choice = config.hydra.runtime.choices.data
    plain = compose_config([f"experiment={other}", f"data={choice}"])
    found = {"data": choice}
    for key in ("data_root", *(f"data.{name}" for name in config.data)):
        value = OmegaConf.select(config, key)
        if f"{key}=".startswith(OF_PAIR) and value != OmegaConf.select(plain, key):
            found[key] = value
    if all(each.data.root == each.data_root for each in (config, plain)):
        found.pop("data.root", None)  # which follows data_root
    given = {key_of(word) for word in overrides}
    return [as_word(key, value) for key, value in found.items() if key not in given]


def finished_run(folder: Path, title: str, overrides: Sequence[str], followers: Sequence[Path] = ()) -> Results:
    """A run with these settings, on images of these names: kept if finished, gone on with if begun, else trained.

    Args:
        folder: of the run.
        title: for the terminal.
        overrides: of dien train.
        followers: folders of runs that go on from this one.

    Raises:
        ValueError: the folder holds a run of other settings, finished or begun, or a finished one of other images.
        SystemExit: the training failed, and has said why.
    """
    config = compose_config(overrides)
    note_start(config)
    remedy = f"Delete {' and '.join(map(str, (folder, *followers)))} to start afresh, or give output=DIR."
    console = Console()
    is_kept = (folder / "results.json").is_file()
    if not is_kept:
        check_resumed(config, folder, str(folder), remedy)
        console.rule(f"[bold]{title}")
        train(folder, overrides)
    found = read_finished(folder, config, remedy, images_of=fingerprints_there if is_kept else None)
    if is_kept:
        console.print(f"[bold]{folder}[/] is finished and kept.", soft_wrap=True)
    return found


def check_folders(folder: Path, overrides: Sequence[str]) -> None:
    """Refuse a training, unless a finished one is in its folder, whose images are in a folder that is not there.

    Raises:
        FileNotFoundError: with the folder.
    """
    if (folder / "results.json").is_file():
        return
    config = compose_config(overrides)
    for role in ("source", "target"):
        name, root = config.data[role], config.data[f"{role}_root"]
        if name in ("folder", "csv") and not Path(root).expanduser().exists():
            raise FileNotFoundError(f"data.{role}_root={root} does not exist; name {OWN[name]}.")


def train(folder: Path, overrides: Sequence[str]) -> None:
    """One training as a process of its own, its output on this terminal; a failed one ends this process too."""
    code = children.run("train", *overrides, as_word("run_dir", str(folder)), "resume=true")
    if code:
        sys.exit(code)


def check_overrides(command: str, overrides: Sequence[str], own: Sequence[str], remedy: str) -> None:
    """Refuse what is no key=value, and keys that the command sets itself.

    Raises:
        ValueError: with the word.
    """
    for argument in overrides:
        if "=" not in argument:
            raise ValueError(f"{argument!r} is no key=value; see dien {command} --help.")
        if key_of(argument).removeprefix(_SECOND) in own:
            raise ValueError(f"{argument!r} is for dien {command} to choose; {remedy}")


def _bare(word: str) -> str:
    """An override without Hydra's signs for a key that is new or goes."""
    return word.lstrip("+~")
