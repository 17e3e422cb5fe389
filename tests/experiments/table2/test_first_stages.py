"""What a row of Table II begins with."""

from __future__ import annotations

from pathlib import Path


def test_a_row_begins_with_the_run_that_the_same_command_trained(commands, table, dien):
    asked = ("rows=r08_full_t3,t3_self", "trainer.max_epochs=3", "trainer.precision=32-true")  # as the records have it
    assert table(*asked).code == 0
    Path("results/runs_second_stage/t3_self_day2night_0.json").unlink()
    del commands[:]
    table(*asked).done()
    assert [(given["ablation"], given["seed"]) for _, given in commands] == [("t3_self", "0")]
    Path("results/runs_second_stage/t3_self_day2night_0.json").unlink()
    alone = ("experiment=second_stage", "rows=t3_self", "data=day2night", "seeds=0", "records=results/other")
    said = dien("table", *alone).refusal()
    assert "table/r08_full_t3_day2night_0 is of a run with trainer.max_epochs=3 (not 10), so it is not the one" in said


def test_first_stages_may_lie_elsewhere(commands, table):
    table("rows=r08_full_t3,t3_self", "first_stage.run_dir=outputs/first").done()
    made = [(given["ablation"], given["run_dir"], "first_stage.run_dir" in given) for _, given in commands]
    assert made == [
        ("r08_full_t3", "outputs/table", False),
        ("r08_full_t3", "outputs/first", False),
        ("t3_self", "outputs/second_stage", True),
    ]
