"""metrics.csv, read: curves, rounds, the last losses."""

from __future__ import annotations

import pytest

from dien_lightning.experiments.metrics import last_losses, read_curves, read_rounds


def test_the_losses_are_the_last_epochs(tmp_path):
    rows = "".join(f"{step},{step}.5,7\n" for step in range(0, 50, 10))
    (tmp_path / "metrics.csv").write_text(f"step,train/loss_gan,epoch\n{rows}")
    assert last_losses(tmp_path, 30) == {"gan": 35.5}
    assert last_losses(tmp_path, 45) == {}
    (tmp_path / "metrics.csv").write_text("")
    assert last_losses(tmp_path, 0) == {}


def test_a_round_has_what_was_known_of_it(tmp_path):
    rows = "0,4,,2.5\n1,,,2.0\n2,3,0.75,1.5\n"
    (tmp_path / "metrics.csv").write_text(f"step,clusters/number,clusters/agreement,train/loss_total\n{rows}")
    assert read_rounds(tmp_path) == [{"step": 0, "number": 4.0}, {"step": 2, "number": 3.0, "agreement": 0.75}]
    (tmp_path / "metrics.csv").write_text("step,train/loss_total\n0,2.5\n")
    assert read_rounds(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "metrics.csv is missing"),
        ("a,b\n1,2\n", "has no column `step`"),
        ("step,train/loss_total\n0,2.5\n1,2.x\n", "line 3, is torn"),
    ],
)
def test_bad_curves_are_told_in_one_sentence(content, words, tmp_path):
    if content is not None:
        (tmp_path / "metrics.csv").write_text(content)
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        read_curves(tmp_path)
    assert words in str(error.value)
