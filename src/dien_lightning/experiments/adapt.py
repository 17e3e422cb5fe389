"""Adapt a network to unlabelled cameras in two stages: DIEN from a labelled source, then self-training on the target.

dien adapt data.target=folder data.target_root=crops [output=outputs/adapted] [experiment=demo]
    [second=drawn_self_training] [key=value ...]

OUTPUT/first and OUTPUT/second hold the two runs; OUTPUT/second/network.safetensors is what you deploy, and
OUTPUT/report.html shows which of your images it took for one person. A finished run of the same settings and
image names is kept, a begun one goes on; a second run that began with another network than OUTPUT/first holds is
refused.

What you set under data., trainer., protocol, logger, threads and seed holds for both runs, as does the pair that
`experiment` names; any other key is the first one's. Self-training has its own objective, network and rates:
second.KEY=VALUE is KEY=VALUE for it alone, such as second.objective.hard=true, second.network.batch_norm_size=16 or
second.optim.learning_rates.backbone=1e-4. rounds., source_term and data.target_num_instances are its own as they stand.
With a GPU and a real source: experiment=market2duke second=self_training.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from dien_lightning.experiments import stages
from dien_lightning.experiments.files import write_text
from dien_lightning.experiments.options import take
from dien_lightning.experiments.reports.clusters import clusters_page


@dataclass
class Options:
    """Those that are not the trainings'."""

    output: str = "outputs/adapted"
    experiment: str = "demo"
    second: str = "drawn_self_training"


def main() -> None:
    """Train what is not trained yet, say where the network lies, write the page of its clusters."""
    own, overrides = take(Options, sys.argv[1:])
    stages.check_overrides("adapt", overrides, ("run_dir", "start"), "give output=DIR.")
    output = Path(own.output)
    first = [f"experiment={own.experiment}", *stages.first_stage(overrides)]
    second = [
        f"experiment={own.second}",
        *stages.pair_of(first, own.second),
        *stages.second_stage(overrides, output / "first"),
    ]
    stages.check_trainings(first, second)
    stages.check_folders(output / "first", first)
    stages.check_folders(output / "second", second)
    stages.finished_run(output / "first", "DIEN", first, followers=[output / "second"])
    run = stages.finished_run(output / "second", "Self-training on the target", second)
    console = Console()
    console.print(f"The network: [bold]{output / 'second' / 'network.safetensors'}[/]", soft_wrap=True)
    if (output / "second" / "clusters.json").is_file():  # an experiment of the user's need not leave clusters
        write_text(output / "report.html", clusters_page(run))
        console.print(f"The page with its clusters: [bold]{output / 'report.html'}[/]", soft_wrap=True)
