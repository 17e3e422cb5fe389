"""The lines of docs/python.md that search, as they stand there."""

from __future__ import annotations

from typing import Any

import pytest

from dien_lightning.network import save_network
from dien_lightning.search.answers import find, open_gallery
from library.data.folders import write_image
from library.network.networks import small
from library.test_package import lines_of_python


@pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")
def test_the_documented_lines_of_python_search(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_network(small(0), "network.safetensors")
    for number in range(4):
        write_image(tmp_path / "crops" / f"cam{number % 2}" / f"{number:04d}.jpg", seed=number)
    names: dict[str, Any] = {}
    exec(lines_of_python("docs/python.md")[3], names)
    assert "\n[Hit(number=" in capsys.readouterr().out
    expected = find(names["file"], names["questions"])
    assert [len(hits) for hits in expected] == [3]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    for place in ("crops.parquet", "store"):
        assert find(open_gallery(tmp_path / place), names["questions"]) == expected
