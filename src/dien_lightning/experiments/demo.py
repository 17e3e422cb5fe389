"""Train without adaptation, with it, and on from there by self-training; write a page: what `make demo` runs.

dien demo [output=outputs/demo] [seeds=0,1,2] [key=value for the trainings ...]

Finished runs of the same settings and image names are kept and begun ones go on; seed 0 is in OUTPUT/base,
OUTPUT/dien and OUTPUT/self_training, another in OUTPUT/base_seedN and so on. What you set under data., trainer.,
protocol, logger and threads holds for all three. Self-training has its own objective, network and rates:
second.KEY=VALUE is KEY=VALUE for it alone; rounds., source_term and data.target_num_instances are its own as they
stand. What makes Base the source alone holds for it whatever you set: network.attention_loops,
objective.triplet_weight and objective.domain_weight are DIEN's.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from dien_lightning.experiments import stages
from dien_lightning.experiments.files import write_text
from dien_lightning.experiments.options import take, whole_numbers
from dien_lightning.experiments.reports.demo_page import SECOND, demo_page, demo_table
from dien_lightning.experiments.reports.table1_rows import BASE, row_settings
from dien_lightning.experiments.reports.tables import to_rich
from dien_lightning.experiments.results import Results

_TITLES = {"base": "Base: the source alone", "dien": "DIEN", "self_training": SECOND}


@dataclass
class Options:
    """Those that are not the trainings'."""

    output: str = "outputs/demo"
    seeds: str = "0"


def main() -> None:
    """Train what is not trained yet, write the page, print the table."""
    own, overrides = take(Options, sys.argv[1:])
    own_keys = ("seed", "run_dir", "ablation", "start")
    stages.check_overrides("demo", overrides, own_keys, "give seeds=0,1,2 or output=DIR.")
    output = Path(own.output)
    runs: dict[str, list[Results]] = {name: [] for name in _TITLES}
    for seed in whole_numbers("seeds", own.seeds):
        dien = folder_of(output, "dien", seed)
        base = stages.first_stage(overrides, fixed=row_settings(BASE))
        asked = {
            "base": ["experiment=demo", f"seed={seed}", f"ablation={BASE}", *base],
            "dien": ["experiment=demo", f"seed={seed}", *stages.first_stage(overrides)],
            "self_training": ["experiment=demo_self_training", f"seed={seed}", *stages.second_stage(overrides, dien)],
        }
        stages.check_trainings(*asked.values())
        for name, words in asked.items():
            stages.check_folders(folder_of(output, name, seed), words)
        for name, words in asked.items():
            folder = folder_of(output, name, seed)
            followers = [folder_of(output, "self_training", seed)] if name == "dien" else []
            run = stages.finished_run(folder, f"{_TITLES[name]}, seed {seed}", words, followers)
            if not run.target:  # the next trainings would be for nothing
                raise ValueError(f"{run.path} has no figures of the target: it has no labelled query and gallery.")
            runs[name].append(run)
    page = output / "report.html"
    write_text(page, demo_page(*runs.values()))
    console = Console()
    console.print()
    console.print(to_rich(demo_table(*runs.values())))
    console.print(f"The page with curves, clusters and ranked lists: [bold]{page}[/]", soft_wrap=True)


def folder_of(output: Path, name: str, seed: int) -> Path:
    """Where the run of a network lies."""
    return output / (f"{name}_seed{seed}" if seed else name)
