"""Which pair and which code a run says it is of."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig

from dien_lightning.experiments import provenance
from dien_lightning.experiments.config import compose_config


def test_the_direction_is_that_of_the_two_sets(tmp_path):
    for overrides, direction in (
        (["data=night2day"], "night2day"),
        (["data=market2duke", "data.target=msmt17"], "market1501_to_msmt17"),
        (["data=market2duke", "data.source=[market1501,cuhk03]"], "market1501+cuhk03_to_dukemtmcreid"),
    ):
        config = compose_config(overrides, with_hydra=True)
        HydraConfig.instance().set_config(config)
        assert config.direction == direction


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@needs_git
def test_the_commit_is_the_codes_wherever_the_user_stands(tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    here = provenance.commit()
    monkeypatch.chdir(tmp_path)
    assert provenance.commit() == here


def test_without_git_a_run_has_no_commit(monkeypatch):
    def absent(*_arguments, **_options):
        raise FileNotFoundError("git")

    monkeypatch.setattr(provenance.subprocess, "run", absent)
    assert provenance.commit() == ""


@pytest.fixture
def clone(tmp_path, monkeypatch) -> Path:
    """A repository that the code under test takes for its own."""
    (tmp_path / "scripts").mkdir()
    for name in ("scripts/code.py", "notes.md"):
        (tmp_path / name).write_text("first\n")
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "src" / "dien_lightning" / "experiments" / "x.py"))
    return tmp_path


@needs_git
def test_code_that_was_changed_is_said_beside_the_commit(clone):
    commit = provenance.commit()
    assert commit
    (clone / "notes.md").write_text("second\n")
    assert provenance.commit() == commit
    (clone / "scripts" / "code.py").write_text("second\n")
    assert provenance.commit() == f"{commit}-dirty"


@needs_git
def test_the_clones_index_stays_as_it_is(clone):
    """Git would refresh it under a lock, on which a command of the user's own at that moment fails."""
    index = clone / ".git" / "index"
    os.utime(clone / "scripts" / "code.py", (0, 0))  # what a refresh would note
    before = index.read_bytes()
    assert provenance.commit()
    assert index.read_bytes() == before
