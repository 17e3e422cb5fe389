"""Self-training's table: each row beside the network it began with, as self_training.json and self_training.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from dien_lightning.checks import amount
from dien_lightning.experiments.reports.collected import VERDICTS, entry_of, write_collected
from dien_lightning.experiments.reports.differences import SHORT, Entry, difference_table, directions_in, over_seeds
from dien_lightning.experiments.reports.table1_rows import BASE, SECOND_STAGE, direction_label
from dien_lightning.experiments.reports.tables import ABSENT, Column, Row, Summary, Table, name_precision, to_rich
from dien_lightning.experiments.results import Results

_FIRST_STAGE = {
    "base": "Base",
    "control": "Base + target statistics (the control)",
    "cccdtl_dc": "Base + CCCDTL + DC",
    "t3": "DIEN (T = 3)",
}
_NAMES = {BASE: "base", "r05_cccdtl_dc": "cccdtl_dc", "r08_full_t3": "t3"}
_BEFORE = "_before_"
"""Between a first network's name and a row's: those that this row alone began with."""
_CLAIMS = (
    ("base_self", "control"),
    ("cccdtl_dc_self", "cccdtl_dc"),
    ("t3_self", "t3"),
    ("cccdtl_dc_self", "base_self"),
    ("t3_self", "cccdtl_dc_self"),
    ("base_self", "scratch_self"),
    ("cccdtl_dc_self_source", "cccdtl_dc_self"),
    ("cccdtl_dc_self_separate", "cccdtl_dc_self"),
    ("cccdtl_dc_self_separate", "cccdtl_dc_self_source"),
    ("base_self", "pul"),
    ("pul", "control"),
)
GLOSSARY = (
    "The first rows are the networks that self-training begins with, trained on this pair as Table I's; the rows after "
    "them went on with clusters of the target's own embeddings. No target label was used: every figure is that of the "
    "last epoch. Runs are compared with those of the same precision alone. Another processor makes "
    "other networks of the same seeds: where a row began with such, they stand beside, and it is compared with them."
)


def collect_second_stage(records: Path, path: Path, words: Sequence[str]) -> None:
    """Read the records of both stages, check that each row is of one setting, write the table, print it.

    Args:
        records: a folder of self-training's records; in its first_stage/, by the same names, those of the networks that
            they began with.
        path: of NAME.json and NAME.md, without the ending.
        words: that dien table was given.

    Raises:
        ValueError: a record is of no row, or two of one row differ in more than pair, seed and precision.
    """
    runs = Results.read_all([records])
    if strange := [run for run in runs if run.row not in SECOND_STAGE]:
        raise ValueError(
            f"{strange[0].path} is of row={strange[0].row or 'null'}, which is none of self-training's: move it."
        )
    starts = Results.read_all([records / "first_stage"]) if (records / "first_stage").is_dir() else []
    entries = entries_of(runs, starts)
    tables = []
    for precision in dict.fromkeys(entry["precision"] for entry in entries):
        like_one = [entry for entry in entries if entry["precision"] == precision]
        tables += [summarize(like_one, precision), gains(like_one)]
    console = Console()
    for table in tables[::2]:
        console.print(to_rich(table))
    tables += [clusters(known)] if (known := [run for run in runs if run.rounds]) else []
    write_collected(path, f"Self-training: {runs[0].steps} further steps", words, runs, entries, GLOSSARY, *tables)
    console.print(f"{amount(len(runs), 'run')} in {path}.md and {path}.json", soft_wrap=True)


def entries_of(runs: Sequence[Results], starts: Sequence[Results]) -> list[Entry]:
    """Row, pair, seed and figures of each network, those of the first stage first.

    Args:
        runs: of self-training.
        starts: of the networks they began with, once for each run that did.
    """
    first, second = [], []
    for run, before in _apart(starts):
        first.append(entry_of(run, _NAMES[run.row] + before, run.target))
        if run.target_with_target_statistics:
            first.append(entry_of(run, f"control{before}", run.target_with_target_statistics))
    for run in runs:
        path = run.setting("network.path")
        choice = run.checkpoints.get("label_free", {}).get("target", {})
        chosen = {f"label_free_{name}": choice[name] for name in SHORT if name in choice}
        start = None if path is None else Path(path).parent.name
        second.append(entry_of(run, run.row, run.target) | chosen | {"start": start})
    order = list(_labels())
    return sorted([*first, *second], key=lambda entry: (order.index(entry["row"]), entry["direction"], entry["seed"]))


def _apart(starts: Sequence[Results]) -> Iterator[tuple[Results, str]]:
    """Each network that a row began with, once, and what to add to its name.

    A row began with networks of its own where they were trained for it on another processor: they have other figures
    than those of the rows before it.
    """
    kept: dict[tuple[Any, ...], dict[int, Results]] = {}
    for row in SECOND_STAGE:
        groups: dict[tuple[Any, ...], dict[int, Results]] = {}
        for run in starts:
            if Path(run.path).stem == f"{row}_{run.direction}_{run.seed}":
                groups.setdefault((run.row, run.direction, run.protocol.get("precision")), {})[run.seed] = run
        for key, runs in groups.items():
            first = kept.setdefault(key, {})
            is_same = all(first[seed].target == runs[seed].target for seed in first.keys() & runs.keys())
            if not is_same:
                yield from ((run, _BEFORE + row) for run in runs.values())
                continue
            yield from ((run, "") for seed, run in runs.items() if seed not in first)
            first |= runs


def _labels() -> dict[str, str]:
    """Every row by its name in self_training.json, in the table's order."""
    labels: dict[str, str] = {}
    for name, label in _FIRST_STAGE.items():
        labels[name] = label
        labels |= {f"{name}{_BEFORE}{row}": f"{label}, of “{own}”" for row, own in SECOND_STAGE.items()}
    return {**labels, **SECOND_STAGE}


def summarize(entries: Sequence[Entry], precision: str | None) -> Table:
    """Each row's rank-1 and mAP on the target, mean and spread over its seeds; percent."""
    directions = directions_in(entries)
    columns = [Column(label, direction_label(d)) for d in directions for label in ("Rank-1", "mAP", "seeds")]
    labels, rows = _labels(), []
    for row in dict.fromkeys(entry["row"] for entry in entries):
        cells: list[str] = []
        for direction in directions:
            cells += [over_seeds(entries, row, direction, figure).percent() for figure in SHORT]
            cells.append(str(over_seeds(entries, row, direction, "mAP").runs or ABSENT))
        rows.append(Row(labels[row], tuple(cells)))
    caption = (
        f"Computed in {name_precision(precision)}: the target's query and gallery, in percent, mean ± sample standard "
        "deviation over the seeds."
    )
    return Table(caption, "Network", columns, rows)


def clusters(runs: Sequence[Results]) -> Table:
    """What the first and the last round of each run took for people, and how pure that is in the end.

    Args:
        runs: whose records keep their rounds.
    """
    caption = (
        "Clusters of the first round → of the last. Outliers: images in no cluster. Of one camera: pairs of a "
        "cluster's images that are; chance: any two clustered images. All but numbers in percent. Purity, of the last "
        "round, needs labels, which had no part in the run. Runs whose records have no rounds are left out."
    )
    names = ("Computed in", "Seed", "Clusters", "Outliers", "Of one camera", "Chance", "Purity")
    columns = [Column(name) for name in names]
    order, rows = list(SECOND_STAGE), []
    for run in sorted(runs, key=lambda run: (order.index(run.row), run.name)):
        first, last = run.rounds[0], run.rounds[-1]
        computed = name_precision(run.protocol.get("precision"))
        cells = [computed, str(run.seed), f"{first['number']:.0f} → {last['number']:.0f}"]
        for name in ("outliers", "same_camera", "chance"):
            cells.append(" → ".join(Summary.of([each.get(name)]).percent() for each in (first, last)))
        cells.append(Summary.of([run.purity]).percent())
        rows.append(Row(f"{SECOND_STAGE[run.row]}, {direction_label(run.direction)}", tuple(cells)))
    return Table(caption, "Network", columns, rows)


def gains(entries: Sequence[Entry]) -> Table:
    """What self-training adds, and what it is worth to begin with another network: differences of the means."""
    caption = f"Differences of the means in points. {VERDICTS} With one seed there is no spread to compare with."
    labels = _labels()

    def figure_of(row: str, direction: str, figure: str) -> Summary:
        found = over_seeds(entries, row, direction, figure)
        name, before, _ = row.partition(_BEFORE)
        return over_seeds(entries, name, direction, figure) if before and not found.runs else found

    claims = [(row, f"{other}{_BEFORE}{row}" if other in _FIRST_STAGE else other) for row, other in _CLAIMS]
    labels |= {own: labels[own.partition(_BEFORE)[0]] for _, own in claims}
    return difference_table(caption, claims, labels, directions_in(entries), figure_of, head="Difference")
