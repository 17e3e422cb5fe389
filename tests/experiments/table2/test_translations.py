"""`dien table name=table2 rows=spgan`: sources are translated before the rows that are trained on them."""

from __future__ import annotations

import json
from pathlib import Path

from dien_lightning.experiments import children, table2, table_jobs, table_runs, translate
from dien_lightning.experiments.config import compose_config
from experiments.reports.finished_runs import results


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
    table2.report(place, Path("results", "table2"), ["name=table2"])
    (entry,) = json.loads(Path("results/table2.json").read_text())["runs"]
    assert (entry["seconds"], entry["seconds_before"], entry["peak_memory"]) == (180, 60, 3 * 10**9)


def test_a_translation_gets_its_own_settings_and_one_of_others_is_refused(commands, table):
    finished = table("rows=spgan", "spgan.width=64", "seeds=0", "trainer.precision=32-true").done()
    (command, given), (_, training) = commands
    assert (command, given["spgan.width"], given["experiment"]) == ("translate", "64", "table2")
    assert "spgan.width" not in training
    assert "trainer.precision" in training.keys() - given.keys()  # a translation has its own
    folder = Path(given["run_dir"])
    folder.mkdir(parents=True)
    asked = compose_config(["experiment=table2", "data=day2night", "spgan.width=64"], command="translate")
    (folder / "translation.json").write_text(
        json.dumps({"settings": translate.deciding(translate.own_settings(asked, []))})
    )
    Path("results/runs_table2/spgan_day2night_0.json").unlink()
    assert table("rows=spgan", "spgan.width=64", "seeds=0").code == 0
    assert [command for command, _ in commands] == ["translate", "train", "train"]
    for kept in (True, False):  # with the row's record, and without
        finished = table("rows=spgan,r01_base", "seeds=0")
        assert finished.code == 1
        assert "is of a run with spgan.width=64 (not 24), so it is not the one asked for" in finished.stderr
        assert ("runs_table2/translations/day2night_0.json is of" in finished.stderr) is kept
        Path("results/runs_table2/spgan_day2night_0.json").unlink(missing_ok=True)
    assert len(commands) == 3


def test_where_the_originals_lie_is_told_to_the_translation_and_not_to_the_training_on_it(commands, table):
    table("rows=spgan,tj_aidl", "seeds=0", "data.source_root=originals").done()
    told = {given.get("ablation", command): given.get("data.source_root") for command, given in commands}
    assert told == {"translate": "originals", "tj_aidl": "originals", "spgan": None}
