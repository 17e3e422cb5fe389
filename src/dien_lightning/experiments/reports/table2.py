"""Table II: the rivals on one pair, their cost and what each takes, the paper's figures and order beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from dien_lightning.experiments.files import read_json
from dien_lightning.experiments.reports.collected import VERDICTS, check_rows, entry_of, write_collected
from dien_lightning.experiments.reports.differences import SHORT, Entry, difference_table, directions_in, over_seeds
from dien_lightning.experiments.reports.page import Block, Section
from dien_lightning.experiments.reports.table1_rows import PAPER_DIRECTIONS, direction_label
from dien_lightning.experiments.reports.table2_rows import CLAIMS, OUR_CLAIMS, TABLE_2, WITH_TARGET_STATISTICS
from dien_lightning.experiments.reports.tables import ABSENT, Column, Row, Summary, Table, name_precision
from dien_lightning.experiments.results import FIGURES, Results

NOT_RUN = "not run"
_STATISTICS = "_with_target_statistics"
GLOSSARY = (
    "Every row is trained on the same two sets of drawn people and ranked by the same evaluation. No setting was "
    "chosen by target labels of this pair, but perhaps DIEN's lambda: the prototypes that it comes from were not kept "
    "(results/README.md). UMDL learns dictionaries over hand-made features, PUL goes on from Base "
    "with clusters of the target, SPGAN trains Base on source images translated into the target's look (with LMP: "
    "pooled in parts), TJ-AIDL learns identities and attributes together; docs/rivals.md explains them. TL[8] is row "
    "r02_exemplar of Table I; HHL's camera-style transfer was not built."
)
COST = (
    "Minutes are of everything a row needs: SPGAN's translation, the first stage of PUL and of self-training. Memory "
    "is the most that a row's own processes held; older records do not say it. Rows were run at different times beside "
    "other work, on machines with and without bfloat16, so minutes compare roughly."
)


def entries_of(runs: Sequence[Results], before: Mapping[str, Mapping[str, float]]) -> list[Entry]:
    """Row, pair, seed, figures and cost of each run, in Table II's order.

    Args:
        runs: of its rows.
        before: "seconds" and "peak_memory" of what a run was made from, by the run's name.

    Raises:
        ValueError: two runs of one row differ in more than pair, seed and precision, or two seeds of one pair in that.
    """
    check_rows(runs)
    like: dict[tuple[str, str], Results] = {}
    entries = []
    for run in runs:
        first = like.setdefault((run.row, run.direction), run)
        if (precision := run.protocol.get("precision")) != (other := first.protocol.get("precision")):
            raise ValueError(f"{run.path} was computed in {precision}, {first.path} in {other}: no mean is of both.")
        earlier = before.get(run.name, {})
        adapted = run.target_with_target_statistics
        known = {f"{name}{_STATISTICS}": adapted[name] for name in SHORT if name in adapted}
        held = [cost for cost in (run.peak_memory, earlier.get("peak_memory")) if cost]
        cost = {
            "seconds": None if run.seconds is None else run.seconds + (earlier.get("seconds") or 0),
            "seconds_before": earlier.get("seconds"),
            "peak_memory": max(held) if run.peak_memory else None,
        }
        entries.append({**entry_of(run, run.row, run.target), **known, **cost})
    order = list(TABLE_2)
    return sorted(entries, key=lambda entry: (order.index(entry["row"]), entry["direction"], entry["seed"]))


def write_table_2(entries: Sequence[Entry], runs: Sequence[Results], path: Path, words: Sequence[str]) -> Table:
    """Leave PATH.json and PATH.md, and give a table for the terminal.

    Args:
        entries: from `entries_of`.
        runs: that they are of.
        path: without the ending.
        words: that dien table was given.
    """
    there = {run.row for run in runs}
    missing = [method.label for row, method in TABLE_2.items() if row not in there]
    parts: list[str | Table] = [GLOSSARY]
    parts += [f"Not run yet, so nothing is said of them: {'; '.join(missing)}."] if missing else []
    parts += [main_table(entries), cost_table(entries), order_table(entries)]
    write_collected(path, "Table II: the rivals, on one pair", words, runs, entries, *parts)
    return short_table(entries)


def section_of(path: Path) -> list[Section]:
    """The report page's section from NAME.json; none where there is no such file."""
    if not path.is_file():
        return []
    content = read_json(path)
    entries = content["runs"]
    tables = (main_table(entries), cost_table(entries), order_table(entries))
    intro = f"{GLOSSARY} Collected by {content['command']}."
    return [Section("Table II: the rivals", [Block("table", table) for table in tables], intro)]


def main_table(entries: Sequence[Entry]) -> Table:
    """Each row's rank-1 and mAP on the target, mean and spread over its seeds; the paper's beside them; percent."""
    directions = directions_in(entries)
    columns = [Column(label, direction_label(d)) for d in directions for label in ("Rank-1", "mAP", "seeds")]
    columns += [Column(FIGURES[figure], f"paper, {d}") for d in PAPER_DIRECTIONS for figure in SHORT]
    rows = []
    for row, method in TABLE_2.items():
        printed = [f"{value:.1f}" for pair in method.published for value in pair] or [ABSENT] * 4
        rows.append(Row(method.label, (*_own_cells(entries, row, directions), *printed)))
        if any(entry["row"] == row and f"mAP{_STATISTICS}" in entry for entry in entries):
            cells = (*_own_cells(entries, row, directions, _STATISTICS), *[ABSENT] * 4)
            rows.append(Row(f"{method.label}, with target statistics", cells))
    caption = (
        "The target's query and gallery, in percent, mean ± sample standard deviation over the seeds; beside it the "
        "figures that the paper prints, of its own pair. Its SPGAN row is SPGAN with LMP. Networks that never saw a "
        "target image are embedded with the statistics of their source; below it with those gathered on the target's "
        "training images, as every adapted network has them: Base with them is the control."
    )
    return Table(caption, "Method", columns, rows)


def short_table(entries: Sequence[Entry]) -> Table:
    """Ours alone: narrow enough for a terminal."""
    whole, own = main_table(entries), 3 * len(directions_in(entries))
    rows = [row._replace(cells=row.cells[:own]) for row in whole.rows]
    return whole._replace(caption="Table II, in percent.", columns=whole.columns[:own], rows=rows)


def _own_cells(entries: Sequence[Entry], row: str, directions: Sequence[str], kind: str = "") -> list[str]:
    cells: list[str] = []
    for direction in directions:
        found = [over_seeds(entries, row, direction, figure + kind) for figure in SHORT]
        runs = str(found[0].runs) if found[0].runs else ABSENT
        cells += [*(figure.percent() if figure.runs else NOT_RUN for figure in found), runs]
    return cells


def cost_table(entries: Sequence[Entry]) -> Table:
    """What each row takes: supervision beside source labels, precision, minutes, gigabytes."""
    directions = directions_in(entries)
    columns = [Column("also takes")]
    labels = ("computed in", "minutes", "of them before", "GB")
    columns += [Column(label, direction_label(d)) for d in directions for label in labels]
    computed = {(entry["row"], entry["direction"]): entry["precision"] for entry in entries}
    rows = []
    for row, method in TABLE_2.items():
        cells = [method.takes]
        for direction in directions:
            cells.append(name_precision(computed.get((row, direction))))
            for name, unit, digits in (("seconds", 60, 1), ("seconds_before", 60, 1), ("peak_memory", 1e9, 2)):
                found = over_seeds(entries, row, direction, name)
                cells.append(f"{found.mean / unit:.{digits}f}" if found.runs else ABSENT)
        rows.append(Row(method.label, tuple(cells)))
    return Table(f"What a run costs, mean over its seeds. {COST}", "Method", columns, rows)


def order_table(entries: Sequence[Entry]) -> Table:
    """For each two rows that the paper orders, and for ours: the difference of the means here, and there."""
    labels = {row: method.label for row, method in TABLE_2.items()}
    labels |= {name: f"{labels[row]}, with target statistics" for name, row in WITH_TARGET_STATISTICS.items()}
    published = {row: method.published for row, method in TABLE_2.items()}
    caption = (
        f"The paper's order, and ours: differences of the means in points. {VERDICTS} With few seeds that is a rule of "
        "thumb, with one there is no spread; nor does a spread say what it changes to compute in another precision, as "
        "rows with different ones in the table before do, or on another processor, which moved Base as far "
        "(results/README.md): a row that goes on from Base is compared with its own Bases in results/self_training.md. "
        "Claims without figures of the paper are ours; those with target statistics compare like with like, where the "
        "paper's have Base and SPGAN with their source's; pairs of which not both have been run are left out."
    )

    def figure_of(row: str, direction: str, figure: str) -> Summary:
        if own := WITH_TARGET_STATISTICS.get(row):
            return over_seeds(entries, own, direction, figure + _STATISTICS)
        return over_seeds(entries, row, direction, figure)

    claims, directions = (*CLAIMS, *OUR_CLAIMS), directions_in(entries)
    return difference_table(caption, claims, labels, directions, figure_of, published=published)
