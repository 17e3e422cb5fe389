"""Train without adaptation, with it, and on from there by self-training; write a page: what `make demo` runs.

dien demo [output=outputs/demo] [seeds=0,1,2] [key=value for the trainings ...]

Finished runs of the same settings are kept and begun ones go on; seed 0 is in OUTPUT/base, OUTPUT/dien and
OUTPUT/self_training, another in OUTPUT/base_seedN and so on. Self-training has an objective, rates and a length of its
own: of the key=value pairs it gets those that name data, machine and logger.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from dien_lightning.experiments import children
from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.options import take, whole_numbers
from dien_lightning.experiments.reports.demo_page import SECOND, demo_page, demo_table
from dien_lightning.experiments.reports.tables import to_rich
from dien_lightning.experiments.results import Results, write_text
from dien_lightning.experiments.settings import conditions, same_run

_SECOND = "self_training"
_TITLES = {"base": "Base: the source alone", "dien": "DIEN", _SECOND: SECOND}
_OF_ALL = ("data_root=", "data.", "threads=", "logger", "trainer.", "protocol")


@dataclass
class Options:
    """Those that are not the trainings'."""

    output: str = "outputs/demo"
    seeds: str = "0"


def main() -> None:
    """Train what is not trained yet, write the page, print the table."""
    own, overrides = take(Options, sys.argv[1:])
    for argument in overrides:
        if "=" not in argument:
            raise ValueError(f"{argument!r} is no key=value; see dien demo --help.")
        if argument.split("=")[0] in ("seed", "run_dir", "ablation"):
            raise ValueError(f"{argument!r} is the demo's own to choose; give seeds=0,1,2 or output=DIR.")
    output = Path(own.output)
    seeds = whole_numbers("seeds", own.seeds)
    console = Console()
    runs: dict[str, list[Results]] = {name: [] for name in _TITLES}
    for seed in seeds:
        for name, finished in runs.items():
            folder = folder_of(output, name, seed)
            own_overrides = [f"experiment={'demo_self_training' if name == _SECOND else 'demo'}", f"seed={seed}"]
            if name == _SECOND:
                own_overrides += [f"start={folder_of(output, 'dien', seed)}/network.safetensors"]
                own_overrides += [word for word in overrides if word.startswith(_OF_ALL)]
            else:
                own_overrides += [*(["ablation=r01_base"] if name == "base" else []), *overrides]
            if (folder / "results.json").is_file():
                console.print(
                    f"[bold]{folder}[/] is finished and kept; delete {output} to start afresh.", soft_wrap=True
                )
            else:
                console.rule(f"[bold]{_TITLES[name]}, seed {seed}")
                train(folder, own_overrides)
            (found,) = Results.read_all([folder])
            remedy = f"Delete {output} to start afresh, or give output=DIR."
            same_run(str(folder), found.conditions, conditions(compose_config(own_overrides)), remedy)
            finished.append(found)
    page = output / "report.html"
    write_text(page, demo_page(*runs.values()))
    console.print()
    console.print(to_rich(demo_table(*runs.values())))
    console.print(f"The page with curves, clusters and ranked lists: [bold]{page}[/]", soft_wrap=True)


def folder_of(output: Path, name: str, seed: int) -> Path:
    """Where the run of a network lies."""
    return output / (f"{name}_seed{seed}" if seed else name)


def train(folder: Path, overrides: list[str]) -> None:
    """One training as a process of its own, its output on this terminal; a failed one ends this process too."""
    code = children.train(*overrides, f"run_dir={folder}", "resume=true")
    if code:
        sys.exit(code)  # the training has said why
