"""The mistakes that users of re-identification code report most, each made as a user makes it.

Each ends with exit code 1 and one sentence that names cause and remedy, before a minute is spent: no traceback, and no
run folder that the next attempt would trip over. What only a long training shows (losses that are stuck or not finite)
is tested with callbacks/, what only a second process shows with test_processes_agree.py.
"""

from __future__ import annotations

import pytest
import torch

from commands import call
from library.data.folders import write_image, write_market

SMALL = (
    "experiment=demo",
    "network.embedding_dim=16",
    "network.attention_loops=0",
    "data.source=market1501",
    "data.target=market1501",
    "data.image_size=[64,32]",
    "data.num_ids=3",
    "data.num_instances=2",
    "data.target_batch_size=4",
    "data.num_workers=0",
    "data.steps_per_epoch=4",
    "trainer.max_epochs=1",
    "trainer.accelerator=cpu",
    "trainer.precision=32-true",
    "trainer.enable_progress_bar=false",
    "callbacks.progress=null",
)


@pytest.fixture
def root(tmp_path):
    write_market(tmp_path / "good")
    return tmp_path


@pytest.fixture
def refuse(root, capfd, monkeypatch):
    """Train; give the one sentence that says why not."""

    def run(*changes: str) -> str:
        folders = (f"data.source_root={root}/good", f"data.target_root={root}/good", f"run_dir={root}/run")
        return call(capfd, monkeypatch, "train", *SMALL, *folders, *changes).refusal()

    return run


def test_one_camera(refuse, root):
    write_market(root / "bad", cameras=1)
    sentence = refuse(f"data.target_root={root}/bad")
    assert f"{root}/bad (market1501): No query has a match in the gallery: there is only one camera" in sentence
    assert "camera 1: 3 query, 5 gallery images" in sentence
    assert "evaluate without the same-camera rule: data.cameras=none" in sentence
    assert not (root / "run" / "config.yaml").exists()


def test_queries_and_gallery_of_different_people(refuse, root):
    write_market(root / "bad")
    for path in (root / "bad" / "query").iterdir():
        path.rename(path.with_name(f"9{path.name}"))
    sentence = refuse(f"data.target_root={root}/bad")
    assert "none of the 3 query identities is among the 4 gallery identities (strangers)" in sentence
    assert "Check that query and gallery come from the same split" in sentence


def test_crops_without_labels_as_a_source(refuse, root):
    write_image(root / "crops" / "1.jpg")
    sentence = refuse("data.source=folder", f"data.source_root={root}/crops")
    assert f"{root}/crops/1.jpg lies in no identity's folder" in sentence
    assert "one sub-folder per identity, such as" in sentence


def test_a_table_without_labels_as_a_source(refuse, root):
    write_image(root / "1.jpg")
    (root / "crops.csv").write_text("path\n1.jpg\n")
    sentence = refuse("data.source=csv", f"data.source_root={root}/crops.csv")
    assert "has no labelled training image, so it cannot be a source" in sentence


def test_a_camera_pattern_that_finds_no_camera(refuse, root):
    write_image(root / "crops" / "c1_1.jpg")
    pattern = "data.target_camera_pattern='cam(\\d)'"
    sentence = refuse("data.target=folder", f"data.target_root={root}/crops", pattern)
    assert f"finds no camera in {root}/crops/c1_1.jpg; its group must match the camera's name" in sentence


def test_a_set_that_is_not_there(refuse, root):
    sentence = refuse("data.target=dukemtmcreid", f"data.target_root={root}/duke")
    assert f"{root}/duke does not exist; dukemtmcreid (DukeMTMC-reID) was looked for there." in sentence
    assert "was withdrawn by its authors in 2019" in sentence


def test_a_set_with_a_part_missing(refuse, root):
    write_market(root / "bad")
    (root / "bad" / "query").rename(root / "bad" / "queries")
    sentence = refuse(f"data.source_root={root}/bad")
    assert "query/ missing" in sentence
    assert "Name the folder that holds them (data.source_root or data.target_root)." in sentence


def test_names_that_do_not_parse(refuse, root):
    write_market(root / "bad")
    write_image(root / "bad" / "bounding_box_train" / "holiday.jpg")
    sentence = refuse(f"data.source_root={root}/bad")
    assert "holiday.jpg cannot be read as identity and camera" in sentence
    assert "rename or remove what does not belong here" in sentence


def test_an_image_that_cannot_be_read(refuse, root):
    write_market(root / "bad")
    for path in (root / "bad" / "bounding_box_train").glob("*.jpg"):
        path.write_bytes(path.read_bytes()[:50])
    sentence = refuse(f"data.source_root={root}/bad")
    assert "cannot be read as an image" in sentence
    assert "data.on_error=skip" in sentence


def test_a_source_that_changed_since_the_run_began(refuse, root, capfd, monkeypatch):
    how = ("data.steps_per_epoch=2", "optim.schedule=milestones")
    folders = (f"data.source_root={root}/good", f"data.target_root={root}/good", f"run_dir={root}/run")
    assert call(capfd, monkeypatch, "train", *SMALL, *folders, *how).code == 0
    files = {path: path.read_bytes() for path in (root / "run").rglob("*") if path.is_file()}
    for path in (root / "good" / "bounding_box_train").glob("0001_*"):
        path.rename(path.with_name(f"0099{path.name[4:]}"))  # the first of the classes becomes the last
    sentence = refuse(*how, "resume=true", "trainer.max_epochs=2")
    assert (
        "the source differs from the one that this training began with: identity 0 was that of 0001_c1s1_" in sentence
    )
    assert "Put it back as it was, or start anew." in sentence
    assert {path: path.read_bytes() for path in (root / "run").rglob("*") if path.is_file()} == files


def test_imagenets_weights_are_not_taken_for_a_trained_network(root, capfd, monkeypatch):
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, root / "resnet50.pth")
    arguments = ("data.target=market1501", f"data.target_root={root}/good", f"output={root}/out", "accelerator=cpu")
    sentence = call(capfd, monkeypatch, "evaluate", f"checkpoint={root}/resnet50.pth", *arguments).refusal()
    assert "cannot be read as a DIEN network (it names no DIEN arguments)" in sentence
    assert "give a checkpoint that this library wrote" in sentence
