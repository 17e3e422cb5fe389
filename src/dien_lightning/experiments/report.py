"""Collect finished runs of Table I into a table, figure 3 and a page: table1.md, table1_figure3.svg, report.html.

dien report results/runs [output=results] [name=table1] [figures_from=RUN_DIR] [base=RUN_DIR]
    [sweeps=DIR,DIR] [logger=wandb]

RUNS are records (results/runs/*.json), folders of records, or run folders: of one setting, but for row, direction and
seed. `figures_from` names the run of the full model whose network is pictured, whose curves and ranked lists are shown;
`base` a run to set beside it; each folder of `sweeps` holds one sweep's runs. logger=wandb logs the tables and, as an
artifact, the files. Where OUTPUT has a table2.json (dien table name=table2), its rivals are a section of the page.

dien report RUN_DIR [RUN_DIR ...]

Runs of self-training (OUTPUT/second of dien adapt) are no table: each gets a page of its own, RUN_DIR/report.html, with
its clusters from round to round, their sizes, a few of them and a few outliers as pictures. The page holds pictures of
the target's people, so it lies where the run does.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from dien_lightning.checks import amount
from dien_lightning.experiments.files import write_text
from dien_lightning.experiments.options import take
from dien_lightning.experiments.reports.clusters import clusters_page
from dien_lightning.experiments.reports.network_figures import network_blocks
from dien_lightning.experiments.reports.plots import to_file
from dien_lightning.experiments.reports.table1 import markdown, order_table, short_table
from dien_lightning.experiments.reports.table1_rows import one_table, row_label
from dien_lightning.experiments.reports.table2 import section_of
from dien_lightning.experiments.reports.table_page import figure_3_of, table_page
from dien_lightning.experiments.reports.tables import to_rich
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.tracking import log_report


@dataclass
class Options:
    """As in the lines above."""

    output: str = "results"
    name: str = "table1"
    figures_from: str | None = None
    base: str | None = None
    sweeps: str | None = None
    logger: str | None = None


def main() -> None:
    """Collect what the command line names."""
    options, paths = take(Options, sys.argv[1:])
    for path in paths:
        if "=" in path and not Path(path).exists():
            names = ", ".join(asdict(options))
            raise ValueError(f"{path} is neither a file nor an option; the options are {names}.")
    folders = [path for path in map(Path, paths) if (path / "clusters.json").is_file()]
    if folders and len(folders) == len(paths):
        show_clusters(folders, options)
    else:
        collect(paths or ["results/runs"], options)


def show_clusters(folders: Sequence[Path], options: Options) -> None:
    """Write the page of each of these runs of self-training.

    Raises:
        ValueError: an option is given, or a run cannot be read.
    """
    if given := [key for key, value in asdict(options).items() if value != getattr(Options, key)]:
        raise ValueError(f"{given[0]}= is of tables: the page of a run of self-training is RUN_DIR/report.html.")
    for folder in folders:
        page = folder / "report.html"
        write_text(page, clusters_page(Results.read(folder)))
        Console().print(f"The page with its clusters: [bold]{page}[/]", soft_wrap=True)


def collect(paths: Sequence[str], options: Options) -> None:
    """Read, check, write, print.

    Args:
        paths: records, folders of records, run folders.
        options: what to make of them, and where.

    Raises:
        ValueError: what is named is not one table, or not one sweep; or pictures are asked for of two runs of one row.
    """
    output, name = Path(options.output), options.name
    if options.logger not in (None, "wandb"):
        raise ValueError(f"logger={options.logger} is not known; leave it out, or logger=wandb.")
    runs = one_table(Results.read_all(paths))
    named = [(folder, label) for folder, label in ((options.base, "Base"), (options.figures_from, "DIEN")) if folder]
    pictured = {row_label(found.row) or label: found for folder, label in named for found in Results.read_all([folder])}
    if len(pictured) < len(named):
        raise ValueError("base= and figures_from= name runs of one row; name two rows, or figures_from= alone.")
    drawn = network_blocks(Path(options.figures_from)) if options.figures_from else []
    folders = [Path(folder) for folder in (options.sweeps or "").split(",") if folder]
    sweeps = {folder.name.removeprefix("sweep_"): Results.read_all([folder]) for folder in folders}
    if len(sweeps) < len(folders):
        raise ValueError(f"sweeps={options.sweeps} names two folders of one name; a sweep is called by its folder's.")
    passes = figure_3_of(runs)
    given = [f"{key}={value}" for key, value in asdict(options).items() if value != getattr(Options, key)]
    html = output / ("report.html" if name == "table1" else f"{name}.html")
    rivals = section_of(output / "table2.json") if name == "table1" else []
    page = table_page(runs, passes=passes, pictured=pictured, drawn=drawn, sweeps=sweeps, rivals=rivals)
    files = {output / f"{name}.md": markdown(runs, shlex.join(["dien", "report", *paths, *given])), html: page}
    if passes:
        files[output / f"{name}_figure3.svg"] = to_file(passes[0])
    for file, content in files.items():
        write_text(file, content)
    tables = {"table1": short_table(runs), "order": order_table(runs)}
    if options.logger == "wandb":
        log_report(name, list(files), tables, Path("outputs"))
    console = Console()
    console.print(to_rich(tables["table1"]))
    console.print(f"{amount(len(runs), 'run')} in {output / name}.md; the page: [bold]{html}[/]", soft_wrap=True)
