"""scripts/train.py as a user calls it: what a run leaves, how it goes on, how bad input ends."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml

from commands import run_command
from dien_lightning.experiments.results import Results
from proofs.tiny import SMALL

TINY = (*SMALL, "data.num_workers=0", "data.steps_per_epoch=2", "trainer.max_epochs=2")


@pytest.fixture(scope="module")
def finished_run(drawn_pair, module_folder) -> Path:
    """A run folder that every test may read."""
    run_dir = module_folder / "first"
    run_command("train", *TINY, f"data_root={drawn_pair}", f"run_dir={run_dir}")
    return run_dir


def rows(run_dir: Path) -> list[dict[str, str]]:
    with (run_dir / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_results_in_fractions_with_their_protocol(finished_run):
    results = json.loads((finished_run / "results.json").read_text())
    for name in ("target", "source"):
        assert {"rank1", "rank5", "rank10", "mAP", "mAP_trapezoid", "mINP"} <= set(results[name])
        assert all(0 <= results[name][key] <= 1 for key in ("rank1", "mAP", "mINP"))
    assert results["protocol"]["junk"] == "drop"
    assert results["protocol"]["precision"] == "32-true"
    assert results["protocol"]["statistics"] == {"target": "target", "source": "source"}
    assert len(results["passes"]) == 2
    assert len(results["fusion_weights"]) == 2
    assert results["seconds"] > 0
    assert results["images_per_second"] > 0
    assert "target_with_target_statistics" not in results


def test_a_run_leaves_a_row_for_every_step(finished_run):
    metrics = rows(finished_run)
    assert [row["step"] for row in metrics] == ["0", "1", "2", "3"]
    for name in ("total", "identity", "triplet", "center", "domain"):
        assert all(row[f"train/loss_{name}"] for row in metrics)
    assert metrics[3]["val/target_rank1"]
    assert not any("second" in name or "time" in name for name in metrics[0])


def test_a_run_leaves_its_resolved_config_and_a_checkpoint(finished_run):
    config = yaml.safe_load((finished_run / "config.yaml").read_text())
    assert config["data"]["num_ids"] == 3
    assert config["run_dir"] == str(finished_run)
    checkpoint = torch.load(finished_run / "checkpoints" / "last.ckpt", weights_only=True)
    assert [checkpoint["data"][role]["images"] for role in ("source", "target")] == [24, 40]
    assert len(checkpoint["data"]["source"]["people"]) == 6
    seen = Results.read(finished_run).fingerprints
    assert {role: {**checkpoint["data"][role], **seen[role]} for role in seen} == checkpoint["data"]
    assert (finished_run / "network.safetensors").is_file()


def test_a_run_leaves_ranked_lists(finished_run):
    rankings = json.loads((finished_run / "rankings.json").read_text())
    query = rankings["queries"][0]
    assert Path(query["path"]).is_file()
    assert len(query["gallery"]) <= 10
    for found in query["gallery"]:
        assert found["match"] == (found["pid"] == query["pid"])
        assert not (found["match"] and found["camid"] == query["camid"])
    assert all(0 < query["average_precision"] <= 1 for query in rankings["queries"])


def test_base_is_ranked_with_both_statistics(drawn_pair, tmp_path, dien):
    arguments = (*TINY, "ablation=r01_base", f"data_root={drawn_pair}", "data.gather_batch_size=9", "resume=true")
    dien("train", *arguments, f"run_dir={tmp_path / 'base'}", "seed=1").done()
    results = json.loads((tmp_path / "base" / "results.json").read_text())
    assert results["row"] == "r01_base"
    assert "data.gather_batch_size=9" in results["command"]  # what repeats the run, not what goes on with it
    assert "resume=" not in results["command"]
    assert results["protocol"]["statistics"]["target"] == "source"
    again = (f"checkpoint={tmp_path / 'base'}/network.safetensors", f"data_root={drawn_pair}", "precision=32-true")
    target = ("data.target=pedestrians_night", "gather_statistics=true", "data.num_workers=0")
    target += ("data.gather_batch_size=9", "data.eval_batch_size=480")
    finished = dien("evaluate", *again, *target, f"output={tmp_path / 'control'}").done()
    control = json.loads((tmp_path / "control" / "results.json").read_text())
    assert control["target"] == pytest.approx(results["target_with_target_statistics"])
    assert control["target"] != pytest.approx(results["target"])
    assert control["protocol"]["gather_statistics"] is True
    assert control["protocol"]["gather_batch_size"] == results["protocol"]["gather_batch_size"] == 9
    assert "With gather_statistics=True." in finished.stdout
    assert not {"train/loss_triplet", "train/loss_domain", "train/loss_center"} & set(rows(tmp_path / "base")[0])


def test_a_folder_that_holds_a_run_is_refused(finished_run, drawn_pair, dien):
    before = (finished_run / "results.json").read_bytes()
    said = dien("train", *TINY, f"data_root={drawn_pair}", f"run_dir={finished_run}").refusal()
    assert f"error: run_dir={finished_run} holds a run; add resume=true" in said
    assert (finished_run / "results.json").read_bytes() == before


@pytest.mark.parametrize("name", ["results.json", "network.safetensors", "metrics.csv", "checkpoints/last.ckpt"])
def test_a_folder_with_files_that_a_run_would_overwrite_is_refused(name, drawn_pair, tmp_path, dien):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / name).write_text("kept")
    said = dien("train", *TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path}").refusal()
    words = f"error: run_dir={tmp_path} holds {name} of something else, which would be overwritten; choose another."
    assert words in said
    assert (tmp_path / name).read_text() == "kept"


@pytest.mark.parametrize("is_finished", [True, False])
@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["objective.center_weight=1"], "objective.center_weight=5.0 (not 1)"),
        (["trainer.max_epochs=1"], "trainer.max_epochs=2 (not 1)"),
        (["trainer.max_epochs=3", "optim.momentum=0.5"], "optim.momentum=0.9 (not 0.5), so"),
        (["protocol.queries=all", "data.num_workers=1"], "protocol.queries=valid (not all), so"),
    ],
)
def test_a_run_goes_on_with_its_own_settings_alone(
    overrides, words, is_finished, finished_run, drawn_pair, tmp_path, dien
):
    run_dir = tmp_path / "run"
    shutil.copytree(finished_run, run_dir)
    if not is_finished:
        (run_dir / "results.json").unlink()
    before = {path: path.read_bytes() for path in run_dir.rglob("*") if path.is_file()}
    arguments = (*TINY, f"data_root={drawn_pair}", f"run_dir={run_dir}", "resume=true")
    said = dien("train", *arguments, *overrides).refusal()
    assert f"error: run_dir={run_dir} is of a run with {words}" in said
    assert "Resume it with its own settings (config.yaml) or a larger trainer.max_epochs" in said
    assert {path: path.read_bytes() for path in before} == before


def test_a_run_is_made_longer(drawn_pair, tmp_path, dien):
    arguments = (*TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}", "optim.schedule=milestones")
    for epochs in (1, 2):
        dien("train", *arguments, f"trainer.max_epochs={epochs}", "resume=true").done()
        assert Results.read(tmp_path / "run").figure("checkpoints.last.epochs") == epochs


def test_the_same_command_goes_on_where_cameras_are_not_told_apart(drawn_pair, tmp_path, dien):
    arguments = (*TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}", "data.cameras=none", "resume=true")
    for _ in range(2):
        dien("train", *arguments, f"record={tmp_path / 'record.json'}").done()


def test_a_record_without_target_figures_is_a_record(finished_run, drawn_pair, tmp_path, dien):
    content = json.loads((finished_run / "results.json").read_text())
    del content["target"]  # an unlabelled one
    (tmp_path / "record.json").write_text(json.dumps(content))
    arguments = (*TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}", f"record={tmp_path / 'record.json'}")
    assert dien("train", *arguments).code == 0
    finished = dien("train", *arguments, "protocol.queries=all")
    assert "is of a run with protocol.queries=valid (not all), so it is not the one asked for." in finished.stderr


@pytest.mark.parametrize("is_torn", [False, True])
def test_a_record_of_other_settings_or_torn_is_told(is_torn, finished_run, drawn_pair, tmp_path, dien):
    record = tmp_path / "record.json"
    content = (finished_run / "results.json").read_text()
    record.write_text(content[:99] if is_torn else content)
    arguments = (*TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}", f"record={record}")
    said = dien("train", *arguments, "optim.weight_decay=0").refusal()
    words = "is torn" if is_torn else "is of a run with optim.weight_decay=0.0005 (not 0), so"
    assert f"error: {record} {words}" in said
    if not is_torn:
        assert dien("train", *arguments).code == 0
    assert not (tmp_path / "run" / "config.yaml").exists()


def test_a_record_of_other_images_of_the_same_name_is_told(finished_run, drawn_pair, tmp_path, dien):
    record, content = tmp_path / "record.json", json.loads((finished_run / "results.json").read_text())
    arguments = (*TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}", f"record={record}")
    target = content["fingerprints"]["target"]
    for changed, words in (
        ({"images": 7}, f"7 images of its target (not {target['images']})"),
        ({"files": "x"}, "other names or identities of its target's images, "),
    ):
        record.write_text(json.dumps({**content, "fingerprints": {"target": {**target, **changed}}}))
        said = dien("train", *arguments).refusal()
        assert f"error: {record} is of a run with {words}" in said
        assert "so it is not the one asked for. Choose another record, or delete it." in said
    assert not (tmp_path / "run" / "config.yaml").exists()


def test_the_seconds_of_a_resumed_run_go_on_from_its_checkpoint(finished_run, drawn_pair, tmp_path):
    whole = json.loads((finished_run / "results.json").read_text())["seconds"]
    shutil.copytree(finished_run, tmp_path / "run")
    checkpoint = tmp_path / "run" / "checkpoints" / "last.ckpt"
    saved = torch.load(checkpoint, weights_only=True)
    trained = saved["callbacks"]["RunningTime"]["seconds"]
    assert 0 < trained < whole
    saved["callbacks"]["RunningTime"]["seconds"] = 1e6
    torch.save(saved, checkpoint)
    run_command("train", *TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}", "resume=true")
    assert 1e6 < json.loads((tmp_path / "run" / "results.json").read_text())["seconds"] < 1e6 + 600


def test_without_our_checkpoints_there_are_none_of_lightnings(drawn_pair, tmp_path, dien):
    arguments = (*TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}", "callbacks.checkpoint=null")
    dien("train", *arguments).done()
    assert not list((tmp_path / "run").rglob("*.ckpt"))
    mode = (tmp_path / "run" / "network.safetensors").stat().st_mode
    assert mode == (tmp_path / "run" / "results.json").stat().st_mode


def test_a_run_that_stopped_before_its_first_checkpoint_begins_anew(finished_run, drawn_pair, tmp_path, dien):
    for name in ("config.yaml", "metrics.csv"):
        shutil.copy(finished_run / name, tmp_path)
    arguments = (*TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path}", "resume=true")
    dien("train", *arguments).done()
    assert (tmp_path / "metrics.csv").read_bytes() == (finished_run / "metrics.csv").read_bytes()
