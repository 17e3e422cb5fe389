"""Train what is missing of a table, two processes of one thread each, then report: what `make table` runs.

dien table [rows=r01_base,r05_cccdtl_dc] [data=day2night,night2day] [seeds=0,1,2] [jobs=2]
    [experiment=table] [records=results/runs] [output=results] [name=table1] [run_dir=outputs/table]
    [key=value for every training ...]

With another experiment, say experiment=pretrained, the last ones are results/runs_pretrained, results,
table1_pretrained and outputs/pretrained. `data` is the experiment's pair, both ways. With experiment=second_stage the
rows are those of self-training (base_self, cccdtl_dc_self, ...), and the table is results/self_training; the networks
they begin with are trained first where first_stage.run_dir=outputs/table lacks them, on the same pair, at its size,
with its threads and precision, but else by their own settings, and one of other settings is refused. name=table2, or
experiment=table2, is Table II: the rivals' rows (docs/rivals.md), each trained by the experiment that makes it,
translations and first stages before it; a key=value goes to those commands that have the key (name the row where one
alone has it: rows=pul rounds.num_clusters=700), but a translation is given only which pair, where it lies, its images'
size, threads, data.num_workers and spgan.*; records= and run_dir= are of the rivals' runs.

Each finished run is kept as RECORDS/ROW_DIRECTION_SEED.json and not run again, a begun one goes on, a failed one is
said and does not stop the rest. Trainings of one experiment are one Hydra multirun of dien train, those on
translations another.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dien_lightning.checks import check_int
from dien_lightning.experiments import table2
from dien_lightning.experiments.config import both_ways, compose_config
from dien_lightning.experiments.keys import did_you_mean
from dien_lightning.experiments.options import take, whole_numbers
from dien_lightning.experiments.report import Options as ReportOptions
from dien_lightning.experiments.report import collect
from dien_lightning.experiments.reports.second_stage import collect_second_stage
from dien_lightning.experiments.reports.table1_rows import SECOND_STAGE, TABLE_1
from dien_lightning.experiments.reports.table2_rows import TABLE_2
from dien_lightning.experiments.stages import check_overrides
from dien_lightning.experiments.table_jobs import Place, compose_pairs, jobs_of
from dien_lightning.experiments.table_runs import OWN, check_records, complete

_FIRST = ("r01_base", "r03_cccdtl", "r04_dc", "r05_cccdtl_dc", "r08_full_t3")  # what the claim stands on
_FULL, _BASE = "r08_full_t3", "r01_base"  # whose networks are pictured


@dataclass
class Options:
    """Those that are not the trainings'; what is left empty follows the experiment."""

    rows: str = ""
    data: str = ""
    seeds: str = "0,1,2"
    jobs: int = 2
    experiment: str = ""
    records: str = ""
    output: str = "results"
    name: str = ""
    run_dir: str = ""

    def __post_init__(self) -> None:
        self.experiment = self.experiment or ("table2" if self.name == "table2" else "table")
        place = Place.of(self.experiment, self.jobs)
        known: dict[str, Any] = dict.fromkeys([*_FIRST, *TABLE_1])
        table, name = "Table I's", "table1" if self.experiment == "table" else f"table1_{self.experiment}"
        if self.is_table_2:
            known, table, name = TABLE_2, "Table II's", self.experiment
        elif self.is_second_stage:
            known, table = SECOND_STAGE, "self-training's"
            name = self.experiment.replace("second_stage", "self_training")
        self.rows = self.rows or ",".join(known)
        if unknown := [row for row in self.rows.split(",") if row not in known]:
            near = did_you_mean(unknown[0], known)
            raise ValueError(f"rows={unknown[0]} is not one of {table}{near} There are {', '.join(known)}.")
        self.records = self.records or str(place.records)
        self.name = self.name or name
        self.run_dir = self.run_dir or str(place.run_dir)
        is_one = Path(self.records).resolve() == Path(self.output).resolve()
        if is_one and (self.is_table_2 or self.is_second_stage):
            raise ValueError(
                f"records={self.records} and output={self.output} are one folder, where the table's {self.name}.json "
                f"would be read as a record; name another output."
            )

    @property
    def is_table_2(self) -> bool:
        """Whether the rows are Table II's, each of an experiment of its own."""
        return self.experiment == "table2"

    @cached_property
    def is_second_stage(self) -> bool:
        """Whether the rows begin with networks of Table I's."""
        return compose_config([f"experiment={self.experiment}"]).get("rounds") is not None

    @property
    def place(self) -> Place:
        """Where runs and records lie."""
        return Place(self.experiment, Path(self.records), Path(self.run_dir), self.jobs)


def main() -> None:
    """Find what is missing, train it, say what failed, report."""
    options, overrides = take(Options, sys.argv[1:])
    check_overrides("table", overrides, OWN, "give rows=, data= and seeds=.")
    check_int("jobs", options.jobs, 1, "it is how many trainings run at a time")
    seeds, rows = whole_numbers("seeds", options.seeds), options.rows.split(",")
    data = options.data.split(",") if options.data else both_ways(options.experiment)
    if options.is_table_2:
        left = table2.complete_table_2(rows, data, seeds, options.place, overrides)
    else:
        pairs = compose_pairs(data, options.experiment, overrides)
        jobs = jobs_of(rows, pairs, seeds)
        left = complete(jobs, check_records(jobs, options.place, overrides), pairs, options.place, overrides)
    if options.is_table_2 or any(options.place.records.glob("*.json")):
        report(options)
    if left:
        sys.exit(1)


def report(options: Options) -> None:
    """Collect all records, with pictures of the first pair of networks here and the sweeps kept beside the table."""
    path = Path(options.output, options.name)
    if options.is_table_2:
        table2.report(options.place, path, sys.argv[1:])
        return
    if options.is_second_stage:
        collect_second_stage(Path(options.records), path, sys.argv[1:])
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
