"""The four ways to choose an epoch stand side by side, the headline set off, the oracle named."""

from __future__ import annotations

import json

from dien_lightning.experiments.reports.choices import choices_table
from dien_lightning.experiments.reports.records import read_run
from experiments.reports.finished_runs import write_record


def test_four_rows_for_each_network_with_mean_and_spread(tmp_path):
    base = [read_run(write_record(tmp_path, "r01_base", 0.2))]
    dien = [read_run(write_record(tmp_path, "r07_full_t2", rank1, seed=s)) for s, rank1 in enumerate((0.5, 0.6))]
    table = choices_table({"Base": base, "DIEN": dien})
    assert [row.label for row in table.rows] == [
        "last epoch (the result)",
        "best by source mAP",
        "best by label-free score",
        "oracle: by target labels",
    ]
    assert [row.strong for row in table.rows] == [True, False, False, False]
    assert table.groups() == [("Base", 3), ("DIEN", 3)]
    assert table.rows[0].cells == ("10", "20.0", "10.0", "10, 10", "55.0 ± 7.1", "27.5 ± 3.5")
    assert table.rows[3].cells == ("4", "22.0", "11.0", "4, 4", "57.0 ± 7.1", "28.5 ± 3.5")
    assert table.caption == "Which epoch's network, in percent, seeds 0, 1."


def test_a_choice_that_a_run_did_not_make_is_marked_and_runs_without_any_have_no_table(tmp_path):
    path = write_record(tmp_path, "r01_base", 0.2)
    content = json.loads(path.read_text())
    del content["checkpoints"]["label_free"]
    path.write_text(json.dumps(content))
    table = choices_table({"Base": [read_run(path)]})
    assert table.rows[2].cells == ("–", "–", "–")
    del content["checkpoints"]
    path.write_text(json.dumps(content))
    assert choices_table({"Base": [read_run(path)]}) is None
