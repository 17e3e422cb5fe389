from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading

import pytest

from dien_lightning.atomic import atomic_folder, atomic_write, one_process_at_a_time


def test_a_file_is_replaced_and_no_draft_stays(tmp_path):
    path = tmp_path / "new" / "results.json"
    for content in ("old", "new"):
        with atomic_write(path) as draft:
            draft.write_text(content)
            assert not path.exists() or path.read_text() == "old"
        assert path.read_text() == content
    assert os.listdir(path.parent) == ["results.json"]


@pytest.mark.parametrize("target", ["kept/results.json", "kept/new.json"])
def test_the_file_behind_a_link_is_written_and_the_link_stays(tmp_path, target):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "results.json").write_text("old")
    link = tmp_path / "results.json"
    link.symlink_to(target)
    with atomic_write(link) as draft:
        draft.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / target).read_text() == "new"
    assert not list(tmp_path.rglob("*.part"))


def test_a_link_that_leads_to_itself_is_told(tmp_path):
    (tmp_path / "loop.json").symlink_to("loop.json")
    with pytest.raises(OSError, match=r"loop\.json cannot be written \(it is a link that leads back to itself\)"):
        half(tmp_path / "loop.json", ValueError("not reached"))


def half(path, error):
    with atomic_write(path) as draft:
        draft.write_text("half")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("stopped"), OSError("stopped")])
def test_whatever_interrupts_it_the_old_file_stays(tmp_path, error):
    path = tmp_path / "network.safetensors"
    path.write_text("old")
    with pytest.raises(type(error)):
        half(path, error)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["network.safetensors"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), OSError("No space left on device")])
def test_what_cannot_be_written_is_told_with_where_why_and_what_to_do(tmp_path, error):
    with pytest.raises(OSError, match=r"results.json cannot be written \(No space left on device\)") as caught:
        half(tmp_path / "results.json", error)
    assert "what it held before stays. Make room or give write access, then run this again" in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(OSError, match=r"table\.md cannot be written"):
        half(tmp_path / "results" / "table.md", ValueError("not reached"))
    assert (tmp_path / "results").read_text() == "a file"


def test_a_pipe_or_a_device_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"pipe cannot be written \(it is a device or a pipe, in whose place a file"):
        half(tmp_path / "pipe", ValueError("not reached"))
    assert (tmp_path / "pipe").is_fifo()


HOLDS = """
import sys, time
from pathlib import Path
from dien_lightning.atomic import one_process_at_a_time
with one_process_at_a_time(Path(sys.argv[1])):
    print("inside", flush=True)
    time.sleep(60)
"""


def test_while_one_process_is_inside_another_waits_and_a_kill_lets_it_in(tmp_path):
    pytest.importorskip("fcntl")
    entered = threading.Event()

    def enter():
        with one_process_at_a_time(tmp_path):
            entered.set()

    with subprocess.Popen([sys.executable, "-c", HOLDS, tmp_path], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "inside\n"
        waiting = threading.Thread(target=enter)
        waiting.start()
        try:
            assert not entered.wait(0.3)
        finally:
            other.kill()
            waiting.join(30)
    assert entered.is_set()


@pytest.mark.parametrize("is_source_named", [False, True])
def test_a_full_disk_is_told_of_the_folder_that_is_written_also_where_a_file_is_copied(is_source_named, tmp_path):
    names = (str(tmp_path / "source"), None) if is_source_named else ()  # shutil.copyfile names what it reads, too
    with (
        pytest.raises(OSError, match=r"new cannot be written \(No space left on device\); nothing of it stays"),
        atomic_folder(tmp_path / "new") as draft,
    ):
        raise OSError(errno.ENOSPC, "No space left on device", *names, *([str(draft / "a")] * is_source_named))
    assert os.listdir(tmp_path) == []


def test_a_file_that_cannot_be_read_is_no_fault_of_the_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.png"), atomic_folder(tmp_path / "new"):
        (tmp_path / "missing.png").read_bytes()


def test_a_folder_above_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(OSError, match=r"new cannot be written \(Not a directory\)"),
        atomic_folder(tmp_path / "file/x/new"),
    ):
        pass
