"""The rows of Table I: what the paper prints for each, what each fixes, and which runs are of one table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from dien_lightning.experiments.keys import CONF
from dien_lightning.experiments.results import Results
from dien_lightning.experiments.settings import SEED, but_for_pair, difference

PAPER_DIRECTIONS = ("Duke → Market", "Market → Duke")


class Published(NamedTuple):
    """Percent, as printed."""

    rank1: float
    mAP: float


class Method(NamedTuple):
    """One row of Table I or II.

    Attributes:
        label: for people.
        experiment: file in conf/experiment whose trainings make it; "umdl" is a command of its own.
        takes: what it needs beside labelled source and unlabelled target images.
        published: Duke → Market and Market → Duke, as the paper prints them; empty where it has no such row.
    """

    label: str
    experiment: str = "table"
    takes: str = "nothing"
    published: tuple[Published, ...] = ()


TABLE_1: dict[str, Method] = {
    "r01_base": Method("Base", published=(Published(45.1, 20.8), Published(32.9, 17.0))),
    "r02_exemplar": Method("Base + TL[8]", published=(Published(49.9, 23.9), Published(37.0, 21.1))),
    "r03_cccdtl": Method("Base + CCCDTL", published=(Published(51.7, 24.9), Published(38.3, 22.1))),
    "r04_dc": Method("Base + DC", published=(Published(51.2, 24.2), Published(37.9, 21.8))),
    "r05_cccdtl_dc": Method("Base + CCCDTL + DC", published=(Published(53.6, 26.3), Published(39.8, 22.3))),
    "r06_full_t1": Method("… + RTDA (T = 1)", published=(Published(58.1, 24.8), Published(44.4, 24.2))),
    "r07_full_t2": Method("… + RTDA (T = 2)", published=(Published(58.5, 26.9), Published(45.8, 26.1))),
    "r08_full_t3": Method("… + RTDA (T = 3)", published=(Published(58.7, 27.1), Published(46.7, 26.4))),
    "r09_full_t4": Method("… + RTDA (T = 4)", published=(Published(58.6, 27.0), Published(46.4, 26.2))),
    "r10_full_t5": Method("… + RTDA (T = 5)", published=(Published(57.9, 26.3), Published(44.1, 24.0))),
}
"""Table I of Pu et al. (2019), by the name of the file in conf/ablation."""
SECOND_STAGE: dict[str, str] = {
    "cccdtl_dc_self": "Base + CCCDTL + DC, then self-training",
    "base_self": "Base, then self-training",
    "scratch_self": "self-training from random weights",
    "cccdtl_dc_self_source": "Base + CCCDTL + DC, then self-training with the source in the same memory",
    "cccdtl_dc_self_separate": "Base + CCCDTL + DC, then self-training with the source in a memory of its own",
    "pul": "Base, then PUL",
    "t3_self": "DIEN (T = 3), then self-training",
}
"""Rows of self-training by the name of the file in conf/ablation, in the order they are trained in."""
BASE, CONTROL = "r01_base", "Base + target statistics"


def row_label(row: str) -> str:
    """A row's configuration where it stands alone; empty for what is none of Table I's.

    Example:
        >>> row_label("r08_full_t3"), row_label("r04_dc"), row_label("")
        ('DIEN (T = 3)', 'Base + DC', '')
    """
    return TABLE_1[row].label.replace("… + RTDA", "DIEN") if row in TABLE_1 else ""


def direction_label(direction: str) -> str:
    """A pair's name for people.

    Example:
        >>> direction_label("day2night"), direction_label("cuhk02_to_msmt17")
        ('day → night', 'cuhk02 → msmt17')
    """
    return direction.replace("_to_" if "_to_" in direction else "2", " → ", 1)


def directions_of(runs: Sequence[Results]) -> list[str]:
    """The pairs the runs went over, each once."""
    return sorted({run.direction for run in runs})


def one_table(runs: Sequence[Results]) -> list[Results]:
    """Runs in the order row, direction, seed, where they make one table: they differ in nothing else.

    Raises:
        ValueError: a run is of no row, or not as its row's file says; two differ in something else, or in nothing.
    """
    kept: dict[tuple[str, str], list[Results]] = {}
    for run in sorted(runs, key=lambda run: (run.row, run.direction, run.seed)):
        if run.row not in TABLE_1:
            raise ValueError(f"{run.path} is of row={run.row or 'null'}, which is none of Table I's: leave it out.")
        for name, value in row_settings(run.row).items():
            if run.setting(name) != value:
                raise ValueError(f"{run.path} says {run.row} but has {name}={run.setting(name)} (not {value}).")
        for (row, direction), others in kept.items():
            ignoring = [*SEED, "protocol.statistics"]
            if row != run.row:
                ignoring += [*row_settings(row), *row_settings(run.row)]
            own, other = run.conditions, others[0].conditions
            if direction != run.direction:
                ignoring += ["data.root", "protocol.num_"]
                own, other = but_for_pair(own), but_for_pair(other)
            if found := difference(own, other, ignoring):
                raise ValueError(f"{run.path} has {found}, unlike {others[0].path}: one table holds one setting.")
        same = kept.setdefault((run.row, run.direction), [])
        if same and same[-1].seed == run.seed:
            raise ValueError(f"{same[-1].path} and {run.path} are both {run.name}: leave one out.")
        same.append(run)
    if not kept:
        raise ValueError("there are no runs; `dien table` trains them into results/runs.")
    return [run for same in kept.values() for run in same]


@cache
def row_settings(row: str) -> dict[str, Any]:
    """What a row fixes, by dotted name: its file in conf/ablation."""
    fixed: Any = OmegaConf.to_container(OmegaConf.load(CONF / "ablation" / f"{row}.yaml"))
    groups = {name: options for name, options in fixed.items() if isinstance(options, dict)}
    return {f"{group}.{name}": value for group, options in groups.items() for name, value in options.items()}
