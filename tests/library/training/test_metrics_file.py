"""metrics.csv: rows merge by step, a resumed run cuts back, the same values give the same bytes."""

from __future__ import annotations

import csv

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dien_lightning.training import MetricsFile
from library.training.learning import fit


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def log(path, rows):
    metrics = MetricsFile(path)
    for step, values in rows:
        metrics.log_metrics(values, step)
    metrics.write()
    return path


def test_a_row_per_step_and_a_column_per_name(tmp_path):
    path = log(
        tmp_path / "metrics.csv",
        [(0, {"train/loss": 2.5}), (0, {"epoch": 0}), (1, {"train/loss": 0.1, "epoch": 0}), (1, {"val/rank1": 0.25})],
    )
    assert path.read_text() == "step,train/loss,epoch,val/rank1\n0,2.5,0,\n1,0.1,0,0.25\n"


def test_speeds_are_left_out_so_that_equal_runs_give_equal_files(tmp_path):
    path = log(tmp_path / "metrics.csv", [(0, {"train/loss": 2.5, "train/images_per_second": 31.4})])
    assert path.read_text() == "step,train/loss\n0,2.5\n"


def test_a_resumed_run_drops_the_rows_it_takes_again(tmp_path):
    path = log(tmp_path / "metrics.csv", [(step, {"loss": 1.0}) for step in range(6)])
    resumed = MetricsFile(path)
    resumed.log_metrics({"loss": 2.0}, 3)
    resumed.log_metrics({"loss": 2.0}, 4)
    resumed.write()
    assert [(row["step"], row["loss"]) for row in read(path)] == [*zip("01234", ["1.0"] * 3 + ["2.0"] * 2, strict=True)]


values = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]), st.floats(allow_nan=False) | st.integers(-5, 5), min_size=1
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.integers(0, 5), values), min_size=1), cut=st.integers(0, 10), back=st.integers(0, 5))
def test_interrupted_anywhere_and_taken_up_before_it_the_bytes_are_the_same(rows, cut, back, tmp_path):
    rows = sorted(rows, key=lambda row: row[0])
    part = tmp_path / "part.csv"
    for path in (tmp_path / "whole.csv", part):
        path.unlink(missing_ok=True)
    whole = log(tmp_path / "whole.csv", rows).read_bytes()
    log(part, rows[:cut])
    start = min([back, *(step for step, _ in rows[:cut][-1:])])
    assert log(part, [row for row in rows if row[0] >= (start if cut else 0)]).read_bytes() == whole


def test_the_file_is_replaced_in_one_step(tmp_path, monkeypatch):
    path = log(tmp_path / "metrics.csv", [(0, {"loss": 1.0})])

    class Full(csv.DictWriter):
        def writerows(self, rows):
            raise OSError("no space left")

    monkeypatch.setattr(csv, "DictWriter", Full)
    with pytest.raises(OSError, match="no space"):
        log(path, [(1, {"loss": 2.0})])
    assert path.read_text() == "step,loss\n0,1.0\n"


def test_written_at_each_checkpoint_and_at_the_end(tmp_path):
    path = tmp_path / "new" / "folder" / "metrics.csv"
    metrics = MetricsFile(path)
    metrics.finalize("failed")
    assert not path.exists()  # nothing was logged
    metrics.log_metrics({"loss": 1.0}, 0)
    assert not path.exists()
    metrics.after_save_checkpoint(None)
    assert len(read(path)) == 1
    metrics.log_metrics({"loss": 1.0}, 1)
    metrics.finalize("success")
    assert len(read(path)) == 2
    assert [file.name for file in path.parent.iterdir()] == ["metrics.csv"]


def test_a_run_that_begins_does_not_write_over_anothers_rows(tmp_path):
    path = log(tmp_path / "metrics.csv", [(0, {"loss": 1.0}), (1, {"loss": 2.0})])
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"metrics\.csv holds another training's rows: go on from its checkpoint"):
        fit(tmp_path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_metrics_file_is_named(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("time,loss\n0,1\n")
    with pytest.raises(ValueError, match=r"metrics\.csv has no column `step`: it is not a run's metrics\.csv\."):
        MetricsFile(path)
