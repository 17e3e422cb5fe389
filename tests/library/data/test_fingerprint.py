from __future__ import annotations

import pytest

from dien_lightning.data.fingerprint import fingerprint, what_changed
from dien_lightning.data.records import Record

PEOPLE = [Record(f"/sets/own/p{pid}/{shot}.jpg", pid, 0) for pid in range(3) for shot in range(2)]


def test_a_moved_folder_and_other_cameras_change_nothing():
    moved = [record._replace(path=record.path.replace("/sets/own", "elsewhere"), camid=4) for record in PEOPLE]
    assert what_changed(fingerprint(PEOPLE), fingerprint(moved)) == ""


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (PEOPLE[:5], "6 images, 3 identities then; 5 and 3 now"),
        (PEOPLE[:4], "6 images, 3 identities then; 4 and 2 now"),
        (
            [record._replace(pid=(record.pid + 1) % 3) for record in PEOPLE],
            "identity 0 was that of p0/0.jpg and is that of p2/0.jpg",
        ),
        ([*PEOPLE[:5], PEOPLE[5]._replace(path="/sets/own/p2/9.jpg")], "other files, or another order or identity"),
        ([PEOPLE[0], *PEOPLE[2:], PEOPLE[1]], "other files, or another order or identity of theirs"),
    ],
)
def test_what_changed_is_said(records, words):
    assert what_changed(fingerprint(PEOPLE), fingerprint(records)).startswith(words)
