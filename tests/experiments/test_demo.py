"""scripts/demo.py as `make demo` calls it: two trainings, a table, a page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from commands import call
from dien_lightning.experiments.config import compose_config, protocol
from dien_lightning.experiments.settings import settings_of
from experiments.reports.finished_runs import write_run


@pytest.fixture
def trainings(monkeypatch, tmp_path):
    """Stand in for the trainings: remember what was asked for, leave a finished run."""
    from dien_lightning.experiments import demo

    asked = []

    def train(folder: Path, overrides: list[str]) -> None:
        asked.append((folder.name, overrides))
        base = "ablation=r01_base" in overrides
        row, rank1, control = ("r01_base", 0.25, 0.46) if base else ("r07_full_t2", 0.7, None)
        seed = int(next(word for word in overrides if word.startswith("seed=")).removeprefix("seed="))
        write_run(folder, row, rank1, images=tmp_path / "images", control=control, seed=seed)
        results = json.loads((folder / "results.json").read_text())
        config = compose_config(["experiment=demo", *overrides])
        results |= {"settings": settings_of(config), "protocol": protocol(config).describe()}
        (folder / "results.json").write_text(json.dumps(results))

    monkeypatch.setattr(demo, "train", train)
    return asked


def test_the_demo_trains_base_then_dien_and_leaves_table_and_page(trainings, tmp_path, capfd, monkeypatch):
    output = tmp_path / "demo"
    finished = call(capfd, monkeypatch, "demo", f"output={output}", "data_root=x")
    assert finished.code == 0, finished.stderr
    assert trainings == [
        ("base", ["ablation=r01_base", "seed=0", "data_root=x"]),
        ("dien", ["seed=0", "data_root=x"]),
    ]
    for cell in ("Base", "25.0", "46.0", "70.0"):
        assert cell in finished.stdout
    assert "45.0 points over Base" in (output / "report.html").read_text()


def test_finished_runs_are_kept_and_said(trainings, tmp_path, capfd, monkeypatch):
    output = tmp_path / "demo"
    call(capfd, monkeypatch, "demo", f"output={output}")
    finished = call(capfd, monkeypatch, "demo", f"output={output}")
    assert len(trainings) == 2
    assert "is finished and kept" in finished.stdout


def test_more_seeds_have_folders_of_their_own(trainings, tmp_path, capfd, monkeypatch):
    finished = call(capfd, monkeypatch, "demo", f"output={tmp_path / 'demo'}", "seeds=0,1")
    assert finished.code == 0, finished.stderr
    assert [name for name, _ in trainings] == ["base", "dien", "base_seed1", "dien_seed1"]
    assert "25.0 ± 0.0" in finished.stdout


def test_each_seed_has_its_own_folder_in_whatever_order(trainings, tmp_path, capfd, monkeypatch):
    for seeds in ("0", "1", "1,0"):
        finished = call(capfd, monkeypatch, "demo", f"output={tmp_path / 'demo'}", f"seeds={seeds}")
        assert finished.code == 0, finished.stderr
    assert [name for name, _ in trainings] == ["base", "dien", "base_seed1", "dien_seed1"]


def test_finished_runs_of_other_settings_are_not_shown_as_these(trainings, tmp_path, capfd, monkeypatch):
    output = tmp_path / "demo"
    call(capfd, monkeypatch, "demo", f"output={output}")
    finished = call(capfd, monkeypatch, "demo", f"output={output}", "objective.center_weight=1")
    assert finished.code == 1
    assert "is of a run with objective.center_weight=5.0 (not 1), so it is not the one asked for." in finished.stderr
    assert f"Delete {output} to start afresh, or give output=DIR." in finished.stderr
    assert len(trainings) == 2


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("seeds=0,0", "seeds=0,0 names one twice"),
        ("fast", "'fast' is no key=value"),
        ("seed=3", "'seed=3' is the demo's own to choose"),
        ("seeds=0,x", "seeds=0,x must be whole numbers"),
    ],
)
def test_bad_arguments_end_in_one_sentence(argument, words, trainings, tmp_path, capfd, monkeypatch):
    finished = call(capfd, monkeypatch, "demo", f"output={tmp_path}", argument)
    assert finished.code == 1
    assert finished.stderr.startswith("error: ")
    assert words in finished.stderr
    assert not trainings


@pytest.fixture
def training(monkeypatch, tmp_path):
    """Stand in for the Python that trains, in a process of its own."""
    from dien_lightning.experiments import children

    def write(body: str) -> None:
        script = tmp_path / "stand_in.py"
        script.write_text(f"#!{sys.executable}\nimport os, signal, sys\n{body}\n")
        script.chmod(0o755)
        monkeypatch.setattr(children.sys, "executable", str(script))

    return write


def test_a_training_that_fails_stops_the_demo_with_its_own_sentence(training, tmp_path, capfd, monkeypatch):
    training("print(os.environ.get('DIEN_TRACEBACK'), *sys.argv[1:]); sys.exit('error: bad.')")
    finished = call(capfd, monkeypatch, "demo", f"output={tmp_path}", "network.weights=none")
    assert finished.code == 1
    assert finished.stderr == "error: bad.\n"
    # Nothing of ours makes the child show a traceback, and it goes on where it was.
    asked = f"experiment=demo run_dir={tmp_path / 'base'} resume=true ablation=r01_base seed=0 network.weights=none"
    assert f"0 -m dien_lightning.experiments.train {asked}" in finished.stdout
    assert not (tmp_path / "report.html").exists()


def test_a_training_that_is_killed_is_told(training, tmp_path, capfd, monkeypatch):
    training("os.kill(os.getpid(), signal.SIGKILL)")
    finished = call(capfd, monkeypatch, "demo", f"output={tmp_path}")
    assert finished.code == 1
    assert finished.stderr == "error: the training was ended by signal 9; the same command goes on with it.\n"
