"""Self-training's table: each row beside its start, one setting a row, the rounds' clusters below."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.reports.finished_runs import scores, write_record_of
from experiments.test_second_stage import run


def test_the_table_sets_each_row_beside_its_start(commands, tmp_path, dien):
    assert run(dien).code == 0
    found = json.loads(Path("results/self_training.json").read_text())
    entries = {(entry["row"], entry["seed"]): entry for entry in found["runs"]}
    assert {row for row, _ in entries} == {"cccdtl_dc", "cccdtl_dc_self", "scratch_self"}
    own = entries["cccdtl_dc_self", 1]
    assert (own["rank1"], own["start"]) == (pytest.approx(0.81), "r05_cccdtl_dc_day2night_1")
    assert own["label_free_mAP"] == pytest.approx(scores(0.82)["mAP"])
    assert entries["scratch_self", 0]["start"] is None
    assert found["settings"]["cccdtl_dc_self"]["rounds"]["eps"] == 0.5
    assert found["command"].startswith("dien table experiment=second_stage")
    text = Path("results/self_training.md").read_text()
    assert "| Base + CCCDTL + DC, then self-training | 80.5 ± 0.7 | 40.2 ± 0.4 | 2 |" in text
    assert "| Base + CCCDTL + DC, then self-training above Base + CCCDTL + DC | +30.5 yes | +15.3 yes |" in text
    assert run(dien).code == 0
    assert len(commands) == 2  # nothing was missing


def test_the_table_says_what_the_rounds_took_for_people(commands, tmp_path, dien):
    assert run(dien).code == 0
    assert "Clusters of the first round" not in Path("results/self_training.md").read_text()  # no record has any
    path = Path("results/runs_second_stage/cccdtl_dc_self_day2night_1.json")
    first = {"step": 0, "number": 30.0, "outliers": 0.9}
    last = {"step": 40, "number": 217.0, "outliers": 0.0125, "same_camera": 0.25, "chance": 0.125}
    path.write_text(json.dumps({**json.loads(path.read_text()), "rounds": [first, last], "purity": 0.875}))
    assert run(dien).code == 0
    row = "float32 | 1 | 30 → 217 | 90.0 → 1.2 | – → 25.0 | – → 12.5 | 87.5 |"
    assert (
        f"| Base + CCCDTL + DC, then self-training, day → night | {row}\n"
        in Path("results/self_training.md").read_text()
    )


def test_each_run_is_beside_the_network_that_it_began_with(commands, tmp_path, dien):
    """Two rows begin with Base: one of a machine with bfloat16, one of another."""
    assert run(dien, "rows=base_self").code == 0
    for record in Path("results/runs_second_stage").rglob("base_self_*.json"):
        record.write_text(record.read_text().replace('"32-true"', '"bf16-mixed"').replace("0.2", "0.25"))
    assert run(dien, "rows=pul").code == 0
    found = json.loads(Path("results/self_training.json").read_text())["runs"]
    base = {entry["precision"]: entry["rank1"] for entry in found if (entry["row"], entry["seed"]) == ("base", 1)}
    assert base == {"bf16-mixed": 0.25, "32-true": 0.2}
    parts = Path("results/self_training.md").read_text().split("Computed in ")[1:]
    labels = ("| Base, then self-training |", "| Base, then PUL |")
    rows = {part.partition(":")[0]: [label in part for label in labels] for part in parts}
    assert rows == {"bfloat16": [True, False], "float32": [False, True]}
    (own,) = (part for part in parts if part.startswith("float32"))
    assert "| Base, then PUL above Base + target statistics (the control) |" in own


def test_a_row_is_compared_with_the_networks_that_it_began_with_itself(commands, tmp_path, dien):
    """Two rows begin with Base, of the same seeds, trained on two processors."""
    assert run(dien, "rows=base_self,pul").code == 0
    for record in Path("results/runs_second_stage").rglob("first_stage/pul_*.json"):
        kept = json.loads(record.read_text())
        kept["target"], kept["target_with_target_statistics"] = scores(0.25), scores(0.45)
        record.write_text(json.dumps(kept))
    assert run(dien, "rows=base_self,pul").code == 0
    found = json.loads(Path("results/self_training.json").read_text())["runs"]
    rank1 = {(entry["row"], entry["seed"]): entry["rank1"] for entry in found}
    assert (rank1["base", 1], rank1["base_before_pul", 1]) == (0.2, 0.25)
    gained = 50 * sum(rank1["pul", seed] - rank1["control_before_pul", seed] for seed in (0, 1))
    text = Path("results/self_training.md").read_text()
    assert "| Base, of “Base, then PUL” |" in text
    assert f"| Base, then PUL above Base + target statistics (the control) | {gained:+.1f}" in text


def test_one_row_holds_one_setting(commands, tmp_path, dien):
    assert run(dien).code == 0
    record = Path("results/runs_second_stage/cccdtl_dc_self_day2night_2.json")
    write_record_of(record, "second_stage", "cccdtl_dc_self", 0.82, "rounds.eps=0.4", seed=2)
    assert "cccdtl_dc_self_day2night_2.json has rounds.eps=0.4 (not 0.5), unlike" in run(dien).refusal()
