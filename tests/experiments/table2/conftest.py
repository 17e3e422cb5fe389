"""`dien table name=table2` as the tests here call it."""

from __future__ import annotations

import pytest


@pytest.fixture
def table(commands, dien):
    """Run `dien table name=table2` for one pair and two seeds, with these words after."""
    return lambda *more: dien("table", "name=table2", "data=day2night", "seeds=0,1", *more)
