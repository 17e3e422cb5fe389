"""proofs.soak: what it draws, what it counts, and that it finds what is broken."""

from __future__ import annotations

import functools
import json
import os
import signal

import pytest

from proofs import bad_input, soak
from proofs.kills import Death, cut_off, flip, foreign, train_forked


def test_bad_input_follows_from_the_seed():
    drawn = bad_input.draw(40, 0)
    assert drawn == bad_input.draw(40, 0)
    assert drawn != bad_input.draw(40, 1)
    assert len(set(drawn)) >= 30
    assert all("=" in override for override in drawn)


def test_an_unknown_argument_is_refused(dien):
    assert "error: 'hours' is not an option. There are minutes, trials, seed" in dien("soak", "hours=1").refusal()


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("minutes=soon", "minutes='soon' must be a number."),
        ("minutes=nan", "minutes=nan is out of range"),
        ("trials=-1", "trials=-1 must be a whole number of at least 0"),
        ("seed=", "seed= is empty; write seed=VALUE, or leave it out."),
    ],
)
def test_an_argument_that_is_no_number_is_refused(dien, argument, words):
    assert f"error: {words}" in dien("soak", argument).refusal()


def count_calls(folder, before):
    Death(os, "getppid", 3, before).plan()
    for call_number in range(9):
        (folder / "reached").write_text(str(call_number))
        os.getppid()


@pytest.mark.parametrize("before", [True, False])
def test_a_death_is_died_around_the_nth_call(tmp_path, before):
    assert train_forked([], tmp_path / "log", functools.partial(count_calls, tmp_path, before)) == -signal.SIGKILL
    assert (tmp_path / "reached").read_text() == "2"


def test_damages():
    content = bytes(1000)
    assert cut_off(content, 0.5) == bytes(500)
    assert sum(flip(content, 0.5)) == 0xFF
    assert foreign(content, 0.5) == bytes([127]) * 1000


class Fake(soak.Soak):
    """Trains nothing: every run ends with the codes given, and leaves what is given."""

    def __init__(self, work, seed):
        self.folder, self.codes = work, {}
        self.expected, self.commit, self.seconds = {"metrics.csv": b"right"}, "abc", 1.0
        self.draw, self.counts, self.faults = soak.random.Random(seed), soak.Counter(), []
        self.bad_input = iter(bad_input.draw(30, seed))

    def train(self, name, *overrides, death=None, after=0):
        run_dir = self.folder / name
        run_dir.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{name}.log").write_text(self.prints)
        return 1 if name == "refused" else self.code if overrides[0] != "resume=true" else 0


@pytest.mark.parametrize(
    ("found", "code", "prints", "faults"),
    [
        (b"right", -9, "error: a sentence.\n", []),
        (b"wrong", -9, "error: a sentence.\n", ["metrics.csv differ after"]),
        (b"right", 1, "error: a sentence.\n", ["resume=true ended with 1: error: a sentence."]),
        (b"right", -9, "Traceback\nerror: a sentence.\n", [" ended with 1: Traceback"]),
    ],
)
def test_what_is_counted_and_what_is_a_fault(tmp_path, dien, monkeypatch, found, code, prints, faults):
    monkeypatch.setattr(soak, "Soak", Fake)
    monkeypatch.setattr(soak, "differing", lambda run, expected: [] if found == b"right" else ["metrics.csv"])
    Fake.code, Fake.prints = code, prints
    output = tmp_path / "soak.json"
    finished = dien("soak", "trials=3", f"work={tmp_path / 'work'}", f"output={output}")
    written = json.loads(output.read_text())
    assert finished.code == bool(faults)
    assert bool(written["faults"]) == bool(faults)
    for words in faults:
        assert words in written["faults"][0]
        assert "faults, the first: " in finished.stderr
    assert written["bad_inputs"] == 1
    if not faults:
        assert written["runs_resumed_to_the_end"] == written["runs_identical_to_the_last_bit"] == 2
        assert written["runs_killed"] >= 2
    assert written["command"].startswith("python -m proofs.soak trials=3")


@pytest.mark.slow
def test_three_real_trials(tmp_path, dien):
    output = tmp_path / "soak.json"
    dien("soak", "trials=3", f"work={tmp_path / 'work'}", f"output={output}").done()
    written = json.loads(output.read_text())
    assert written["runs_identical_to_the_last_bit"] == 2
    assert written["bad_inputs_refused_in_one_sentence"] == 1
