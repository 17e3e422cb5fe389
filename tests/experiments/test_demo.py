"""`dien demo`, as `make demo` calls it: three trainings, a table, a page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dien_lightning.experiments.clusters import read_clusters
from dien_lightning.experiments.config import compose_config, protocol
from dien_lightning.experiments.settings import note_start, settings_of
from experiments.reports.finished_runs import leave_clusters, write_run


@pytest.fixture
def trainings(monkeypatch, tmp_path):
    """Stand in for the trainings: remember what was asked for, leave a finished run."""
    from dien_lightning.experiments import stages

    asked = []

    def train(folder: Path, overrides: list[str]) -> None:
        asked.append((folder.name, overrides))
        row, rank1, control = ("r07_full_t2", 0.7, None)
        if "ablation=r01_base" in overrides:
            row, rank1, control = ("r01_base", 0.25, 0.46)
        elif "experiment=demo_self_training" in overrides:
            rank1 = 0.9
        seed = int(next((word for word in overrides if word.startswith("seed=")), "seed=0").removeprefix("seed="))
        write_run(folder, row, rank1, images=tmp_path / "images", control=control, seed=seed)
        if any("self_training" in word for word in overrides):
            leave_clusters(folder, sorted((tmp_path / "images").glob("*.jpg")))
        results = json.loads((folder / "results.json").read_text())
        config = compose_config(overrides)
        note_start(config)
        results |= {"settings": settings_of(config), "protocol": protocol(config).describe()}
        (folder / "results.json").write_text(json.dumps(results))

    monkeypatch.setattr(stages, "train", train)
    return asked


def test_the_demo_trains_base_then_dien_then_goes_on_by_itself(trainings, tmp_path, dien):
    output = tmp_path / "demo"
    given = ("data_root=x", "objective.center_weight=1", "trainer.max_epochs=3")
    finished = dien("demo", f"output={output}", *given).done()
    third = [f"start={output}/dien/network.safetensors", "data_root=x", "trainer.max_epochs=3"]
    assert trainings == [
        ("base", ["experiment=demo", "seed=0", "ablation=r01_base", *given]),
        ("dien", ["experiment=demo", "seed=0", *given]),
        ("self_training", ["experiment=demo_self_training", "seed=0", *third]),
    ]
    for cell in ("Base", "25.0", "46.0", "70.0", "DIEN + self-training", "90.0"):
        assert cell in finished.stdout
    page = (output / "report.html").read_text()
    assert "45.0 points over Base" in page
    assert "20.0 points over DIEN" in page


def test_another_pair_and_machine_reach_all_three_trainings(trainings, tmp_path, dien):
    given = ["data=night2day", "trainer=ddp_cpu", "+trainer.overfit_batches=0"]
    dien("demo", f"output={tmp_path / 'demo'}", *given)
    configs = [compose_config(overrides) for _, overrides in trainings]
    assert [(one.data.target, one.trainer.devices) for one in configs] == [("pedestrians_day", 2)] * 3
    assert all("overfit_batches" in one.trainer for one in configs)


def test_what_makes_base_the_source_alone_is_not_the_users_to_set(trainings, tmp_path, dien):
    given = ["objective.domain_weight=2", "++objective.triplet_weight=1", "network.attention_loops=3"]
    dien("demo", f"output={tmp_path / 'demo'}", *given, "optim.gamma=0.5")
    base, full, _ = [compose_config(overrides) for _, overrides in trainings]
    parts = [(one.objective, one.network) for one in (base, full)]
    seen = [(loss.domain_weight, loss.triplet_weight, network.attention_loops) for loss, network in parts]
    assert seen == [(0, 0, 0), (2, 1, 3)]
    assert base.optim.gamma == full.optim.gamma == 0.5


def test_the_page_shows_clusters_and_judges_them_by_labels_afterwards(trainings, tmp_path, dien):
    dien("demo", f"output={tmp_path / 'demo'}")
    found = read_clusters(tmp_path / "demo" / "self_training")
    assert (found.number, found.people, found.outliers) == (3, 3, 0.1)
    assert found.purity == 7 / 8  # 3 + 2 + 2 of 8: the ninth has no label
    assert sorted(map(len, found.shown), reverse=True) == list(found.sizes) == [4, 3, 2]
    page = (tmp_path / "demo" / "report.html").read_text()
    assert "In the last round there were 3, and 10% of the images were in none." in page
    assert "the clustered images show 3 people, and 88% of them show the one" in page
    assert "Agreement with the round before" in page
    assert "Images in each of 3 clusters of the last round, the largest first: 4 in the largest, 3 in the" in page
    assert "camera 1, person 9" in page
    (tmp_path / "demo" / "self_training" / "clusters.json").write_text("{}")
    with pytest.raises(ValueError, match=r"clusters.json is not a run's clusters: 'shown'. Repeat the run."):
        read_clusters(tmp_path / "demo" / "self_training")


def test_finished_runs_are_kept_and_said(trainings, tmp_path, dien):
    output = tmp_path / "demo"
    dien("demo", f"output={output}")
    finished = dien("demo", f"output={output}")
    assert len(trainings) == 3
    assert "is finished and kept" in finished.stdout


def test_each_seed_has_its_own_folder_in_whatever_order(trainings, tmp_path, dien):
    for seeds in ("0", "1", "1,0"):
        finished = dien("demo", f"output={tmp_path / 'demo'}", f"seeds={seeds}").done()
    names = ["base", "dien", "self_training"]
    assert [name for name, _ in trainings] == [*names, *(f"{name}_seed1" for name in names)]
    assert trainings[-1][1][2] == f"start={tmp_path / 'demo'}/dien_seed1/network.safetensors"
    assert "25.0 ± 0.0" in finished.stdout


def test_finished_runs_of_other_settings_are_not_shown_as_these(trainings, tmp_path, dien):
    output = tmp_path / "demo"
    dien("demo", f"output={output}")
    finished = dien("demo", f"output={output}", "objective.center_weight=1")
    assert finished.code == 1
    assert "is of a run with objective.center_weight=5.0 (not 1), so it is not the one asked for." in finished.stderr
    assert f"{output / 'dien'} is finished and kept" not in finished.stdout
    remedy = f"Delete {output / 'dien'} and {output / 'self_training'} to start afresh, or give output=DIR."
    assert remedy in finished.stderr
    assert len(trainings) == 3


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("seeds=0,0", "seeds=0,0 names one twice"),
        ("fast", "'fast' is no key=value"),
        ("seed=3", "'seed=3' is for dien demo to choose"),
        ("start=x", "'start=x' is for dien demo to choose"),
        ("seeds=0,x", "seeds=0,x must be whole numbers"),
    ],
)
def test_bad_arguments_end_in_one_sentence(argument, words, trainings, tmp_path, dien):
    assert words in dien("demo", f"output={tmp_path}", argument).refusal()
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


def test_a_training_that_fails_stops_the_demo_with_its_own_sentence(training, tmp_path, dien):
    training("print(os.environ.get('DIEN_TRACEBACK'), *sys.argv[1:]); sys.exit('error: bad.')")
    finished = dien("demo", f"output={tmp_path}", "network.weights=none")
    assert finished.code == 1
    assert finished.stderr == "error: bad.\n"
    # Nothing of ours makes the child show a traceback, and it goes on where it was.
    asked = f"experiment=demo seed=0 ablation=r01_base network.weights=none run_dir={tmp_path / 'base'} resume=true"
    assert f"0 -m dien_lightning.experiments.train {asked}" in finished.stdout
    assert not (tmp_path / "report.html").exists()


def test_a_training_takes_a_folder_of_any_name(training, tmp_path, dien):
    training("sys.exit(sys.argv[-2])")
    finished = dien("demo", f"output={tmp_path / 'a=1'}")
    assert finished.stderr == f'run_dir="{tmp_path}/a=1/base"\n'


def test_a_training_that_is_killed_is_told(training, tmp_path, dien):
    training("os.kill(os.getpid(), signal.SIGKILL)")
    finished = dien("demo", f"output={tmp_path}")
    assert finished.code == 1
    assert finished.stderr == "error: dien train was ended by signal 9; the same command goes on with it.\n"
