"""Train what is missing of Table I, two processes of one thread each, then report: what `make table` runs.

dien table [rows=r01_base,r05_cccdtl_dc] [data=day2night,night2day] [seeds=0,1,2] [jobs=2]
    [experiment=table] [records=results/runs] [output=results] [name=table1] [run_dir=outputs/table]
    [key=value for every training ...]

With another experiment, say experiment=pretrained, the last ones are results/runs_pretrained, results,
table1_pretrained and outputs/pretrained. `data` is the experiment's pair, both ways. With experiment=second_stage the
rows are those of self-training (base_self, cccdtl_dc_self, ...), and the table is results/self_training; the networks
they begin with are trained first where outputs/table lacks them.

Each finished run is kept as RECORDS/ROW_DIRECTION_SEED.json and not run again, a begun one goes on, a failed one is
said and does not stop the rest. It is one Hydra multirun of dien train.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hydra.utils import instantiate
from omegaconf import DictConfig
from rich.console import Console

from dien_lightning.checks import check_int
from dien_lightning.experiments import children
from dien_lightning.experiments.config import both_ways, compose_config, direction_of
from dien_lightning.experiments.options import take, whole_numbers
from dien_lightning.experiments.report import Options as ReportOptions
from dien_lightning.experiments.report import collect
from dien_lightning.experiments.reports.rows import SECOND_STAGE, TABLE_1
from dien_lightning.experiments.reports.second_stage import collect_second_stage
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.settings import conditions, same_run

_FIRST = ("r01_base", "r03_cccdtl", "r04_dc", "r05_cccdtl_dc", "r08_full_t3")  # what the claim stands on


@dataclass
class Options:
    """Those that are not the trainings'; what is left empty follows the experiment."""

    rows: str = ""
    data: str = ""
    seeds: str = "0,1,2"
    jobs: int = 2
    experiment: str = "table"
    records: str = ""
    output: str = "results"
    name: str = ""
    run_dir: str = ""

    def __post_init__(self) -> None:
        suffix = "" if self.experiment == "table" else f"_{self.experiment}"
        known: dict[str, Any] = dict.fromkeys([*_FIRST, *TABLE_1])
        name = f"table1{suffix}"
        if self.is_second_stage:
            known, name = SECOND_STAGE, self.experiment.replace("second_stage", "self_training")
        self.rows = self.rows or ",".join(known)
        if unknown := [row for row in self.rows.split(",") if row not in known]:
            table = "self-training's" if self.is_second_stage else "Table I's"
            raise ValueError(f"rows={unknown[0]} is not one of {table}; choose from {', '.join(sorted(known))}.")
        self.records = self.records or f"results/runs{suffix}"
        self.name = self.name or name
        self.run_dir = self.run_dir or f"outputs/{self.experiment}"

    @property
    def is_second_stage(self) -> bool:
        """Whether the rows begin with networks of Table I's."""
        return compose_config([f"experiment={self.experiment}"]).get("rounds") is not None


_OWN = ("row", "ablation", "direction", "seed", "record", "resume", "group", "sweep")  # train.py's, set for each run
_BOTH_STAGES = ("data_root=", "data.source", "data.target_root=", "data.target=", "data.num_workers=", "threads=")
_FULL, _BASE = "r08_full_t3", "r01_base"  # whose networks are pictured


class Job(NamedTuple):
    """One run of the table.

    Attributes:
        row: file in conf/ablation.
        data: file in conf/data.
        seed: of everything drawn.
        direction: the pair's name, which is the file's unless another set is named.
    """

    row: str
    data: str
    seed: str
    direction: str

    @property
    def name(self) -> str:
        """Of its record and of its folder."""
        return f"{self.row}_{self.direction}_{self.seed}"


def main() -> None:
    """Find what is missing, train it, say what failed, report."""
    options, overrides = take(Options, sys.argv[1:])
    if strange := [argument for argument in overrides if "=" not in argument]:
        raise ValueError(f"{strange[0]!r} is no key=value; see dien table --help.")
    if taken := [argument for argument in overrides if argument.partition("=")[0].lstrip("+") in _OWN]:
        raise ValueError(f"{taken[0]} would be the same for every run; choose runs by rows=, data= and seeds=.")
    check_int("jobs", options.jobs, 1, "it is how many trainings run at a time")
    seeds = whole_numbers("seeds", options.seeds)
    overrides = [f"experiment={options.experiment}", *overrides]
    pairs = compose_pairs(options.data.split(",") if options.data else both_ways(options.experiment), overrides)
    jobs = [
        Job(row, name, str(seed), direction_of(name, pair.source, pair.target))
        for row in options.rows.split(",")
        for name, pair in pairs.items()
        for seed in seeds
    ]
    records = Path(options.records)
    missing = find_missing(jobs, records)
    for job in jobs:
        if job not in missing:
            config = compose_config([*overrides, f"ablation={job.row}", f"data={job.data}", f"seed={job.seed}"])
            asked = conditions(config, in_precision=bool(missing))  # one table is computed in one precision
            path = records / f"{job.name}.json"
            same_run(str(path), Results.read(path).conditions, asked, "Choose records=DIR run_dir=DIR output=DIR.")
    console = Console()
    console.print(f"{len(jobs) - len(missing)} of {len(jobs)} runs are in {records}; {len(missing)} to train.")
    if missing:
        prepare(pairs)
        train_first_stage(missing, options, overrides)
        train(missing, options, overrides)
        for job in find_missing(missing, records):
            console.print(
                f"{job.name} has no record: see {options.run_dir}/{job.name}; the same command goes on with it.",
                soft_wrap=True,
            )
    if any(records.glob("*.json")):
        report(options)
    if find_missing(jobs, records):
        sys.exit(1)


def find_missing(jobs: list[Job], records: Path) -> list[Job]:
    """The jobs without a record, in their order."""
    return [job for job in jobs if not (records / f"{job.name}.json").is_file()]


def compose_pairs(data: list[str], overrides: list[str]) -> dict[str, DictConfig]:
    """The data of each file in conf/data, as these overrides leave it.

    Raises:
        ValueError: a pair is named twice.
    """
    pairs = {name: compose_config([*overrides, f"data={name}"]).data for name in data}
    named = {direction_of(name, pair.source, pair.target) for name, pair in pairs.items()}
    if len(named) < len(data):
        raise ValueError(f"data={','.join(data)} comes to {', '.join(named)}: name each pair once.")
    return pairs


def prepare(pairs: dict[str, DictConfig]) -> None:
    """Draw the data sets before several processes want them at once."""
    for pair in pairs.values():
        instantiate(pair, _convert_="all").prepare_data()


def train(missing: list[Job], options: Options, overrides: list[str]) -> None:
    """Multiruns over the grid that holds all missing jobs; train.py passes over those that have a record.

    One is enough, unless a process is killed: then joblib starts no further job, and another multirun does.
    """
    axes = {
        axis: list(dict.fromkeys(values)) for axis, values in zip(Job._fields, zip(*missing, strict=True), strict=True)
    }
    run_dir, records = Path(options.run_dir), Path(options.records)
    children.train(
        "-m",
        f"ablation={','.join(axes['row'])}",
        f"data={','.join(axes['data'])}",
        f"seed={','.join(axes['seed'])}",
        "resume=true",
        f"run_dir={options.run_dir}",
        f"record={options.records}/${{row}}_${{direction}}_${{seed}}.json",
        "hydra.sweep.subdir=${row}_${direction}_${seed}",
        "hydra/launcher=joblib",
        f"hydra.launcher.n_jobs={options.jobs}",
        "trainer.enable_progress_bar=false",  # two bars on one terminal are none
        *overrides,
        OMP_NUM_THREADS="1",
    )
    left = find_missing(missing, records)
    if len(left) < len(missing) and not all((run_dir / job.name).exists() for job in left):
        train(left, options, overrides)


def train_first_stage(jobs: list[Job], options: Options, overrides: list[str]) -> None:
    """The networks that these runs begin with, where they are not there; the record of each is kept in any case."""
    first = Options(jobs=options.jobs)
    wanted: dict[Path, Job] = {}
    for job in jobs:
        config = compose_config([*overrides, f"ablation={job.row}", f"data={job.data}", f"seed={job.seed}"])
        if config.start is not None:
            first = Options(experiment=config.first_stage.experiment, jobs=options.jobs)
            first.run_dir = first.records = str(config.first_stage.run_dir)
            folder = Path(config.start).parent
            wanted[folder] = job._replace(row=folder.name.removesuffix(f"_{job.direction}_{job.seed}"))
    absent = [job for folder, job in wanted.items() if not (folder / "network.safetensors").is_file()]
    if absent:
        shared = [word for word in overrides if word.startswith(_BOTH_STAGES)]
        train(absent, first, [f"experiment={first.experiment}", *shared])
    for folder, job in wanted.items():
        record = Path(options.records, "first_stage", f"{job.name}.json")
        if (folder / "results.json").is_file():
            Results.read(folder).write(record)


def report(options: Options) -> None:
    """Collect all records, with pictures of the first pair of networks here and the sweeps kept beside the table."""
    if options.is_second_stage:
        command = shlex.join(["dien", "table", *sys.argv[1:]])
        collect_second_stage(Path(options.records), Path(options.output), options.name, command)
        return
    made = ReportOptions(output=options.output, name=options.name)
    for results in sorted(Path(options.run_dir).glob(f"{_FULL}_*/results.json")):
        base = results.parent.with_name(results.parent.name.replace(_FULL, _BASE))
        if not made.base and (base / "results.json").is_file():
            made.base, made.figures_from = str(base), str(results.parent)
    sweeps = Path(options.output, "sweeps").glob("*")
    kept = sorted(str(sweep) for sweep in sweeps if len(list(sweep.glob("*.json"))) > 1)  # with one, it has but begun
    if kept and options.experiment == "table":
        made.sweeps = ",".join(kept)
    collect([options.records], made)
