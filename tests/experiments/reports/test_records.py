from __future__ import annotations

import json

import pytest

from dien_lightning.experiments.reports.records import read_run, read_runs
from experiments.reports.finished_runs import results, write_record, write_run


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
        ('{"target": {"rank1": 0.5}, "fusion_weights": [null]}', "is not as scripts/train.py writes it: float() argu"),
        ('{"target": {"rank1": 0.5}, "checkpoints": {"last": null}}', "is not as scripts/train.py writes it: 'NoneTy"),
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
