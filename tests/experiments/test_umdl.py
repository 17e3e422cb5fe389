"""dien umdl as a user calls it: figures, resuming, what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageOps

from commands import run_command
from dien_lightning.data.images import read_picture
from dien_lightning.experiments.umdl import Features, centered
from dien_lightning.rivals.umdl import UMDL, Images, StripFeatures

FAST = (
    *("data.num_workers=0", "data.image_size=[64,40]", "data.num_ids=4", "features.width=12", "threads=1"),
    *("learning.num_shared=6", "learning.num_own=4", "learning.num_residual=3", "learning.iterations=2"),
)


@pytest.fixture(scope="module")
def finished_run(drawn_pair, module_folder):
    strips = f"strips={module_folder / 'strips'}"
    run_command("umdl", *FAST, f"data_root={drawn_pair}", f"run_dir={module_folder / 'run'}", strips)
    return module_folder / "run"


def results_of(folder):
    return json.loads((folder / "results.json").read_text())


def test_writes_figures_protocol_cost_and_what_repeats_them(finished_run):
    results = results_of(finished_run)
    assert 0 <= results["target"]["rank1"] <= results["target"]["rank5"] <= results["target"]["rank10"] <= 1
    assert results["protocol"]["num_queries"] == 8
    assert (results["row"], results["direction"], results["seed"]) == ("umdl", "day2night", 0)
    assert results["seconds"] > 0
    assert results["peak_memory"] > 2**20
    assert results["threads"] == 1
    assert results["settings"]["learning"]["num_shared"] == 6
    assert results["command"].startswith("dien umdl ")
    assert len(json.loads((finished_run / "rankings.json").read_text())["queries"]) == 8


def test_a_finished_run_is_not_run_again_and_its_record_is_kept(finished_run, drawn_pair, dien, tmp_path):
    before = (finished_run / "results.json").read_bytes()
    record = tmp_path / "umdl_day2night_0.json"
    arguments = (*FAST, f"data_root={drawn_pair}", f"run_dir={finished_run}", f"record={record}")
    assert "is there: this run is done and not run again" in dien("umdl", *arguments).done().stdout
    assert (finished_run / "results.json").read_bytes() == before
    assert json.loads(record.read_text()) == json.loads(before)
    said = dien("umdl", *arguments, "learning.neighbors=2").refusal()
    assert "is of a run with learning.neighbors=1 (not 2), so it is not the one asked for" in said
    results = json.loads(before)
    results["fingerprints"]["target"]["images"] += 1
    record.write_text(json.dumps(results))
    assert f"{record} is of a run with 41 images of its target (not 40), so it is" in dien("umdl", *arguments).refusal()


@pytest.mark.parametrize("broken_at", [3, 5])
def test_a_broken_run_goes_on_to_the_same_figures(broken_at, finished_run, drawn_pair, tmp_path, dien, monkeypatch):
    arguments = (*FAST, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}", f"strips={tmp_path / 'strips'}")
    learn, yielded = UMDL.learn, []

    def breaking(self, *given):
        for step in learn(self, *given):
            yielded.append(step.iterations)
            if len(yielded) == broken_at:
                raise KeyboardInterrupt
            yield step

    monkeypatch.setattr(UMDL, "learn", breaking)
    finished = dien("umdl", *arguments)
    assert finished.code == 130
    assert "the same command goes on" in finished.stderr
    assert not (tmp_path / "run" / "results.json").exists()
    assert "is of a run with learning.rounds=3 (not 2)" in dien("umdl", *arguments, "learning.rounds=2").refusal()
    dien("umdl", *arguments).done()
    assert yielded == [*range(1, broken_at + 1), *range(broken_at, 7)]  # the one that was broken off comes again
    assert results_of(tmp_path / "run")["target"] == results_of(finished_run)["target"]
    (features,) = (tmp_path / "strips").glob("*/cost.json")
    spent = [json.loads(path.read_text())["seconds"] for path in (features, tmp_path / "run" / "cost.json")]
    assert sum(spent) == pytest.approx(results_of(tmp_path / "run")["seconds"])


def test_the_features_alone_are_a_row_of_their_own(finished_run, drawn_pair, tmp_path, dien, monkeypatch):
    strips = finished_run.with_name("strips")
    arguments = ("learning=null", *FAST[:5], f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}")
    arguments += (f"strips={strips}", "seed=4")
    monkeypatch.setattr(StripFeatures, "read", None)  # they are there
    dien("umdl", *arguments).done()
    results = results_of(tmp_path / "run")
    assert results["row"] == "umdl_features"
    assert results["settings"].keys() == {"data", "features"}
    assert not (tmp_path / "run" / "dictionaries.npz").exists()
    (features,) = strips.glob("*/cost.json")
    assert results["seconds"] > json.loads(features.read_text())["seconds"] > 0


def test_features_are_taken_from_there_for_the_same_images_alone(finished_run, drawn_pair, tmp_path, dien):
    shutil.copytree(finished_run.with_name("strips"), tmp_path / "strips")
    arguments = ("learning=null", *FAST[:5], f"strips={tmp_path / 'strips'}")
    for name in ("moved", "other"):  # the same names in both
        shutil.copytree(drawn_pair, tmp_path / name)
    for image in (tmp_path / "other").rglob("*.jpg"):
        ImageOps.invert(read_picture(str(image))).save(image)
    for name, computed in (("moved", 1), ("other", 2)):
        given = (*arguments, f"data_root={tmp_path / name}", f"run_dir={tmp_path / 'runs' / name}")
        dien("umdl", *given).done()
        assert len(list((tmp_path / "strips").glob("*/features_*.npz"))) == computed


def test_each_camera_less_its_mean_is_another(finished_run, drawn_pair, tmp_path, dien, capfd):
    arguments = ("learning=null", "center=true", *FAST[:5], f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}")
    dien("umdl", *arguments, f"strips={finished_run.with_name('strips')}").done()
    results = results_of(tmp_path / "run")
    assert (results["row"], results["settings"]["center"]) == ("umdl_centered", True)
    training = Images(np.array([[1.0], [3.0], [10.0]]), camids=[0, 0, 1])
    evaluated = Images(np.array([[5.0], [5.0], [5.0]]), camids=[0, 1, 2])
    features = Features(training, training, evaluated, [0, 1, 2], "", {})
    assert centered(features).tolist() == [[3.0], [-5.0], [5.0]]
    assert capfd.readouterr().out == "camera=2 has no training image: its images stay as they are.\n"


def test_each_job_of_a_sweep_has_a_folder_below_the_runs(finished_run, drawn_pair, tmp_path, dien, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("-m", "seed=0,1", "learning=null", *FAST[:5], f"data_root={drawn_pair}", "run_dir=runs")
    dien("umdl", *arguments, f"strips={finished_run.with_name('strips')}").done()
    found = (tmp_path / "runs").glob("*/results.json")
    assert sorted(results_of(path.parent)["seed"] for path in found) == [0, 1]
    assert not (tmp_path / "multirun").exists()


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["learning.iteration=3"], "learning.iteration is no key; did you mean learning.iterations?"),
        (["+learning.sparse=1"], "learning has no 'sparse'; it has num_shared, num_own"),
        (["seed=-1"], "seed=-1 must be a whole number of at least 0; all that is random follows from it"),
        (["seed=4294967296"], "seed=4294967296 is too large for NumPy; choose one below 4294967296."),
        (["data.target=folder", "data.target_root={crops}"], "has no labelled query and gallery to rank"),
        (["record=/dev/null/x/y.json"], "record=/dev/null/x/y.json cannot be written to (Not a directory); give write"),
        (["record=/dev"], "record=/dev is a folder; name a file in it."),
        (["center=true"], "center=true is of learning=null: dictionaries find the cameras themselves"),
        (["center=yes"], "center='yes' must be true or false"),
        (["strips=2026"], "strips=2026 is no text; quote a name that reads as a number"),
        (["data.source=null"], "data.source=null has nothing to learn from; name a labelled set"),
    ],
)
def test_bad_input_ends_in_one_sentence(overrides, words, drawn_pair, tmp_path, dien, monkeypatch):
    crops = drawn_pair / "pedestrians_night" / "bounding_box_train"
    monkeypatch.chdir(tmp_path)
    chosen = [word.format(crops=crops) for word in overrides]
    assert words in dien("umdl", *FAST, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'a'}", *chosen).refusal()
    assert not (tmp_path / "a" / "results.json").exists()


def test_a_target_without_training_images_is_refused(drawn_pair, tmp_path, dien):
    shutil.copytree(drawn_pair, tmp_path / "data")
    for image in (tmp_path / "data" / "pedestrians_night" / "bounding_box_train").iterdir():
        image.unlink()
    given = ("learning=null", "center=true", *FAST[:5], f"data_root={tmp_path / 'data'}", f"run_dir={tmp_path / 'run'}")
    said = dien("umdl", *given).refusal()
    night = tmp_path / "data" / "pedestrians_night"
    assert f"error: {night} has no training images to learn from or center by; name a set that has." in said


def test_unreadable_images_end_the_run_or_are_left_out(drawn_pair, tmp_path, dien):
    root = tmp_path / "data"
    shutil.copytree(drawn_pair, root)
    parts = ("pedestrians_day/bounding_box_train", "pedestrians_night/query", "pedestrians_night/bounding_box_test")
    torn = [sorted((root / part).iterdir())[0] for part in parts]
    for image in torn:
        image.write_bytes(image.read_bytes()[:100])
    arguments = (*FAST, "learning=null", "center=true", f"data_root={root}", f"strips={tmp_path / 'strips'}")
    assert torn[0].name in dien("umdl", *arguments, f"run_dir={tmp_path / 'stopped'}").refusal()
    assert not (tmp_path / "stopped" / "results.json").exists()
    with pytest.warns(UserWarning, match=f"3 unreadable images were skipped, the first is .*{torn[0].name}"):
        finished = dien("umdl", *arguments, f"run_dir={tmp_path / 'run'}", "data.on_error=skip")
    assert finished.code == 0, finished.stderr
    results = results_of(tmp_path / "run")
    assert results["settings"]["data"]["on_error"] == "skip"
    assert results["protocol"]["num_queries"] == 7  # of 8
    shown = json.loads((tmp_path / "run" / "rankings.json").read_text())["queries"]
    paths = {image["path"] for query in shown for image in (query, *query["gallery"])}
    assert paths.isdisjoint(map(str, torn))
    assert {Path(query["path"]).parent.name for query in shown} == {"query"}


def test_a_folder_of_a_training_is_left_alone(drawn_pair, tmp_path, dien):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("seed: 0\ndata: {cameras: required}\nprotocol: {}\n")
    said = dien("umdl", *FAST, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}").refusal()
    assert f"run_dir={tmp_path / 'run'} is of a run with " in said
    assert (tmp_path / "run" / "config.yaml").read_text().startswith("seed: 0\ndata: {cam")
