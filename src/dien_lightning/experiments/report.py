"""Collect finished runs of Table I into results/: table1.json, table1.md, table1_figure3.svg, report.html.

python scripts/report.py results/runs [output=results] [name=table1] [figures_from=RUN_DIR] [base=RUN_DIR]
    [sweeps=DIR,DIR] [logger=wandb]

RUNS are records (results/runs/*.json), folders of records, or run folders. `figures_from` names the run of the full
model whose network is pictured, whose curves and ranked lists are shown; `base` a run to set beside it (a later report
keeps them where both are among its RUNS); each folder of `sweeps` holds one sweep's runs. logger=wandb logs the tables
and, as an artifact, the files.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from dien_lightning.experiments.command import run
from dien_lightning.experiments.options import take
from dien_lightning.experiments.reports.labels import short_label
from dien_lightning.experiments.reports.main_runs import select_main_runs
from dien_lightning.experiments.reports.network_figures import network_blocks
from dien_lightning.experiments.reports.page import Block, Section, read_sections
from dien_lightning.experiments.reports.plots import to_file
from dien_lightning.experiments.reports.records import RunRecord, read_run, read_runs
from dien_lightning.experiments.reports.table1 import gains_table, short_table, table1_json
from dien_lightning.experiments.reports.table_page import OF_NETWORKS, identity, passes_of, table_markdown, table_page
from dien_lightning.experiments.reports.tables import to_rich
from dien_lightning.experiments.results import write_json, write_text
from dien_lightning.experiments.tracking_report import log_report


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
    collect(paths or ["results/runs"], options)


def collect(paths: Sequence[str], options: Options) -> None:
    """Read, choose, write, print.

    Args:
        paths: records, folders of records, run folders.
        options: what to make of them, and where.
    """
    output, name = Path(options.output), options.name
    if options.logger not in (None, "wandb"):
        raise ValueError(f"logger={options.logger} is not known; leave it out, or logger=wandb.")
    console = Console()
    runs, left_out = select_main_runs(read_runs(paths))
    for sentence in left_out:
        console.print(sentence, soft_wrap=True, highlight=False)
    html = output / ("report.html" if name == "table1" else f"{name}.html")
    shown, drawn, kept = pictures(runs, options, html, console)
    folders = [Path(folder) for folder in (options.sweeps or "").split(",") if folder]
    sweeps = {folder.name.removeprefix("sweep_"): read_runs([folder]) for folder in folders}
    if len(sweeps) < len(folders):
        raise ValueError(f"sweeps={options.sweeps} names two folders of one name; a sweep is called by its folder's.")
    passes = passes_of(runs)
    page = table_page(runs, passes=passes, shown=shown, sweeps=sweeps, drawn=drawn, kept=kept)
    given = [f"{key}={value}" for key, value in asdict(options).items() if value != getattr(Options, key)]
    command = shlex.join(["python", "scripts/report.py", *paths, *given])
    files = [output / f"{name}.json", output / f"{name}.md", html]
    write_json(files[0], table1_json(runs, command))
    write_text(files[1], table_markdown(runs, [f"Made by `{command}` from {len(runs)} runs."]))
    write_text(html, page)
    if passes:
        files.append(output / f"{name}_figure3.svg")
        write_text(files[-1], to_file(passes[0]))
    tables = {"table1": short_table(runs), "gains": gains_table(runs)}
    if options.logger == "wandb":
        log_report(name, files, tables, Path("outputs"))
    for table in tables.values():
        console.print(to_rich(table))
    console.print(f"{len(runs)} runs in {output / name}.json and .md; the page: [bold]{html}[/]", soft_wrap=True)


def pictures(
    runs: Sequence[RunRecord], options: Options, html: Path, console: Console
) -> tuple[dict[str, RunRecord], list[Block], list[Section]]:
    """The single runs to show, what is drawn from a network, and what an older page had of them.

    Raises:
        ValueError: a run that no one command repeats, or twice the same row.
    """
    shown: dict[str, RunRecord] = {}
    drawn: list[Block] = []
    kept: list[Section] = []
    for folder, label in ((options.base, "Base"), (options.figures_from, "DIEN")):
        if folder:
            run = read_run(folder)
            if run.changes:
                raise ValueError(f"{folder} went on with other settings ({', '.join(run.changes)}): show another run.")
            shown[short_label(run.row) or label] = run
    if len(shown) == 1 and options.base and options.figures_from:
        raise ValueError("base= and figures_from= name runs of one row; name two rows, or figures_from= alone.")
    if options.figures_from:
        drawn = [Block(kind, content) for kind, content in network_blocks(Path(options.figures_from))]
    elif not shown and html.is_file():
        old = [section for section in read_sections(html.read_text()) if section.title in OF_NETWORKS]
        of_others = {name for section in old for name in section.shows or ["?"]} - {identity(run) for run in runs}
        kept = [] if of_others else old
        if old:
            fate = "loses them: they are of other runs" if of_others else "keeps them"
            console.print(
                f"{html} had pictures, ranked lists and curves, and {fate}; figures_from=RUN_DIR makes new ones.",
                soft_wrap=True,
            )
    return shown, drawn, kept


if __name__ == "__main__":
    run(main)
