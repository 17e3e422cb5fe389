"""Table II's pieces where no command is needed: what belongs together, and its section on the report page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dien_lightning.experiments.report import Options, collect
from dien_lightning.experiments.reports.table2 import entries_of, main_table, order_table, section_of, write_table_2
from dien_lightning.experiments.results import Results
from experiments.reports.finished_runs import write_record


@pytest.mark.parametrize(
    ("direction", "changed", "words"),
    [
        ("day2night", {"objective.center_weight": 2.0, "data.seed": 2}, r"objective\.center_weight=2\.0 \(not 5\.0\)"),
        ("night2day", {"data.target_batch_size": 12}, r"data\.target_batch_size=12 \(not 48\)"),
    ],
)
def test_runs_of_one_row_have_one_setting(direction, changed, words, tmp_path):
    records = [write_record(tmp_path, "r08_full_t3", 0.5, direction=pair) for pair in ("day2night", "night2day")]
    records.append(write_record(tmp_path, "r08_full_t3", 0.5, direction=direction, seed=2, changed=changed))
    runs = [Results.read(record) for record in records]
    assert [entry["direction"] for entry in entries_of(runs[:2], {})] == ["day2night", "night2day"]
    with pytest.raises(ValueError, match=rf"_2\.json has {words}, unlike .*_0\.json"):
        entries_of(runs, {})


def test_memory_is_not_said_where_a_run_does_not_say_it(tmp_path):
    run = Results.read(write_record(tmp_path, "r08_full_t3", 0.5))
    (entry,) = entries_of([run], {run.name: {"seconds": 30.0, "peak_memory": 10**9}})
    assert (entry["seconds"], entry["seconds_before"], entry["peak_memory"]) == (150, 30, None)


def test_target_statistics_stand_below_the_source_s(tmp_path):
    runs = [Results.read(write_record(tmp_path, "r01_base", 0.2, control=0.3, seed=seed)) for seed in (0, 1)]
    entries = entries_of(runs, {})
    assert (entries[0]["rank1"], entries[0]["rank1_with_target_statistics"]) == (0.2, 0.3)
    labels = {row.label: row.cells[:3] for row in main_table(entries).rows}
    assert labels["Base"] == ("20.0 ± 0.0", "10.0 ± 0.0", "2")
    assert labels["Base, with target statistics"] == ("30.0 ± 0.0", "15.0 ± 0.0", "2")
    assert labels["UMDL"] == ("not run", "not run", "–")
    assert "UMDL, with target statistics" not in labels


def test_claims_of_which_not_both_rows_were_run_are_left_out(tmp_path):
    runs = [Results.read(write_record(tmp_path, "r08_full_t3", 0.5))]
    assert order_table(entries_of(runs, {})).rows == []


def test_methods_are_compared_by_equal_statistics_too(tmp_path):
    records = [write_record(tmp_path, row, 0.4, control=0.7) for row in ("r01_base", "spgan_lmp")]
    records[1].write_text(records[1].read_text().replace("0.7", "0.75"))
    records.append(write_record(tmp_path, "r08_full_t3", 0.6))
    rows = {row.label: row.cells[0] for row in order_table(entries_of(list(map(Results.read, records)), {})).rows}
    spgan = "SPGAN, then Base with LMP"
    assert rows[f"DIEN (T = 3) above {spgan}"] == "+20.0"
    assert rows[f"DIEN (T = 3) above {spgan}, with target statistics"] == "-15.0"
    assert rows[f"{spgan}, with target statistics above Base, with target statistics"] == "+5.0"


def test_the_report_page_has_a_section_of_it_where_it_was_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for row in ("r01_base", "r08_full_t3"):
        write_record(tmp_path / "runs", row, 0.5, control=0.3 if row == "r01_base" else None)
    assert section_of(tmp_path / "table2.json") == []
    runs = [Results.read(tmp_path / "runs" / "r08_full_t3_day2night_0.json")]
    write_table_2(entries_of(runs, {}), runs, tmp_path / "table2", ["name=table2"])
    assert json.loads((tmp_path / "table2.json").read_text())["runs"][0]["rank1"] == 0.5
    collect(["runs"], Options(output=str(tmp_path)))
    page = Path("report.html").read_text()
    assert "Table II: the rivals" in page
    assert "Base, then PUL" in page
    collect(["runs"], Options(output=str(tmp_path), name="other"))
    assert "Base, then PUL" not in Path("other.html").read_text()
