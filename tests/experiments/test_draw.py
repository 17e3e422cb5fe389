from __future__ import annotations

import subprocess
import sys

import pytest
from PIL import Image

from dien_lightning.experiments import draw

SMALL = ["num_train_ids=2", "num_test_ids=1", "num_cameras=2", "images_per_camera=2", "height=64", "width=32"]


def test_both_domains_and_a_contact_sheet(tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    draw.draw([f"root={tmp_path}", *SMALL, "workers=1", f"contact_sheet={sheet}", "sheet_images=3"])
    assert capsys.readouterr().out.split() == [
        str(tmp_path / "pedestrians_day"), str(tmp_path / "pedestrians_night"), str(sheet)
    ]  # fmt: skip
    with Image.open(sheet) as image:
        assert image.size == (3 * 32, 2 * 2 * 64)


def test_one_domain_in_a_folder_called_by_a_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw.draw(["root=0042", *SMALL, "workers=1", "domain=night"])
    assert [path.name for path in (tmp_path / "0042").iterdir()] == ["pedestrians_night"]


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("ids=3", "'ids' is not an option. There are root, domain"),
        ("seed=abc", "seed='abc' must be a whole number"),
        ("workers=many", "workers='many' must be a whole number"),
        ("sheet_ids=0", "sheet_ids=0 must be a whole number of at least 1"),
        ("contact_sheet=here", "contact_sheet=here is no image file; name it .png or .jpg"),
        ("domain=dusk", "domain='dusk' is not allowed"),
    ],
)
def test_wrong_arguments(tmp_path, argument, words):
    with pytest.raises(ValueError, match=words):
        draw.draw([f"root={tmp_path}", argument])
    assert not any(tmp_path.iterdir())


def test_an_error_is_one_line_on_stderr(tmp_path):
    command = [sys.executable, "-m", "dien_lightning", "draw", f"root={tmp_path}", "num_cameras=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: num_cameras=1 must be a whole number of at least 2")
    assert done.stderr.count("\n") == 1
