"""Train what is missing of Table I, two processes of one thread each, then report: what `make table` runs.

python scripts/table.py [rows=r01_base,r05_cccdtl_dc] [data=day2night,night2day] [seeds=0,1,2] [jobs=2]
    [experiment=table] [records=results/runs] [output=results] [name=table1] [run_dir=outputs/table]
    [key=value for every training ...]

With another experiment, say experiment=pretrained, the last ones are results/runs_pretrained, results,
table1_pretrained and outputs/pretrained.

Each finished run is kept as RECORDS/ROW_DIRECTION_SEED.json and not run again, a begun one goes on, a failed one is
said and does not stop the rest. It is one Hydra multirun of scripts/train.py.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from rich.console import Console

import children
from command import CONF, run, typed
from dien_lightning.reports.main_runs import ROWS
from report import collect

_FIRST = ("r01_base", "r03_cccdtl", "r04_dc", "r05_cccdtl_dc", "r08_full_t3")  # what the claim stands on
_DEFAULTS = {
    "rows": ",".join([*_FIRST, *(row for row in ROWS if row not in _FIRST)]),
    "data": "day2night,night2day",
    "seeds": "0,1,2",
    "jobs": "2",
    "experiment": "table",
    "records": "results/runs{suffix}",
    "output": "results",
    "name": "table1{suffix}",
    "run_dir": "outputs/{experiment}",
}


class Job(NamedTuple):
    """One run of the table."""

    row: str
    direction: str
    seed: str

    @property
    def name(self) -> str:
        """Of its record and of its folder."""
        return "_".join(self)


def main() -> None:
    """Find what is missing, train it, say what failed, report."""
    own = [argument for argument in sys.argv[1:] if argument.partition("=")[0] in _DEFAULTS]
    overrides = [argument for argument in sys.argv[1:] if argument not in own]
    if strange := [argument for argument in overrides if "=" not in argument]:
        raise ValueError(f"{strange[0]!r} is no key=value; see python scripts/table.py --help.")
    options = complete(typed(own))
    rows, data, seeds = (options[name].split(",") for name in ("rows", "data", "seeds"))
    if unknown := [row for row in rows if row not in ROWS]:
        raise ValueError(f"rows={unknown[0]} is not one of Table I's; choose from {', '.join(ROWS)}.")
    jobs = [Job(row, direction, seed) for row in rows for direction in data for seed in seeds]
    records = Path(options["records"])
    missing = find_missing(jobs, records)
    console = Console()
    console.print(f"{len(jobs) - len(missing)} of {len(jobs)} runs are in {records}; {len(missing)} to train.")
    if missing:
        prepare(data, [f"experiment={options['experiment']}", *overrides])
        train(missing, options, overrides)
        for job in find_missing(missing, records):
            console.print(
                f"{job.name} has no record: see {options['run_dir']}/{job.name}; `make table` goes on with it.",
                soft_wrap=True,
            )
    if any(records.glob("*.json")):
        report(options, rows, data, seeds)
    if find_missing(jobs, records):
        sys.exit(1)


def complete(given: Mapping[str, str]) -> dict[str, str]:
    """Every option of ours: as given, or its default, which follows the experiment."""
    experiment = given.get("experiment", _DEFAULTS["experiment"])
    suffix = "" if experiment == _DEFAULTS["experiment"] else f"_{experiment}"
    return {
        name: given.get(name, default.format(experiment=experiment, suffix=suffix))
        for name, default in _DEFAULTS.items()
    }


def find_missing(jobs: list[Job], records: Path) -> list[Job]:
    """The jobs without a record, in their order."""
    return [job for job in jobs if not (records / f"{job.name}.json").is_file()]


def prepare(data: list[str], overrides: list[str]) -> None:
    """Draw the data sets before several processes want them at once."""
    with initialize_config_dir(CONF, version_base="1.3"):
        for direction in data:
            config = compose("config", [*overrides, f"data={direction}"])
            instantiate(config.data, _convert_="all").prepare_data()


def train(missing: list[Job], options: dict[str, str], overrides: list[str]) -> None:
    """One multirun over the grid that holds all missing jobs; train.py passes over those that have a record."""
    axes = {
        axis: list(dict.fromkeys(values)) for axis, values in zip(Job._fields, zip(*missing, strict=True), strict=True)
    }
    quiet = ["callbacks.progress=null", "trainer.enable_progress_bar=false"]  # two bars on one terminal are none
    children.train(
        "-m",
        f"experiment={options['experiment']}",
        f"ablation={','.join(axes['row'])}",
        f"data={','.join(axes['direction'])}",
        f"seed={','.join(axes['seed'])}",
        "resume=true",
        f"run_dir={options['run_dir']}",
        f"record={options['records']}/${{row}}_${{direction}}_${{seed}}.json",
        "hydra.sweep.subdir=${row}_${direction}_${seed}",
        "hydra/launcher=joblib",
        f"hydra.launcher.n_jobs={options['jobs']}",
        *quiet,
        *overrides,
        OMP_NUM_THREADS="1",
    )


def report(options: dict[str, str], rows: list[str], data: list[str], seeds: list[str]) -> None:
    """Collect all records, with pictures of the first seed's runs if their folders are here."""
    pictured = {}
    for option, row in (("base", "r01_base"), ("figures_from", "r08_full_t3")):
        folder = Path(options["run_dir"]) / Job(row, data[0], seeds[0]).name
        if row in rows and (folder / "results.json").is_file():
            pictured[option] = str(folder)
    collect([options["records"]], {"output": options["output"], "name": options["name"], **pictured})


if __name__ == "__main__":
    run(main)
