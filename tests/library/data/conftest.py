"""What several files of tests of the data share."""

from __future__ import annotations

import pytest

from library.data.folders import write_market


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_market(folder / "market1501", train_ids=6)
    write_market(folder / "dukemtmcreid", train_ids=5, cameras=3)
    return folder
