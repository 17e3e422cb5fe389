"""dien table: what is missing is trained, what is there is compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from dien_lightning.experiments import children, config, table_runs
from dien_lightning.experiments.keys import CONFIG_DIR
from experiments.reports.finished_runs import write_record


@pytest.fixture
def multirun(monkeypatch):
    """Stand in for the trainings: remember the command line, leave the records it names but those of seed 1."""
    asked: list[tuple[str, ...]] = []

    def run(command: str, *arguments: str, **environment: str) -> int:
        asked.append(arguments)
        given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
        assert environment == {"OMP_NUM_THREADS": "1"}
        folder = Path(given["record"]).parent
        for row in given["ablation"].split(","):
            for direction in given["data"].split(","):
                for seed in given["seed"].split(","):
                    (Path(given["run_dir"]) / f"{row}_{direction}_{seed}").mkdir(parents=True, exist_ok=True)
                    if seed != "1":
                        write_record(folder, row, 0.5, direction=direction, seed=int(seed))
        return 1

    monkeypatch.setattr(children, "run", run)
    monkeypatch.setattr(table_runs, "prepare", lambda pairs: None)
    return asked


def test_the_table_trains_what_is_missing_says_what_failed_and_reports(multirun, tmp_path, dien, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_record(tmp_path / "runs", "r01_base", 0.2, control=0.3)
    arguments = ("rows=r01_base,r04_dc", "data=day2night", f"records={tmp_path / 'runs'}", f"output={tmp_path}")
    finished = dien("table", *arguments, "trainer.precision=32-true", "data.num_workers=2")
    assert finished.code == 1
    assert "1 of 6 runs in" in finished.stdout
    for name in ("r01_base_day2night_1", "r04_dc_day2night_1"):
        assert f"{name} has no record" in finished.stdout
    grids = (("ablation=r01_base", "seed=1,2"), ("ablation=r04_dc", "seed=0,1,2"))  # without the one that is there
    for asked, grid in zip(multirun, grids, strict=True):
        assert {"-m", "data=day2night", "hydra/launcher=joblib", *grid} <= set(asked)
        assert asked[-1] == "data.num_workers=2"
    assert "from 4 runs." in (tmp_path / "table1.md").read_text()


def test_folders_that_hydra_would_misread_are_quoted_for_the_trainings(tmp_path, monkeypatch, dien):
    asked: list[str] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(children, "run", lambda _, *words, **environment: asked.extend(words))
    monkeypatch.setattr(table_runs, "prepare", lambda pairs: None)
    dien("table", "rows=r04_dc", "data=day2night", "seeds=0", "run_dir=runs/a=1", "records=kept=(1)")
    words = [word for word in asked if word.startswith(("run_dir=", "record=", "ablation="))]
    found = config.compose_config(["experiment=table", *words])
    assert (found.run_dir, found.record) == ("runs/a=1", "kept=(1)/r04_dc_day2night_0.json")


def test_a_complete_table_trains_nothing(multirun, tmp_path, dien):
    for seed in (0, 1):
        write_record(tmp_path / "runs", "r01_base", 0.2, seed=seed, control=0.3)
    for weight in (0, 1):
        changed = {"objective.center_weight": weight}
        write_record(tmp_path / "sweeps" / "lambda", "r05_cccdtl_dc", 0.3, seed=weight, changed=changed)
    write_record(tmp_path / "sweeps" / "T", "r05_cccdtl_dc", 0.3)  # has but begun
    arguments = ("rows=r01_base", "data=day2night", "seeds=0,1", f"records={tmp_path / 'runs'}", f"output={tmp_path}")
    dien("table", *arguments).done()
    assert multirun == []
    assert "Sweep lambda, day → night" in (tmp_path / "report.html").read_text()  # kept beside the table


def test_another_experiment_has_its_own_records_and_table(multirun, tmp_path, dien, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dien("table", "experiment=pretrained", "rows=r01_base,r04_dc", "seeds=0").done()
    (asked,) = multirun
    assert {"experiment=pretrained", "run_dir=outputs/pretrained"} <= set(asked)
    assert "record=results/runs_pretrained/${row}_${direction}_${seed}.json" in asked
    assert "from 4 runs." in (tmp_path / "results" / "table1_pretrained.md").read_text()


def test_an_experiments_own_pair_is_taken_both_ways(multirun, tmp_path, dien, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dien("table", "experiment=market2duke", "rows=r04_dc", "seeds=0")
    (asked,) = multirun
    assert {"data=market2duke,duke2market", "experiment=market2duke"} <= set(asked)


def test_an_experiment_with_sets_of_its_own_has_one_direction(tmp_path, monkeypatch):
    own = "# @package _global_\ndata: {source: msmt17, target: market1501}\n"
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "own.yaml").write_text(own)
    monkeypatch.setenv(CONFIG_DIR, str(tmp_path))
    assert config.both_ways("own") == ["market2duke"]


@pytest.mark.parametrize(
    ("overrides", "direction"),
    [
        (["data=pair", "data.source=market1501", "data.target=msmt17"], "market1501_to_msmt17"),
        (["data=mine"], "mine"),
        (["data=mine", "data.source=cuhk03"], "cuhk03_to_pedestrians_night"),
        (["data=night2day"], "night2day"),
    ],
)
def test_a_pair_is_called_as_its_file_where_the_sets_are_the_files(overrides, direction, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.yaml").write_text("defaults: [day2night]\n")
    monkeypatch.setenv(CONFIG_DIR, str(tmp_path))
    assert config.compose_config(overrides).direction == direction


def test_an_unknown_row_ends_in_one_sentence(multirun, dien):
    said = dien("table", "rows=r99").refusal()
    assert "error: rows=r99 is not one of Table I's. There are r01_base, r03_cccdtl," in said
    assert "error: 'everything' is no key=value" in dien("table", "everything").refusal()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["network.backbone=resnet50"],
            "is of a run with network.backbone=resnet18 (not resnet50), so it is not the one",
        ),
        (["data_root=elsewhere"], "is of a run with data.root=data (not elsewhere)"),
        (["protocol.average_precision=trapezoid"], "protocol.average_precision=step (not trapezoid)"),
        (["seeds=0,1", "trainer.precision=bf16-mixed"], "protocol.precision=32-true (not bf16-mixed)"),
        (
            ["seeds=1", "trainer.precision=bf16-mixed"],
            "protocol.precision=32-true (not bf16-mixed), unlike r01_base_day2night_1: no table holds both. Run it",
        ),
        (["rows=r04_dc", "trainer.precision=bf16-mixed"], "protocol.precision=32-true (not bf16-mixed), unlike r04_dc"),
        (["data=market2duke", "trainer.precision=32-true"], "has data.num_ids=12 (not 16), "),
        (["seeds=1", "objective.domain_weight=2"], "objective.domain_weight=2 makes another row of r01_base, which"),
        (["seed=1"], "'seed=1' is for dien table to choose; give rows=, data= and seeds=."),
        (["row=r04_dc"], "'row=r04_dc' is for dien table to choose"),
        (["data.target=folder", "data.target_root=x", "data=day2night,day2night"], "name each pair once"),
    ],
)
def test_a_record_of_other_settings_is_none_of_this_table(arguments, words, multirun, tmp_path, dien):
    record = write_record(tmp_path / "runs", "r01_base", 0.2)
    before = record.read_text()
    chosen = ("rows=r01_base", "data=day2night", "seeds=0", f"records={tmp_path / 'runs'}", f"output={tmp_path}")
    assert words in dien("table", *chosen, *arguments).refusal()
    assert multirun == []
    assert record.read_text() == before
    assert not (tmp_path / "table1.md").exists()


def test_a_torn_record_is_named(multirun, tmp_path, dien):
    record = write_record(tmp_path / "runs", "r01_base", 0.2)
    record.write_text(record.read_text()[:40])
    arguments = ("rows=r01_base", "data=day2night", "seeds=0", f"records={tmp_path / 'runs'}", f"output={tmp_path}")
    assert f"error: {record} is torn" in dien("table", *arguments).refusal()


def test_the_rest_is_trained_where_a_killed_process_has_stopped_joblib(tmp_path, dien, monkeypatch):
    begun: list[str] = []

    def run(command: str, *arguments: str, **environment: str) -> int:
        given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
        seed = given["seed"].split(",")[0]  # the first ends well, then joblib ends, too
        begun.append(given["seed"])
        (Path(given["run_dir"]) / f"r04_dc_day2night_{seed}").mkdir(parents=True)
        write_record(Path(given["record"]).parent, "r04_dc", 0.5, seed=int(seed))
        return 1

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(children, "run", run)
    monkeypatch.setattr(table_runs, "prepare", lambda pairs: None)
    dien("table", "rows=r04_dc", "data=day2night").done()
    assert begun == ["0,1,2", "1,2", "2"]
