"""`dien table name=table2`: each row by what makes it, translations and first stages before it, then one table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import call
from dien_lightning.experiments import children, table2, table_jobs, table_runs, translate, umdl
from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.reports.table1_rows import TABLE_1
from dien_lightning.experiments.reports.table2_rows import TABLE_2
from dien_lightning.experiments.settings import settings_of
from experiments.reports.finished_runs import results, scores, write_record

RANK1 = {
    "umdl": 0.1,
    "umdl_features": 0.05,
    "r08_full_t3": 0.6,
    "pul": 0.3,
    "r01_base": 0.2,
    "t3_self": 0.8,
    "spgan": 0.4,
}


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """Stand in for trainings and other commands: leave what each would, and remember what was asked for."""
    monkeypatch.chdir(tmp_path)
    asked: list[tuple[str, dict[str, str]]] = []

    def run(command: str, *arguments: str, **environment: str) -> int:
        assert environment == {"OMP_NUM_THREADS": "1"}
        given = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
        asked.append((command, given))
        if command == "umdl":
            write_umdl(Path(given["record"]), "learning" not in given, given["data"], int(given["seed"]))
        elif command == "train":
            for row in given["ablation"].split(","):
                for direction in given["data"].split(","):
                    for seed in map(int, given["seed"].split(",")):
                        leave(given, row, direction, seed)
        return 0

    monkeypatch.setattr(children, "run", run)
    monkeypatch.setattr(table_runs, "prepare", lambda pairs: None)
    return asked


def leave(given: dict[str, str], row: str, direction: str, seed: int) -> None:
    """A training's record and folder."""
    record = Path(given.get("record", "made/first")).with_name(f"{row}_{direction}_{seed}.json")
    if given["experiment"] == "table":
        write_record(record.parent, row, RANK1[row], direction=direction, seed=seed)
    else:
        chosen = [f"experiment={given['experiment']}", f"ablation={row}", f"seed={seed}", f"data={direction}"]
        content = results(None, RANK1[row], direction=direction, seed=seed)
        content |= {"row": row, "settings": settings_of(compose_config(chosen))}
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(content))
    folder = Path(given["run_dir"], record.stem)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(record.read_text())
    (folder / "network.safetensors").touch()


def write_umdl(record: Path, learns: bool, direction: str, seed: int) -> None:
    chosen = [f"data={direction}", f"seed={seed}", *([] if learns else ["learning=null"])]
    row = "umdl" if learns else "umdl_features"
    settings = umdl.settings_of(compose_config(chosen, command="umdl"))
    content = results(None, RANK1[row], direction=direction, seed=seed)
    content |= {"row": row, "settings": settings, "peak_memory": 2 * 10**9, "passes": []}
    del content["protocol"]["precision"]
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(content))


def run(capfd, monkeypatch, *more: str):
    return call(capfd, monkeypatch, "table", "name=table2", "data=day2night", "seeds=0,1", *more)


ROWS = "rows=umdl,umdl_features,pul,r08_full_t3,t3_self"


def test_each_row_is_made_by_its_own_experiment_and_first_stages_come_first(commands, capfd, monkeypatch):
    finished = run(capfd, monkeypatch, ROWS, "data_root=x", "learning.rounds=3", "trainer.log_every_n_steps=5")
    assert finished.code == 0, finished.stderr
    made = [(command, given.get("experiment"), given.get("ablation")) for command, given in commands]
    assert made[0] == ("train", "table", "r08_full_t3")
    assert made[1:3] == [("train", "table", "r01_base"), ("train", "second_stage", "pul,t3_self")]  # t3 is there by now
    assert made[3:] == [("umdl", None, None)] * 4
    assert all(given["data_root"] == "x" for _, given in commands)
    assert ["trainer.log_every_n_steps" in given for _, given in commands] == [True, False, True, *[False] * 4]
    assert all(("learning.rounds" in given) == (command == "umdl") for command, given in commands)
    assert [given.get("learning") for _, given in commands[3:]] == [None, None, "null", "null"]
    assert commands[3][1]["run_dir"] == "outputs/table2/umdl_day2night_0"
    assert commands[2][1]["record"].startswith("results/runs_second_stage/")


def test_the_table_says_what_was_run_what_it_cost_and_what_the_paper_prints(commands, capfd, monkeypatch):
    assert run(capfd, monkeypatch, ROWS).code == 0
    found = json.loads(Path("results/table2.json").read_text())
    entries = {(entry["row"], entry["seed"]): entry for entry in found["runs"]}
    assert {row for row, _ in entries} == {"umdl", "umdl_features", "pul", "r08_full_t3", "t3_self"}
    own = entries["umdl", 1]
    assert (own["direction"], own["rank1"], own["mAP"]) == ("day2night", 0.1, scores(0.1)["mAP"])
    assert (own["seconds"], own["peak_memory"]) == (120.0, 2 * 10**9)
    assert entries["pul", 0]["seconds"] == 240  # Base and PUL
    assert (entries["r08_full_t3", 0]["seconds"], entries["r08_full_t3", 0]["peak_memory"]) == (120, None)
    assert found["command"] == f"dien table name=table2 data=day2night seeds=0,1 {ROWS}"
    assert found["settings"]["umdl"]["learning"]["num_shared"] == 150
    text = Path("results/table2.md").read_text()
    assert "| UMDL | 10.0 ± 0.0 | 5.0 ± 0.0 | 2 | 34.5 | 12.4 | 18.5 | 7.3 |" in text
    assert "| TJ-AIDL | not run | not run | – | 58.2 | 26.5 | 44.3 | 23.0 |" in text
    missing = "Base; UMDL's features, less their camera's mean; SPGAN, then Base; SPGAN, then Base with LMP; TJ-AIDL"
    assert f"Not run yet, so nothing is said of them: {missing}" in text
    assert "| UMDL | cameras of the target's images | – | 2.0 | – | 2.00 |" in text
    assert "| Base, then PUL | roughly how many people the target shows | float32 | 4.0 | 2.0 | – |" in text
    assert "| Base, then PUL above UMDL | +20.0 yes | +10.0 yes | +11.0 | +8.1 | +11.5 | +9.1 |" in text
    assert "| DIEN (T = 3), then self-training above DIEN (T = 3) | +20.0 yes | +10.0 yes | – | – | – | – |" in text


def test_a_complete_table_runs_nothing_and_either_name_will_do(commands, capfd, monkeypatch):
    assert run(capfd, monkeypatch, "rows=umdl,r08_full_t3").code == 0
    done = len(commands)
    arguments = ("experiment=table2", "data=day2night", "seeds=0,1", "rows=umdl,r08_full_t3")
    finished = call(capfd, monkeypatch, "table", *arguments)
    assert finished.code == 0, finished.stderr
    assert len(commands) == done
    assert Path("results/table2.md").is_file()


def test_translations_come_before_the_rows_that_are_trained_on_them(commands, monkeypatch):
    assert table_runs.translation_of(compose_config(["data=day2night"])) is None
    made = []

    def run_translation(command, *arguments, **environment):
        given = dict(argument.split("=", 1) for argument in arguments)
        made.append((command, given))
        folder = Path(given["run_dir"])
        folder.mkdir(parents=True)
        (folder / "translation.json").write_text('{"seconds": 60.0, "peak_memory": 3000000000}')
        return 0

    monkeypatch.setattr(children, "run", run_translation)
    place = table_jobs.Place.of("table2", 1)
    jobs = [table_jobs.Job(row, "day2night", seed, "day2night") for row in ("spgan", "spgan_lmp") for seed in "01"]
    given = ["data_root=x", "trainer.max_epochs=1"]
    configs = {
        job: compose_config(
            ["experiment=table2", *given, f"ablation={job.row}", f"data={job.data}", f"seed={job.seed}"]
        )
        for job in jobs
    }
    table_runs.translate(configs, place, given)
    assert [(command, given["seed"]) for command, given in made] == [("translate", "0"), ("translate", "1")]
    assert made[0][1] == {
        "experiment": "table2",
        "data_root": "x",
        "data": "day2night",
        "seed": "0",
        "run_dir": "outputs/table2/translation_day2night_0",
        "resume": "true",
    }
    record = results(None, 0.4, seed=1) | {"row": "spgan", "peak_memory": 10**9}
    Path("results/runs_table2/spgan_day2night_1.json").write_text(json.dumps(record))
    table2.report(place, Path("results"), "table2", "dien table name=table2")
    (entry,) = json.loads(Path("results/table2.json").read_text())["runs"]
    assert (entry["seconds"], entry["seconds_before"], entry["peak_memory"]) == (180, 60, 3 * 10**9)


def test_a_translation_gets_its_own_settings_and_one_of_others_is_refused(commands, capfd, monkeypatch):
    finished = run(capfd, monkeypatch, "rows=spgan", "spgan.width=64", "seeds=0")
    assert finished.code == 0, finished.stderr
    (command, given), (_, training) = commands
    assert (command, given["spgan.width"], given["experiment"]) == ("translate", "64", "table2")
    assert "spgan.width" not in training
    folder = Path(given["run_dir"])
    folder.mkdir(parents=True)
    asked = compose_config(["experiment=table2", "data=day2night", "spgan.width=64"], command="translate")
    (folder / "translation.json").write_text(
        json.dumps({"settings": translate.deciding(translate.own_settings(asked))})
    )
    Path("results/runs_table2/spgan_day2night_0.json").unlink()
    assert run(capfd, monkeypatch, "rows=spgan", "spgan.width=64", "seeds=0").code == 0
    assert [command for command, _ in commands] == ["translate", "train", "train"]
    for kept in (True, False):  # with the row's record, and without
        finished = run(capfd, monkeypatch, "rows=spgan,r01_base", "seeds=0")
        assert finished.code == 1
        assert "is of a run with spgan.width=64 (not 24), so it is not the one asked for" in finished.stderr
        assert ("runs_table2/translations/day2night_0.json is of" in finished.stderr) is kept
        Path("results/runs_table2/spgan_day2night_0.json").unlink(missing_ok=True)
    assert len(commands) == 3


def test_all_records_are_compared_before_anything_is_trained(commands, capfd, monkeypatch):
    assert run(capfd, monkeypatch, "rows=umdl,pul").code == 0
    done = len(commands)
    finished = run(capfd, monkeypatch, "rows=r08_full_t3,umdl", "learning.rounds=4")
    assert (finished.code, len(commands)) == (1, done)
    record = Path("results/runs_second_stage/pul_day2night_0.json")
    record.write_text(record.read_text().replace('"num_clusters": 200', '"num_clusters": 7'))
    finished = run(capfd, monkeypatch, "rows=r08_full_t3,pul")
    assert (finished.code, len(commands)) == (1, done)
    assert "pul_day2night_0.json is of a run with objective.num_clusters=7 (not 200)" in finished.stderr


def test_a_record_of_other_settings_is_none_of_this_table(commands, capfd, monkeypatch):
    assert run(capfd, monkeypatch, "rows=umdl").code == 0
    finished = run(capfd, monkeypatch, "rows=umdl", "learning.neighbors=2")
    assert finished.code == 1
    assert (
        "umdl_day2night_0.json is of a run with learning.neighbors=1 (not 2), so it is not the one" in finished.stderr
    )
    record = Path("results/runs_table2/umdl_day2night_1.json")
    content = json.loads(record.read_text())
    content["settings"]["learning"]["ridge"] = 0.3
    record.write_text(json.dumps(content))
    finished = run(capfd, monkeypatch, "rows=r08_full_t3")
    assert "umdl_day2night_1.json has learning.ridge=0.3 (not 0.2), unlike" in finished.stderr


def test_rows_of_two_precisions_stand_in_one_table_and_say_so(commands, capfd, monkeypatch):
    assert run(capfd, monkeypatch, "rows=pul,r08_full_t3").code == 0
    records = [Path(f"results/runs_second_stage/pul_day2night_{seed}.json") for seed in (0, 1)]
    for record in records:
        record.write_text(record.read_text().replace('"32-true"', '"bf16-mixed"'))
    assert run(capfd, monkeypatch, "rows=r08_full_t3").code == 0
    text = Path("results/table2.md").read_text()
    assert "| Base, then PUL | roughly how many people the target shows | bfloat16 | 4.0 | 2.0 | – |" in text
    assert "| DIEN (T = 3) | nothing | float32 | 2.0 | – | – |" in text
    records[0].write_text(records[0].read_text().replace('"bf16-mixed"', '"32-true"'))
    finished = run(capfd, monkeypatch, "rows=r08_full_t3")
    assert finished.code == 1
    assert f"{records[1]} was computed in bf16-mixed, {records[0]} in 32-true: no mean is of both." in finished.stderr


def test_a_failed_command_leaves_its_row_missing(commands, capfd, monkeypatch):
    monkeypatch.setattr(children, "run", lambda *given, **environment: 1)
    finished = run(capfd, monkeypatch, "rows=umdl,pul")
    assert finished.code == 1
    assert "pul_day2night_0 has no record: see outputs/second_stage/pul_day2night_0; the same comm" in finished.stdout
    assert "umdl_day2night_1 has no record: see outputs/table2/umdl_day2night_1" in finished.stdout
    assert not Path("results/table2.md").exists()


def test_a_wrong_row_is_told_with_the_nearest(commands, capfd, monkeypatch):
    finished = run(capfd, monkeypatch, "rows=udml")
    assert finished.code == 1
    assert "error: rows=udml is not one of Table II's; did you mean umdl? There are r01_base, umdl," in finished.stderr
    assert commands == []


def test_every_row_of_another_experiment_is_of_it():
    for row, rival in TABLE_2.items():
        if rival.experiment != "umdl":
            config = compose_config([f"experiment={rival.experiment}", f"ablation={row}", "data=day2night"])
            assert config.row == row
            wanted = Path("outputs/table2/translation_day2night_0") if row.startswith("spgan") else None
            assert table_runs.translation_of(config) == wanted
            assert rival.published == (TABLE_1[row][1:] if row in TABLE_1 else rival.published)
