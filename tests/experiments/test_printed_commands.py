"""Lines of code in README, docs/ and results/ that begin with `dien` are taken as they stand; sweeps are left out."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from dien_lightning.experiments import stages
from dien_lightning.experiments.cli import settle
from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.keys import CONFIGS
from dien_lightning.experiments.options import take, take_all, take_paths
from dien_lightning.experiments.reports.table2_rows import TABLE_2

HOUSE = Path(__file__).parents[2]
RUN_BY_TEST_ANSWERS = HOUSE / "docs" / "from-crops-to-answers.md"
PAGES = {HOUSE / "README.md", *HOUSE.glob("docs/*.md"), *HOUSE.glob("results/**/*.md")} - {RUN_BY_TEST_ANSWERS}
FILLED_IN = {"=ROW": "=r01_base", "=SEED": "=0"}


def commands_of(page: Path) -> list[list[str]]:
    """The words behind `dien` on each line of code that begins with it; sweeps, which need their sweeper, left out."""
    text = re.sub(r"\\\n\s*", " ", page.read_text())
    for placeholder, value in FILLED_IN.items():
        text = text.replace(placeholder, value)
    lines = re.findall(r"^    (?:[A-Z_]+=\S+ )?dien (.*)$", text, flags=re.MULTILINE)
    return [words for words in (shlex.split(line, comments=True) for line in lines) if "-m" not in words]


PRINTED = sorted({tuple(words) for page in PAGES for words in commands_of(page)})


def test_the_commands_of_the_readme_are_among_them():
    assert ("demo",) in PRINTED
    assert {"check", "adapt", "rank", "train", "table", "translate", "umdl", "report", "draw"} <= {
        words[0] for words in PRINTED
    }


@pytest.mark.parametrize("printed", PRINTED, ids=" ".join)
def test_a_printed_command_is_taken(printed):
    command, *words = printed
    words = settle(command, words)
    module = import_module(f"dien_lightning.experiments.{command}")
    if command in CONFIGS:
        compose_config(words, command=command)
    elif command == "check":
        take_paths(module.Options, words, 1, "folders")
    elif command == "report":
        take(module.Options, words)
    elif command == "table":
        own, keys = take(module.Options, words)
        row = own.rows.split(",")[-1]
        experiment = TABLE_2[row].experiment if own.is_table_2 else own.experiment
        compose_config([f"experiment={experiment}", f"ablation={row}", *keys])
    elif command in ("adapt", "demo"):
        own, keys = take(module.Options, words)
        compose_config([f"experiment={getattr(own, 'experiment', 'demo')}", *stages.first_stage(keys)])
        if command == "adapt":
            compose_config([f"experiment={own.second}", *stages.second_stage(keys, Path("first"))])
    else:
        take_all(module.Options, words)
