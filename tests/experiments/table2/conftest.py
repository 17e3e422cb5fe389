"""`dien table name=table2` as the tests here call it."""

from __future__ import annotations

import pytest

from commands import call


@pytest.fixture
def table(commands, capfd, monkeypatch):
    """Run `dien table name=table2` for one pair and two seeds, with these words after."""
    return lambda *more: call(capfd, monkeypatch, "table", "name=table2", "data=day2night", "seeds=0,1", *more)
