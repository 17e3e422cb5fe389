"""dien translate as a user calls it: what it leaves, how it goes on, what is trained on it, how bad input ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from commands import run_command
from dien_lightning.data.images import read_picture
from dien_lightning.data.reading import read_dataset
from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.contact_sheet import nearest_in_brightness
from library.data.folders import write_image
from proofs.tiny import SMALL

TINY = (
    "data=day2night",
    "data.image_size=[64,32]",
    "data.num_ids=2",
    "data.num_workers=0",
    "data.steps_per_epoch=2",
    "spgan.width=4",
    "spgan.num_blocks=1",
    "spgan.pool_size=3",
    "trainer.max_epochs=2",
    "trainer.accelerator=cpu",
    "trainer.enable_progress_bar=false",
)


@pytest.fixture(scope="module")
def translation(drawn_pair, module_folder) -> Path:
    """A finished translation that every test may read."""
    run_dir = module_folder / "translation_day2night_0"
    run_command("translate", *TINY, f"data_root={drawn_pair}", f"run_dir={run_dir}")
    return run_dir


def test_it_leaves_the_set_a_sheet_and_what_it_took(translation, drawn_pair):
    plain = read_dataset("pedestrians_day", drawn_pair / "pedestrians_day")
    again = read_dataset("pedestrians_day", translation / "images")
    for split in ("train", "query", "gallery"):
        pairs = list(zip(getattr(plain, split), getattr(again, split), strict=True))
        assert all(Path(own.path).name == Path(copy.path).name for own, copy in pairs)
        equal = [Path(own.path).read_bytes() == Path(copy.path).read_bytes() for own, copy in pairs]
        assert any(equal) is all(equal) is (split != "train")
    assert not (translation / "images" / "pedestrians.json").exists()
    assert read_picture(str(translation / "translated.jpg")).size == (96 + 12 * 100, 3 * 196)
    record = json.loads((translation / "translation.json").read_text())
    assert (record["steps"], record["images"], record["seed"], record["direction"]) == (4, 24, 0, "day2night")
    assert record["seconds"] > 0
    assert record["peak_memory"] > 1e7
    assert {"gan", "cycle", "identity", "similarity", "total", "discriminator", "siamese"} == record["losses"].keys()
    assert record["settings"]["spgan"]["width"] == 4
    assert torch.__version__.startswith(record["versions"]["torch"])
    assert f"run_dir={translation}" in record["command"]
    names = {path.name for path in translation.iterdir()} - {".lock"}
    assert names == {"images", "translated.jpg", "translation.json", "metrics.csv", "checkpoints", "config.yaml"}


def test_a_killed_one_goes_on_to_the_same_images_and_a_finished_one_stays(
    translation, drawn_pair, tmp_path, dien, caplog, monkeypatch
):
    given = (*TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}", "resume=true")
    monkeypatch.setattr("dien_lightning.rivals.spgan.images.write_picture", lambda *_: exec("raise KeyboardInterrupt"))
    killed = dien("translate", *given)
    assert killed.code == 130
    assert "interrupted; what was written stays, resume=true goes on." in killed.stderr
    assert not (tmp_path / "run" / "images").exists()
    monkeypatch.undo()
    assert dien("translate", *given).code == 0
    for one, other in zip(images_of(translation), images_of(tmp_path / "run"), strict=True):
        assert one.read_bytes() == other.read_bytes()
    before = (tmp_path / "run" / "translation.json").read_bytes()
    assert dien("translate", *given).code == 0
    assert "translation.json is there: this translation is done and not made again." in caplog.text
    assert (tmp_path / "run" / "translation.json").read_bytes() == before


def test_a_batch_may_be_one_image_as_the_papers_are(drawn_pair, tmp_path, dien):
    given = (*TINY, "data.num_ids=1", f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}")
    dien("translate", *given).done()
    assert json.loads((tmp_path / "run" / "translation.json").read_text())["steps"] == 4


def images_of(run_dir: Path) -> list[Path]:
    return sorted((run_dir / "images").rglob("*.jpg"))


@pytest.mark.parametrize("row", ["spgan", "spgan_lmp"])
def test_base_trains_on_it(row, translation, drawn_pair, tmp_path, dien):
    small = [*SMALL[1:], "experiment=table2", f"translations={translation.parent}", f"ablation={row}", "data=day2night"]
    small += ["data.num_workers=0", "data.steps_per_epoch=1", "trainer.max_epochs=1", "network.attention_loops=0"]
    given = (*small, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}")
    dien("train", *given).done()
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert (results["row"], results["protocol"]["statistics"]["target"]) == (row, "source")
    assert {"rank1", "mAP"} <= results["target_with_target_statistics"].keys()
    assert results["settings"]["data"]["source_root"] == f"{translation}/images"
    assert results["settings"]["network"]["pooling"] == ("local_max" if row == "spgan_lmp" else "average_and_max")


def test_nothing_is_drawn_in_place_of_a_translation(drawn_pair, tmp_path, dien):
    folder = tmp_path / "none"
    given = (*SMALL, "ablation=spgan", f"translation={folder}", f"data_root={drawn_pair}")
    said = dien("train", *given, f"run_dir={tmp_path / 'run'}").refusal()
    assert f"error: translation={folder} has no translation.json: make it by dien translate run_dir=" in said
    assert not folder.exists()


def test_a_row_is_trained_on_no_other_images_than_its_translations(translation, drawn_pair, tmp_path, dien):
    originals = f"data.source_root={drawn_pair / 'pedestrians_day'}"
    given = (*SMALL, "ablation=spgan", f"translation={translation}", f"data_root={drawn_pair}", originals)
    said = dien("train", *given, f"run_dir={tmp_path / 'run'}").refusal()
    assert f"error: {originals} is not {translation / 'images'}, which a run with translation={translation} is" in said


def test_the_table_finds_what_its_experiment_makes():
    config = compose_config(["experiment=table2", "data=day2night", "seed=3"], command="translate")
    assert config.run_dir == "outputs/table2/translation_day2night_3"
    for row in ("spgan", "spgan_lmp"):
        training = compose_config(["experiment=table2", "data=day2night", "seed=3", f"ablation={row}"])
        assert training.data.source_root == f"{config.run_dir}/images"
        assert training.translation == config.run_dir
        assert training.row == row


def test_an_experiments_training_changes_no_translation():
    alone = compose_config(["data=night2day"], command="translate")
    other = compose_config(["data=night2day", "experiment=table2"], command="translate")
    assert alone.spgan == other.spgan
    assert alone.data == other.data
    assert alone.trainer.max_epochs == other.trainer.max_epochs
    assert other.trainer.gradient_clip_val is None


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["data.image_size=[66,32]"], "error: image_size=66 x 32 must be multiples of 4, at least 32 x 16: generat"),
        (["data.target_batch_size=0"], "error: target_batch_size=0 (data.target_batch_size) leaves out the target"),
        (["trainer.max_epochs=0"], "error: trainer.max_epochs=0 must be a whole number of at least 1"),
        (["spgan.widht=8"], "error: spgan.widht is no key; did you mean spgan.width?"),
        (["data.source=[pedestrians_day,pedestrians_night]", "data.num_ids=2"], "is not one folder: translate one set"),
    ],
)
def test_bad_input_ends_in_a_sentence(overrides, words, drawn_pair, tmp_path, dien):
    said = dien("translate", *TINY, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}", *overrides).refusal()
    assert words in said
    assert not (tmp_path / "run" / "config.yaml").exists()


def test_a_source_without_training_images_is_refused(drawn_pair, tmp_path, dien):
    shutil.copytree(drawn_pair / "pedestrians_day", tmp_path / "day")
    for path in (tmp_path / "day" / "bounding_box_train").iterdir():
        path.unlink()
    given = (*TINY, f"data_root={drawn_pair}", f"data.source_root={tmp_path / 'day'}", f"run_dir={tmp_path / 'run'}")
    said = dien("translate", *given).refusal()
    assert "(pedestrians_day) has no labelled training image, so it cannot be a source." in said


def test_a_folder_that_holds_something_else_is_refused(translation, drawn_pair, tmp_path, dien):
    (tmp_path / "images").mkdir()
    write_image(tmp_path / "images" / "1.jpg")
    given = (*TINY, f"data_root={drawn_pair}")
    said = dien("translate", *given, f"run_dir={tmp_path}").refusal()
    assert f"error: run_dir={tmp_path} holds images of something else, which would be overwritten" in said
    finished = dien("translate", *given, f"run_dir={translation}")
    assert f"error: run_dir={translation} holds a run; add resume=true" in finished.stderr
    finished = dien("translate", *given, f"run_dir={translation}", "resume=true", "spgan.width=8")
    assert f"error: run_dir={translation} is of a run with spgan.width=4 (not 8), so it is not the" in finished.stderr


def test_unreadable_images_are_left_out_where_that_is_asked_for(drawn_pair, tmp_path, dien):
    broken = []
    for name in ("pedestrians_day", "pedestrians_night"):
        shutil.copytree(drawn_pair / name, tmp_path / name)
        broken.append(min((tmp_path / name / "bounding_box_train").iterdir()))
        broken[-1].write_bytes(b"no image")
    given = (*TINY, f"data_root={tmp_path}", f"run_dir={tmp_path / 'run'}", "trainer.log_every_n_steps=0")
    finished = dien("translate", *given, "data.on_error=skip").done()
    assert f"left out, for they cannot be read: 1: {broken[0]}" in finished.stderr
    record = json.loads((tmp_path / "run" / "translation.json").read_text())
    assert (record["images"], record["losses"]) == (23, {})  # no step was logged
    assert not (tmp_path / "run" / "images" / "bounding_box_train" / broken[0].name).exists()
    assert (tmp_path / "run" / "translated.jpg").is_file()


def test_the_brightest_alike_are_taken_once_while_they_last(tmp_path):
    for name, value in {"dark": 10, "mid": 100, "bright": 200, "a": 95, "b": 105, "c": 30}.items():
        Image.new("RGB", (4, 8), (value,) * 3).save(tmp_path / f"{name}.png")
    paths = {path.stem: str(path) for path in tmp_path.iterdir()}
    found = nearest_in_brightness([paths[n] for n in "abca"], [paths[n] for n in ("dark", "mid", "bright")])
    assert [Path(path).stem for path in found] == ["mid", "dark", "bright", "mid"]
    (tmp_path / "broken.png").touch()
    assert nearest_in_brightness([paths["a"]], [str(tmp_path / "broken.png"), paths["b"]]) == [paths["b"]]
