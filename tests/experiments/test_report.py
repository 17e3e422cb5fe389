"""scripts/report.py and scripts/table.py as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
import wandb
from hydra.types import RunMode
from omegaconf import OmegaConf

from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.reports.table1_rows import TABLE_1, row_settings
from experiments.reports.finished_runs import leave_clusters, write_record, write_run
from experiments.test_tracking import wait_for_the_end


def write_some(folder: Path, rows=("r01_base", "r04_dc"), seeds=(0, 1)) -> None:
    for number, row in enumerate(rows):
        for seed in seeds:
            write_record(folder, row, 0.2 + number / 4, seed=seed, control=0.25 if number == 0 else None)


def test_a_report_is_markdown_and_a_page(tmp_path, dien):
    write_some(tmp_path / "runs")
    finished = dien("report", tmp_path / "runs", f"output={tmp_path}").done()
    text = (tmp_path / "table1.md").read_text()
    assert f"Made by `dien report {tmp_path}/runs output={tmp_path}` from 4 runs." in text
    for said in (text, (tmp_path / "report.html").read_text(), finished.stdout):
        assert "45.0 ± 0.0" in said
    assert not (tmp_path / "table1_figure3.svg").exists()  # no row of it has been run


def test_figure_3_is_a_file_of_its_own_too(tmp_path, dien):
    write_some(tmp_path / "runs", rows=("r01_base", "r05_cccdtl_dc", "r06_full_t1"))
    dien("report", tmp_path / "runs", f"output={tmp_path}").done()
    drawing = ElementTree.parse(tmp_path / "table1_figure3.svg").getroot()
    text = "".join(drawing.itertext())
    assert "day → night: 45.0 at T = 0, 70.0 at T = 1, control 25.0" in text
    assert "● day → night" in text
    assert "--series-1: #" in text


@pytest.mark.parametrize("is_labelled", [True, False])
def test_a_run_of_self_training_gets_a_page_of_its_clusters(is_labelled, tmp_path, dien):
    run = write_run(tmp_path / "second", None, 0.8, images=tmp_path / "images")
    leave_clusters(run, sorted((tmp_path / "images").iterdir()))
    if not is_labelled:
        content = json.loads((run / "results.json").read_text())
        content["settings"]["data"] |= {"target": "folder", "target_root": "crops"}
        (run / "results.json").write_text(json.dumps(content | {"target": {}}))
        (run / "rankings.json").unlink()
    dien("report", run).done()
    page = (run / "report.html").read_text()
    for words in ("In the last round there were 3", "4 in the largest", "camera 1, person 9", "Identity loss"):
        assert words in page
    assert ("target rank-1 is 80.0%, mAP 40.0%" in page) is ("Ranked lists" in page) is is_labelled
    assert f"its own embeddings of {'pedestrians_night' if is_labelled else 'crops'} for people" in page
    assert "keep this page as you keep them" in page
    finished = dien("report", run, "name=table3")
    assert "error: name= is of tables: the page of a run of self-training is RUN_DIR/report.html." in finished.stderr


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("nowhere", "nowhere is not there; name a run's folder, or its record"),
        ("speed=3", "speed=3 is neither a file nor an option"),
        ("figures_from=nowhere", "nowhere is not there"),
        ("logger=paper", "logger=paper is not known"),
    ],
)
def test_bad_input_ends_in_one_sentence(argument, words, tmp_path, dien):
    write_some(tmp_path / "runs")
    assert words in dien("report", tmp_path / "runs", argument, f"output={tmp_path / 'out'}").refusal()
    assert not (tmp_path / "out").exists()


def test_a_report_is_logged_to_wandb_offline_where_there_is_no_account(tmp_path, dien, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    write_some(tmp_path / "runs", rows=("r01_base", "r05_cccdtl_dc"))
    wandb.teardown()  # it remembers the folder of the run before
    finished = dien("report", "runs", "output=.", "logger=wandb")
    wandb.teardown()
    assert finished.code == 0, finished.stderr
    (path,) = (tmp_path / "outputs" / "wandb").glob("offline-run-*/run-*.wandb")
    written = wait_for_the_end(path)
    (run,) = [record.run for record in written if record.WhichOneof("record_type") == "run"]
    assert (run.project, run.run_group, run.job_type) == ("dien-lightning", "table1", "report")
    logged = {item.nested_key[0] for record in written for item in record.history.item}
    assert {"table1", "order"} <= logged
    artifacts = [record.artifact for record in written if record.WhichOneof("record_type") == "artifact"]
    files = {entry.path for artifact in artifacts if artifact.type == "report" for entry in artifact.manifest.contents}
    assert files == {"table1.md", "table1_figure3.svg", "report.html"}


def test_two_runs_of_one_row_are_not_shown_side_by_side(tmp_path, dien):
    write_some(tmp_path / "runs")
    arguments = [f"{name}={tmp_path / 'runs' / 'r04_dc_day2night_0.json'}" for name in ("base", "figures_from")]
    said = dien("report", tmp_path / "runs", f"output={tmp_path}", *arguments).refusal()
    assert "error: base= and figures_from= name runs of one row; name two rows" in said


def test_two_sweeps_of_one_name_are_told(tmp_path, dien):
    write_some(tmp_path / "runs")
    for folder in ("a", "b"):
        write_record(tmp_path / folder / "lambda", "r05_cccdtl_dc", 0.3)
    sweeps = ",".join(str(tmp_path / folder / "lambda") for folder in ("a", "b"))
    said = dien("report", tmp_path / "runs", f"output={tmp_path}", f"sweeps={sweeps}").refusal()
    assert "names two folders of one name; a sweep is called by its folder's" in said


@pytest.mark.parametrize("row", TABLE_1)
def test_rows_are_deltas_over_any_experiment(row):
    config, plain = (compose_config(["experiment=duke2market", *more]) for more in ([f"ablation={row}"], []))
    assert config.row == row
    assert {name: OmegaConf.select(config, name) for name in row_settings(row)} == row_settings(row)
    for group in ("data", "optim", "trainer"):
        assert config[group] == plain[group]


@pytest.mark.parametrize(
    ("sweep", "axes"),
    [
        ("T", {"network.attention_loops"}),
        ("lambda", {"objective.center_weight", "objective.triplet_weight"}),
        ("beta", {"objective.triplet_weight", "objective.domain_weight"}),
    ],
)
def test_a_sweep_sets_what_is_swept_and_is_one_group(sweep, axes):
    config = compose_config(["experiment=demo", f"sweep={sweep}"], with_hydra=True)
    assert set(config.hydra.sweeper.params) == axes
    assert config.hydra.mode == RunMode.MULTIRUN
    assert config.group == f"sweep_{sweep}"
    assert config.run_dir == f"outputs/sweep_{sweep}"
