"""The mistakes that users of re-identification code report most, each made as a user makes it.

Each ends with exit code 1 and one sentence that names cause and remedy, before a minute is spent: no traceback, and no
run folder that the next attempt would trip over. What only a long training shows (losses that are stuck or not finite)
is tested with callbacks/, what only a second process shows with test_processes_agree.py.
"""

from __future__ import annotations

import pytest
import torch

from library.data.folders import write_image, write_market
from proofs.tiny import SMALL

TINY = (
    *SMALL,
    "network.attention_loops=0",
    "data.source=market1501",
    "data.target=market1501",
    "data.num_workers=0",
    "data.steps_per_epoch=2",
    "trainer.max_epochs=1",
    "optim.schedule=milestones",
    "callbacks.progress=null",
)


@pytest.fixture(scope="module")
def root(module_folder):
    """A good set, and others that are wrong in what they are called after."""
    for name in ("good", "strangers", "part_missing", "strange_name", "torn"):
        write_market(module_folder / name)
    write_market(module_folder / "one_camera", cameras=1)
    for path in (module_folder / "strangers" / "query").iterdir():
        path.rename(path.with_name(f"9{path.name}"))
    (module_folder / "part_missing" / "query").rename(module_folder / "part_missing" / "queries")
    write_image(module_folder / "strange_name" / "bounding_box_train" / "holiday.jpg")
    for path in (module_folder / "torn" / "bounding_box_train").glob("*.jpg"):
        path.write_bytes(path.read_bytes()[:50])
    write_image(module_folder / "crops" / "c1_1.jpg")
    (module_folder / "crops.csv").write_text("path\ncrops/c1_1.jpg\n")
    return module_folder


@pytest.fixture
def train(root, tmp_path, dien):
    """Train on the good set but for these changes."""
    folders = (f"data.source_root={root}/good", f"data.target_root={root}/good", f"run_dir={tmp_path}/run")
    return lambda *changes: dien("train", *TINY, *folders, *changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            "data.target_root={root}/one_camera",
            [
                "{root}/one_camera (market1501): No query has a match in the gallery: there is only one camera",
                "camera 1: 3 query, 5 gallery images",
                "evaluate without the same-camera rule: data.cameras=none",
            ],
        ),
        (
            "data.target_root={root}/strangers",
            [
                "none of the 3 query identities is among the 4 gallery identities (strangers)",
                "Check that query and gallery come from the same split",
            ],
        ),
        (
            "data.source=folder data.source_root={root}/crops",
            ["{root}/crops/c1_1.jpg lies in no identity's folder", "one sub-folder per identity, such as"],
        ),
        (
            "data.source=csv data.source_root={root}/crops.csv",
            ["has no labelled training image, so it cannot be a source"],
        ),
        (
            "data.target=folder data.target_root={root}/crops data.target_camera_pattern='cam(\\d)'",
            ["finds no camera in {root}/crops/c1_1.jpg; its group must match the camera's name"],
        ),
        (
            "data.target=dukemtmcreid data.target_root={root}/duke",
            [
                "{root}/duke does not exist; dukemtmcreid (DukeMTMC-reID) was looked for there.",
                "was withdrawn by its authors in 2019",
            ],
        ),
        (
            "data.source_root={root}/part_missing",
            ["query/ missing", "Name the folder that holds them (data.source_root or data.target_root)."],
        ),
        (
            "data.source_root={root}/strange_name",
            ["holiday.jpg cannot be read as identity and camera", "rename or remove what does not belong here"],
        ),
        ("data.source_root={root}/torn", ["cannot be read as an image", "data.on_error=skip"]),
    ],
)
def test_a_mistake_in_the_data_ends_in_one_sentence(changes, told, train, root, tmp_path):
    sentence = train(*changes.format(root=root).split()).refusal()
    for words in told:
        assert words.format(root=root) in sentence
    assert (tmp_path / "run" / "config.yaml").exists() is ("torn" in changes)  # such are met as training reads them


def test_a_source_that_changed_since_the_run_began(train, tmp_path):
    write_market(tmp_path / "own")
    own = (f"data.source_root={tmp_path}/own", f"data.target_root={tmp_path}/own")
    assert train(*own).code == 0
    files = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    for path in (tmp_path / "own" / "bounding_box_train").glob("0001_*"):
        path.rename(path.with_name(f"0099{path.name[4:]}"))  # the first of the classes becomes the last
    sentence = train(*own, "resume=true", "trainer.max_epochs=2").refusal()
    assert (
        "the source differs from the one that this training began with: identity 0 was that of 0001_c1s1_" in sentence
    )
    assert "Put it back as it was, or start anew." in sentence
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == files


def test_imagenets_weights_are_not_taken_for_a_trained_network(root, tmp_path, dien):
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "resnet50.pth")
    arguments = ("data.target=market1501", f"data.target_root={root}/good", f"output={tmp_path}/out", "accelerator=cpu")
    sentence = dien("evaluate", f"checkpoint={tmp_path}/resnet50.pth", *arguments).refusal()
    assert "cannot be read as a DIEN network (it names no DIEN arguments)" in sentence
    assert "give a checkpoint that this library wrote" in sentence
