"""Names pair with folders, several sets become one, drawn sets are drawn where they are missing."""

from __future__ import annotations

from functools import wraps

import pytest

from dien_lightning import pedestrians
from dien_lightning.data.domain import DomainSets
from dien_lightning.data.records import count_identities
from dien_lightning.types import UNLABELED
from library.data.folders import write_image, write_market


def test_several_sets_keep_identities_and_cameras_apart(tmp_path):
    write_market(tmp_path / "market1501")
    write_market(tmp_path / "msmt17", cameras=3)
    domain = DomainSets("source", tmp_path, ["market1501", "msmt17"])
    splits = domain.read(labeled=True)
    assert splits.name == "market1501+msmt17"
    assert count_identities(splits.train) == 12
    assert len({record.camid for record in splits.train}) == 5
    assert len(splits.query) == 3 * 2 + 3 * 3
    assert {r.pid for r in domain.read(labeled=False).train} == {UNLABELED}


def test_a_folder_beside_a_catalogue_set(tmp_path):
    write_market(tmp_path / "market1501")
    write_image(tmp_path / "crops" / "cam9" / "1.jpg")
    roots = [str(tmp_path / "market1501"), str(tmp_path / "crops")]
    domain = DomainSets("target", "data", ["market1501", "folder"], roots, camera_pattern=r"cam(\d)")
    assert len(domain.read(labeled=False).train) == 25


def test_missing_drawn_sets_are_drawn_and_others_left(tmp_path, monkeypatch):
    drawn = []

    @wraps(pedestrians.draw_pedestrians)
    def draw(root, domain, **given):
        drawn.append((root, domain, given))

    monkeypatch.setattr(pedestrians, "draw_pedestrians", draw)
    write_market(tmp_path / "pedestrians_day")
    domain = DomainSets("source", tmp_path, ["pedestrians_day", "pedestrians_night"])
    domain.draw_missing(None)
    assert drawn == [(tmp_path / "pedestrians_night", "night", {})]
    drawn.clear()
    domain.draw_missing({"num_train_ids": 4})
    assert [(domain, given) for _, domain, given in drawn] == [
        ("day", {"num_train_ids": 4}),
        ("night", {"num_train_ids": 4}),
    ]
    with pytest.raises(ValueError, match=r"drawing has no 'num_ids'; it has num_train_ids, "):
        domain.draw_missing({"num_ids": 4})


@pytest.mark.parametrize(
    ("names", "roots", "pattern", "words"),
    [
        ("market", None, None, r"Unknown data set 'market'"),
        (["market1501", "msmt17"], "data", None, r"source names 2 data sets and source_root 1 folders; pair them"),
        ([], None, None, r"source=\[\] names no data set"),
        ("folder", None, None, r"source='folder' needs source_root: a folder of images"),
        ("market1501", None, "cam", r"source_pid_pattern='cam' is for source='folder'; others name their identities"),
    ],
)
def test_names_and_folders_that_do_not_pair(names, roots, pattern, words):
    with pytest.raises(ValueError, match=words):
        DomainSets("source", "data", names, roots, pid_pattern=pattern)
