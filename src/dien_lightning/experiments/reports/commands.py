"""The commands that repeat the rows of Table I."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from dien_lightning.experiments.reports.labels import direction_label, directions_of
from dien_lightning.experiments.reports.published import TABLE_1
from dien_lightning.experiments.reports.records import RunRecord
from dien_lightning.experiments.reports.tables import ABSENT, Column, Row, Table

# What a row's command chooses itself, or what changes no figure.
_NOT_REPEATED = (
    *("ablation=", "data=", "seed=", "resume=", "record=", "run_dir=", "run_name=", "hydra", "-m", "logger="),
    *("callbacks.progress=", "trainer.enable_progress_bar="),
)


def commands_table(runs: Sequence[RunRecord]) -> Table:
    """The command that repeats each row, all seeds of it, and all directions where one command can."""
    rows = []
    for name, published in TABLE_1.items():
        own = [run for run in runs if run.row == name]
        commands = row_commands(own)
        for directions, command in commands.items():
            which = f", {' and '.join(map(direction_label, directions))}" if len(commands) > 1 else ""
            rows.append(Row(f"{published.label}{which}", (command,)))
        if not own:
            rows.append(Row(published.label, (ABSENT,)))
    return Table("The command that repeats each row.", "Configuration", [Column("Command")], rows, code=True)


def row_commands(runs: Sequence[RunRecord]) -> dict[tuple[str, ...], str]:
    """The commands that repeat these runs of one row in a folder of their own, by the directions each of them covers.

    One command covers the directions whose own commands differ in nothing but the file in conf/data. With one thread,
    as table.py trains them: another number adds in another order, and gives another draw.

    Example:
        >>> from pathlib import Path
        >>> from dien_lightning.experiments.reports.records import Scores
        >>> command = "python scripts/train.py experiment=table ablation=r04_dc data=day2night seed=0 resume=true"
        >>> runs = [RunRecord(Path("a"), "r04_dc", "day2night", s, Scores(0.5), command=command) for s in (0, 1)]
        >>> row_commands(runs)[("day2night",)]
        'OMP_NUM_THREADS=1 python scripts/train.py -m experiment=table ablation=r04_dc data=day2night seed=0,1
        run_dir=outputs/again'
    """
    files_of: dict[tuple[tuple[str, ...], bool], dict[str, str]] = {}
    for direction in directions_of(runs):
        words = shlex.split(next(run.command for run in runs if run.direction == direction))[2:]
        kept = tuple(word for word in words if not word.startswith(_NOT_REPEATED))
        file = next((word for word in reversed(words) if word.startswith("data=")), "")
        files_of.setdefault((kept, file != ""), {})[direction] = file.removeprefix("data=")
    seeds = ",".join(map(str, sorted({run.seed for run in runs})))
    commands = {}
    for (kept, has_file), files in files_of.items():
        pairs = [f"data={','.join(files.values())}"] if has_file else []
        overrides = [*kept, f"ablation={runs[0].row}", *pairs, f"seed={seeds}", "run_dir=outputs/again"]
        commands[tuple(files)] = f"OMP_NUM_THREADS=1 {shlex.join(['python', 'scripts/train.py', '-m', *overrides])}"
    return commands
