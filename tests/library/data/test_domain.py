"""Names pair with folders, several sets become one, drawn sets are drawn where they are missing."""

from __future__ import annotations

import itertools
from functools import wraps

import pytest

from dien_lightning import pedestrians
from dien_lightning.data.domain import SEARCHES, DomainSets
from dien_lightning.data.records import count_identities
from dien_lightning.retrieval.protocol import _CHOICES, Protocol
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


def test_a_copy_of_a_known_set_that_has_other_counts_than_its_authors_give_is_told(tmp_path):
    write_market(tmp_path / "market1501")
    notes = DomainSets("target", tmp_path, ["market1501"]).read(labeled=False).notes
    counts = ("750 identities and 3,368 images in query", "19,732 images in gallery")
    assert list(notes[-2:]) == [f"Market-1501's authors count {count}; this copy differs." for count in counts]


def test_a_folder_beside_a_catalogue_set(tmp_path):
    write_market(tmp_path / "market1501")
    write_image(tmp_path / "crops" / "cam9" / "1.jpg")
    roots = [str(tmp_path / "market1501"), str(tmp_path / "crops")]
    domain = DomainSets("target", "data", ["market1501", "folder"], roots, camera_pattern=r"cam(\d)")
    assert len(domain.read(labeled=False).train) == 25


def test_one_folder_joined_twice_is_refused_whatever_its_names(tmp_path):
    for person in ("ann", "bob"):
        write_image(tmp_path / "people" / person / "1.jpg")
    (tmp_path / "link").symlink_to(tmp_path / "people")
    roots = [tmp_path / name for name in ("people", "link")]
    words = r"people and .*link are to be joined, and both list .*people/ann/1\.jpg: .* Name each folder once\."
    with pytest.raises(ValueError, match=words):
        DomainSets("source", "data", ["folder", "folder"], roots).read(labeled=True)


def test_a_trial_is_of_the_sets_that_have_several(tmp_path):
    write_image(tmp_path / "crops" / "1.jpg")
    for kind in ("Visible", "Thermal"):
        write_image(tmp_path / "regdb" / kind / "1" / "1.bmp")
        for part, trial in itertools.product(("train", "test"), (1, 2)):
            listing = tmp_path / "regdb" / "idx" / f"{part}_{kind.lower()}_{trial}.txt"
            listing.parent.mkdir(exist_ok=True)
            listing.write_text(f"{kind}/1/1.bmp {trial}\n")
    roots = [str(tmp_path / "crops"), str(tmp_path / "regdb")]
    splits = DomainSets("target", "data", ["folder", "regdb"], roots, trial=2).read(labeled=False)
    assert (splits.trial, len(splits.train), len(splits.query)) == (2, 3, 1)
    with pytest.raises(
        ValueError, match=r"target_trial=2 names one of its authors' splits, and folder and duke.* none"
    ):
        DomainSets("target", "data", ["folder", "dukemtmcreid"], roots, trial=2)


def test_searches_are_those_of_the_protocol():
    assert [Protocol(search=search).search for search in SEARCHES] == list(_CHOICES["search"])


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
