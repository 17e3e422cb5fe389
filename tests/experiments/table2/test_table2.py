"""`dien table name=table2`: each row by what makes it, first stages before it, then one table."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dien_lightning.experiments import children, settings, table_runs
from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.keys import CONFIGS
from dien_lightning.experiments.reports.table2_rows import TABLE_2
from experiments.reports.finished_runs import scores

ROWS = "rows=umdl,umdl_features,pul,r08_full_t3,t3_self"


def test_each_row_is_made_by_its_own_experiment_and_first_stages_come_first(commands, table):
    table(ROWS, "data_root=x", "learning.rounds=3", "trainer.log_every_n_steps=5").done()
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


def test_the_table_says_what_was_run_what_it_cost_and_what_the_paper_prints(commands, table):
    assert table(ROWS).code == 0
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


def test_a_complete_table_runs_nothing_and_either_name_will_do(commands, table, dien):
    assert table("rows=umdl,r08_full_t3").code == 0
    done = len(commands)
    arguments = ("experiment=table2", "data=day2night", "seeds=0,1", "rows=umdl,r08_full_t3")
    dien("table", *arguments).done()
    assert len(commands) == done
    assert Path("results/table2.md").is_file()


def test_all_records_are_compared_before_anything_is_trained(commands, table):
    assert table("rows=umdl,pul").code == 0
    done = len(commands)
    finished = table("rows=r08_full_t3,umdl", "learning.rounds=4")
    assert (finished.code, len(commands)) == (1, done)
    record = Path("results/runs_second_stage/pul_day2night_0.json")
    record.write_text(record.read_text().replace('"num_clusters": 200', '"num_clusters": 7'))
    finished = table("rows=r08_full_t3,pul")
    assert (finished.code, len(commands)) == (1, done)
    assert "pul_day2night_0.json is of a run with objective.num_clusters=7 (not 200)" in finished.stderr


def test_a_record_of_other_settings_is_none_of_this_table(commands, table):
    assert table("rows=umdl").code == 0
    said = table("rows=umdl", "learning.neighbors=2").refusal()
    assert "umdl_day2night_0.json is of a run with learning.neighbors=1 (not 2), so it is not the one" in said
    record = Path("results/runs_table2/umdl_day2night_1.json")
    content = json.loads(record.read_text())
    content["settings"]["learning"]["ridge"] = 0.3
    record.write_text(json.dumps(content))
    assert "umdl_day2night_1.json has learning.ridge=0.3 (not 0.2), unlike" in table("rows=r08_full_t3").refusal()


def test_rows_of_two_precisions_stand_in_one_table_and_say_so(commands, table):
    assert table("rows=pul,r08_full_t3").code == 0
    records = [Path(f"results/runs_second_stage/pul_day2night_{seed}.json") for seed in (0, 1)]
    for record in records:
        record.write_text(record.read_text().replace('"32-true"', '"bf16-mixed"'))
    assert table("rows=r08_full_t3").code == 0
    text = Path("results/table2.md").read_text()
    assert "| Base, then PUL | roughly how many people the target shows | bfloat16 | 4.0 | 2.0 | – |" in text
    assert "| DIEN (T = 3) | nothing | float32 | 2.0 | – | – |" in text
    records[0].write_text(records[0].read_text().replace('"bf16-mixed"', '"32-true"'))
    said = table("rows=r08_full_t3").refusal()
    assert f"{records[1]} was computed in bf16-mixed, {records[0]} in 32-true: no mean is of both." in said


def test_a_row_that_is_complete_may_have_another_precision_than_this_machine(commands, table, monkeypatch):
    monkeypatch.setattr(settings, "resolve_precision", lambda *_: "32-true")  # as the records have it
    rows = "rows=pul,t3_self"
    assert table(rows).code == 0
    folder = Path("results/runs_second_stage")
    for record in folder.glob("pul_*.json"):
        record.write_text(record.read_text().replace('"32-true"', '"bf16-mixed"'))
    (folder / "t3_self_day2night_1.json").unlink()
    table(rows).done()
    (folder / "pul_day2night_1.json").unlink()
    del commands[:]
    said = table(rows, "seeds=1").refusal()
    assert "pul_day2night_0.json has protocol.precision=bf16-mixed (not 32-true), unlike pul_day2night_1: no t" in said
    assert commands == []


def test_a_row_of_another_setting_than_its_records_is_not_trained(commands, table):
    assert table("rows=r01_base,umdl").code == 0
    del commands[:]
    said = table("rows=r01_base", "data=market2duke").refusal()
    assert "r01_base_day2night_0.json has data.num_ids=12 (not 16)" in said
    assert "unlike r01_base_market2duke_0: no table holds both. Run it from an empty folder, which then has its" in said
    assert "umdl_day2night_0.json has data.num_ids=12 (not 16)" in table("rows=umdl", "data=market2duke").refusal()
    assert commands == []


def test_a_failed_command_leaves_its_row_missing(commands, table, monkeypatch):
    monkeypatch.setattr(children, "run", lambda *given, **environment: 1)
    finished = table("rows=umdl,pul")
    assert finished.code == 1
    assert "pul_day2night_0 has no record: see outputs/second_stage/pul_day2night_0; the same comm" in finished.stdout
    assert "umdl_day2night_1 has no record: see outputs/table2/umdl_day2night_1" in finished.stdout
    assert not Path("results/table2.md").exists()


def test_without_the_rivals_the_other_rows_are_trained(commands, table, monkeypatch):
    for name in ("umdl", "translate"):
        monkeypatch.setitem(sys.modules, f"dien_lightning.experiments.{name}", None)
        monkeypatch.delattr(f"dien_lightning.experiments.{name}", raising=False)  # set by its first import
        monkeypatch.delitem(CONFIGS, name)
    table("rows=r08_full_t3,pul", "data_root=x").done()
    assert [given["ablation"] for _, given in commands] == ["r08_full_t3", "r01_base", "pul"]
    assert all(given["data_root"] == "x" for _, given in commands)


@pytest.mark.parametrize("words", ["rows=pul rounds.num_clusters=700", "rows=tj_aidl data.attributes=FILE"])
def test_a_row_is_given_a_key_that_no_other_has(words, commands, table):
    rows, own = words.split()
    table(rows, own, "data=market2duke", "seeds=0").done()
    told = {given["ablation"]: own.partition("=")[0] in given for _, given in commands}
    assert told == ({"r01_base": False, "pul": True} if rows == "rows=pul" else {"tj_aidl": True})


@pytest.mark.parametrize("words", ["rows=umdl learning.ruonds=3", "rows=r01_base,pul rounds.num_clusters=7"])
def test_a_key_that_a_row_has_not_is_refused(words, commands, table):
    assert f"{words.split()[1].partition('=')[0]} is no key" in table(*words.split()).refusal()
    assert commands == []


def test_a_wrong_row_is_told_with_the_nearest(commands, table):
    said = table("rows=udml").refusal()
    assert "error: rows=udml is not one of Table II's; did you mean umdl? There are r01_base, umdl," in said
    assert commands == []


def test_every_row_of_another_experiment_is_of_it():
    for row, rival in TABLE_2.items():
        if rival.experiment != "umdl":
            config = compose_config([f"experiment={rival.experiment}", f"ablation={row}", "data=day2night"])
            assert config.row == row
            wanted = Path("outputs/table2/translation_day2night_0") if row.startswith("spgan") else None
            assert table_runs.translation_of(config) == wanted
