"""Benchmarks without what they need end in one sentence."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("name", ["runtimes", "precisions", "calibration", "roboflow", "cluster_settings"])
def test_a_network_has_to_be_given(name, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr("sys.argv", [f"benchmarks/{name}.py"])
    with pytest.raises(
        SystemExit, match=rf"^error: checkpoint=\.\.\. .*is missing; the first lines of benchmarks/{name}.py"
    ):
        runpy.run_path(str(BENCHMARKS / f"{name}.py"), run_name="__main__")


def test_a_word_that_is_none_is_named(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr("sys.argv", ["benchmarks/runtimes.py", "checkpont=x"])
    with pytest.raises(SystemExit, match=r"^error: checkpont is no option here; there are checkpoint, data, "):
        runpy.run_path(str(BENCHMARKS / "runtimes.py"), run_name="__main__")
