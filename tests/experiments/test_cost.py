"""Seconds and memory over several processes."""

from __future__ import annotations

import json

from dien_lightning.experiments.cost import Cost, total


def test_another_process_goes_on_from_the_last_count(tmp_path):
    path = tmp_path / "cost.json"
    assert Cost(path).known == {"seconds": 0.0, "peak_memory": None}
    assert not path.exists()  # nothing was counted
    path.write_text(json.dumps({"seconds": 100.0, "peak_memory": 2**50}))
    cost = Cost(path)
    assert cost.known["seconds"] == 100
    counted = cost.count()
    assert 100 < counted["seconds"] < 160
    assert counted["peak_memory"] == 2**50
    assert json.loads(path.read_text()) == counted == cost.known


def test_works_one_after_the_other_add_seconds_and_share_memory():
    unknown = {"seconds": 2.0, "peak_memory": None}
    assert total({"seconds": 1.0, "peak_memory": 5}, unknown) == {"seconds": 3.0, "peak_memory": 5}
    assert total(unknown) == unknown
