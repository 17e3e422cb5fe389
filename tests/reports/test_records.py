from __future__ import annotations

import json
import math

import pytest

from dien_lightning.reports.records import read_curves, read_rankings, read_run, read_runs
from reports.finished_runs import results, write_record, write_run


def test_a_run_is_read_from_its_folder_and_from_a_record(tmp_path):
    folder = write_run(tmp_path / "run", "r07_full_t2", 0.5, images=tmp_path / "images", seed=3)
    run = read_run(folder)
    assert (run.row, run.direction, run.seed, run.target.rank1, run.target.mAP) == (
        "r07_full_t2",
        "day2night",
        3,
        0.5,
        0.25,
    )
    assert [scores.rank1 for scores in run.passes] == pytest.approx([0.46, 0.48, 0.5])
    assert len(run.fusion_weights) == 3
    assert run.target_statistics is None
    assert run.setting("network.attention_loops") == 2
    assert run.setting("network.nothing.here", 7) == 7
    assert read_run(write_record(tmp_path, "r01_base", 0.3, control=0.4)).target_statistics.rank1 == 0.4


def test_a_folder_of_records_stands_for_all_of_them(tmp_path):
    for seed in (0, 1):
        write_record(tmp_path / "runs", "r04_dc", 0.3, seed=seed)
    one = write_run(tmp_path / "one", "r01_base", 0.2, images=tmp_path / "images")
    assert [run.seed for run in read_runs([tmp_path / "runs", one])] == [0, 1, 0]


def test_a_sweeps_folder_is_read_through(tmp_path):
    write_run(tmp_path / "sweep" / "objective.center_weight=5", None, 0.2, images=tmp_path / "images")
    assert len(read_runs([tmp_path / "sweep"])) == 1


def test_a_run_without_a_source_evaluation_is_read(tmp_path):
    content = results("r04_dc", 0.3)
    del content["source"]
    (tmp_path / "results.json").write_text(json.dumps(content))
    assert read_run(tmp_path).source is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "has no results.json: the run has not finished. Continue it with"),
        ("{", "results.json is torn: Expecting"),
        ("[]", "has no 'target' figures: it is no run's results"),
        ('{"target": {"mAP": 0.5}}', "target: 'rank1' is missing"),
        ('{"target": {"rank1": 58.7}}', "target: rank1=58.7 is no fraction in [0, 1]"),
        ('{"target": {"rank1": 0.5}, "passes": [{}]}', "pass 0: 'rank1' is missing"),
    ],
)
def test_a_bad_run_is_told_in_one_sentence(content, words, tmp_path):
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        read_run(tmp_path)
    assert words in str(error.value)


def test_a_missing_file_and_an_empty_folder_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.json is missing"):
        read_run(tmp_path / "nowhere.json")
    with pytest.raises(FileNotFoundError, match=r"holds no run: neither results\.json nor records"):
        read_runs([tmp_path])


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
