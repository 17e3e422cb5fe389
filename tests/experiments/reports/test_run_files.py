from __future__ import annotations

import math

import pytest

from dien_lightning.experiments.reports.run_files import read_curves, read_rankings
from experiments.reports.finished_runs import write_run


def test_curves_leave_out_empty_cells(tmp_path):
    (tmp_path / "metrics.csv").write_text("epoch,step,train/loss_total,val/target_rank1\n0,0,2.5,\n0,1,2.0,0.25\n")
    assert read_curves(tmp_path) == {"train/loss_total": [(0, 2.5), (1, 2.0)], "val/target_rank1": [(1, 0.25)]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "metrics.csv is missing"),
        ("a,b\n1,2\n", "has no column 'step'"),
        ("step,train/loss_total\n0,2.5\n1,2.x\n", "line 3, is torn"),
    ],
)
def test_bad_curves_are_told_in_one_sentence(content, words, tmp_path):
    if content is not None:
        (tmp_path / "metrics.csv").write_text(content)
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        read_curves(tmp_path)
    assert words in str(error.value)


def test_rankings_are_read_nearest_first(tmp_path):
    query = read_rankings(write_run(tmp_path / "run", "r01_base", 0.2, images=tmp_path / "images"))[1]
    assert query.pid == 1
    assert [image.match for image in query.gallery[:3]] == [True, False, True]
    assert math.isclose(query.gallery[9].distance, 0.9)


def test_bad_rankings_are_told_in_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"rankings\.json is missing"):
        read_rankings(tmp_path)
    (tmp_path / "rankings.json").write_text('{"queries": [{"path": "x"}]}')
    with pytest.raises(ValueError, match="is not a run's rankings: KeyError at 'pid'"):
        read_rankings(tmp_path)
