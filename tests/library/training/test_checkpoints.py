"""checkpoints/last.ckpt: whole after a crash at any moment, refused if damaged, gone on from at the right batch."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pytorch_lightning.trainer.states import TrainerFn, TrainerState

from dien_lightning.data.loaders import ResumableLoader
from dien_lightning.data.samplers import EpochSampler
from dien_lightning.training import Checkpoints, LoaderPositions, find_checkpoint
from library.training.learning import BATCH, EPOCHS, STEPS, Learner, Stop, Stopping, fit


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, Learner]:
    folder = tmp_path_factory.mktemp("whole")
    return folder, fit(folder)


@pytest.fixture
def finished(whole, tmp_path) -> Path:
    """A copy of the whole run's folder, to be damaged."""
    return Path(shutil.copytree(whole[0], tmp_path / "finished"))


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize(("every", "step", "workers"), [(None, 6, 0), (1, 6, 0), (3, 8, 0), (1, 1, 0), (1, 6, 2)])
def test_a_resumed_run_goes_on_at_the_batch_that_came_next(whole, tmp_path, every, step, workers, asks):
    """Lightning forgets the loaders' positions where a module has asked how long the run will be."""
    with pytest.raises(Stop):
        fit(tmp_path, module=Stopping(step, asks), every_n_train_steps=every, workers=workers)
    resumed = fit(tmp_path, resume=True, module=Learner(asks), every_n_train_steps=every, workers=workers)
    first = max(step // n * n for n in (STEPS, every or STEPS))
    assert resumed.seen == whole[1].seen[first:]
    assert (tmp_path / "metrics.csv").read_bytes() == (whole[0] / "metrics.csv").read_bytes()
    assert torch.equal(resumed.weight, whole[1].weight)


def test_positions_of_one_run_are_not_taken_for_the_next():
    """A callback may serve two runs."""
    callback = LoaderPositions()
    saved = {"loaders": {"images": {"epoch": 0, "step": 3}}}
    loader = ResumableLoader(range(11), EpochSampler(11, BATCH, STEPS))

    class Given:
        train_dataloader = {"images": loader}  # noqa: RUF012
        state = TrainerState(fn=TrainerFn.FITTING)

    callback.on_load_checkpoint(Given(), None, saved)
    callback.on_train_start(Given(), None)
    assert loader.state_dict() == {"epoch": 0, "step": 3}
    loader.load_state_dict({"epoch": 0, "step": 0})
    callback.on_train_start(Given(), None)
    assert loader.state_dict() == {"epoch": 0, "step": 0}


def test_a_run_leaves_the_last_checkpoint_and_the_one_before_it(finished):
    assert sorted(path.name for path in finished.iterdir()) == ["last.ckpt", "metrics.csv", "previous.ckpt"]
    steps = [torch.load(finished / name, weights_only=True)["global_step"] for name in ("previous.ckpt", "last.ckpt")]
    assert steps == [(EPOCHS - 1) * STEPS, EPOCHS * STEPS]


@pytest.mark.parametrize("every", [0, -3])
def test_every_n_train_steps_is_checked(tmp_path, every):
    with pytest.raises(
        ValueError, match=rf"every_n_train_steps={every} must be a whole number of at least 1; null writes at"
    ):
        Checkpoints(tmp_path, every_n_train_steps=every)


# ---- what may happen while one is written ----


@contextmanager
def failing(owner: Any, name: str, count: int, error: BaseException) -> Iterator[None]:
    """The count-th call of a function raises."""
    function, calls = getattr(owner, name), 0

    def fails(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count:
            raise error
        return function(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, fails)
        yield


# One checkpoint calls torch.save once, os.fsync twice (itself, metrics.csv), os.replace three times, or twice at first.
@pytest.mark.parametrize(
    ("owner", "name", "count"),
    [(torch, "save", 2), *((os, "fsync", count) for count in (3, 4)), *((os, "replace", count) for count in (3, 4, 5))],
)
def test_a_crash_while_one_is_written_leaves_a_whole_one(whole, tmp_path, owner, name, count):
    with failing(owner, name, count, Stop()), pytest.raises(Stop):
        fit(tmp_path)
    found = find_checkpoint(tmp_path)
    assert torch.load(found, weights_only=True)["global_step"] == STEPS
    fit(tmp_path, resume=True)
    assert (tmp_path / "metrics.csv").read_bytes() == (whole[0] / "metrics.csv").read_bytes()


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only file system")])
@pytest.mark.parametrize(("name", "count"), [("fsync", 3), ("replace", 4), ("replace", 5)])
def test_a_full_disk_stops_the_run_with_a_sentence_and_loses_nothing(whole, tmp_path, name, count, number, words):
    error = OSError(number, os.strerror(number))
    with failing(os, name, count, error), pytest.raises(OSError, match=words) as stopped:
        fit(tmp_path)
    assert str(stopped.value).startswith(f"no checkpoint can be written to {tmp_path} ({words}")
    assert str(stopped.value).endswith("Make room or give write access, then go on with resume=true.")
    assert not (tmp_path / "last.ckpt.part").exists()  # it would only fill the disk
    assert torch.load(find_checkpoint(tmp_path), weights_only=True)["global_step"] == STEPS
    fit(tmp_path, resume=True)
    assert (tmp_path / "metrics.csv").read_bytes() == (whole[0] / "metrics.csv").read_bytes()


def test_a_full_disk_does_not_hide_what_stopped_the_run(tmp_path):
    error = OSError(errno.ENOSPC, "No space left on device")
    with failing(os, "fsync", 3, error), pytest.raises(Stop):  # when Lightning closes the log
        fit(tmp_path, module=Stopping(6))
    assert find_checkpoint(tmp_path) == tmp_path / "last.ckpt"
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 1 + STEPS


def test_nothing_is_written_to_the_systems_temporary_folder(tmp_path, monkeypatch):
    """Where a kill would leave it, and which may be smaller than a checkpoint."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    fit(tmp_path)


def test_another_trainings_checkpoint_is_not_overwritten(finished):
    before = (finished / "last.ckpt").read_bytes()
    with pytest.raises(FileExistsError, match=r"last\.ckpt is another training's: go on with it \(ckpt_path="):
        fit(finished)
    assert (finished / "last.ckpt").read_bytes() == before


def test_a_training_may_go_on_in_its_folder_and_begin_a_second_time(finished):
    callback = Checkpoints(finished)
    callback.on_fit_start(SimpleNamespace(ckpt_path="elsewhere/hpc_ckpt_1.ckpt"), None)
    callback.on_fit_end(SimpleNamespace(), None)
    callback.on_fit_start(SimpleNamespace(ckpt_path=None), None)
    callback.on_fit_end(SimpleNamespace(), None)


def fit_with_a_warning(folder: Path) -> None:
    with pytest.warns(UserWarning, match=r"last\.ckpt is torn or no checkpoint: the run goes on from .*previous\.ckpt"):
        fit(folder, resume=True)


def test_a_damaged_one_never_takes_the_place_of_the_whole_one_before_it(whole, finished):
    (finished / "last.ckpt").write_bytes(b"torn")
    with failing(os, "replace", 2, Stop()), pytest.raises(Stop):  # after metrics.csv
        fit_with_a_warning(finished)
    fit_with_a_warning(finished)
    assert find_checkpoint(finished) == finished / "last.ckpt"
    assert torch.load(finished / "previous.ckpt", weights_only=True)["global_step"] == (EPOCHS - 1) * STEPS
    assert (finished / "metrics.csv").read_bytes() == (whole[0] / "metrics.csv").read_bytes()


# ---- what lies there ----


class Malicious:
    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self):
        return os.mkdir, (str(self.witness),)


def test_no_folder_and_no_checkpoint_is_a_new_run(tmp_path):
    assert find_checkpoint(tmp_path / "nothing") is None
    assert find_checkpoint(tmp_path) is None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_torn_one_is_refused_and_the_one_before_it_used(finished, share):
    last = finished / "last.ckpt"
    content = last.read_bytes()
    last.write_bytes(content[: int(share * len(content))])
    with pytest.warns(UserWarning, match=r"last\.ckpt is torn or no checkpoint: the run goes on from .*previous\.ckpt"):
        assert find_checkpoint(finished) == finished / "previous.ckpt"


def test_a_byte_that_flipped_is_found_by_its_checksum(tmp_path):
    checkpoint = {"state_dict": {"weight": torch.zeros(1000)}}
    torch.save(checkpoint, tmp_path / "last.ckpt")
    content = bytearray((tmp_path / "last.ckpt").read_bytes())
    place = content.index(bytes(1000))
    content[place + 500] ^= 1
    (tmp_path / "last.ckpt").write_bytes(content)
    with pytest.raises(ValueError, match=r"last\.ckpt is torn.*; move it away to start afresh, or put a whole"):
        find_checkpoint(tmp_path)


def test_a_foreign_one_is_refused_and_the_one_before_it_used(finished):
    torch.save({"state_dict": {}, "epoch": 3}, finished / "last.ckpt")
    with pytest.warns(UserWarning, match=r"last\.ckpt is a checkpoint of something else: the run goes on from"):
        assert find_checkpoint(finished) == finished / "previous.ckpt"


def test_one_that_may_not_be_read_stops_and_is_not_called_torn(finished):
    with (
        failing(zipfile, "ZipFile", 1, PermissionError(errno.EACCES, "Permission denied")),
        pytest.raises(PermissionError, match=r"last\.ckpt may not be read \(Permission denied\); give read access"),
    ):
        find_checkpoint(finished)


@pytest.mark.parametrize("form", ["torch", "pickle"])
def test_code_in_one_is_never_run(finished, form):
    witness, last = finished / "code_was_run", finished / "last.ckpt"
    if form == "torch":
        torch.save({**torch.load(last, weights_only=True), "callbacks": Malicious(witness)}, last)
    else:
        last.write_bytes(pickle.dumps(Malicious(witness)))
    with pytest.warns(UserWarning, match=r"last\.ckpt (holds more than tensors|is torn or no checkpoint)"):
        assert find_checkpoint(finished) == finished / "previous.ckpt"
    assert not witness.exists()
    with suppress(RuntimeError):
        torch.load(last, weights_only=False)
    assert witness.exists()  # it would have been


def test_where_none_can_be_used_both_are_named(finished):
    (finished / "last.ckpt").write_bytes(b"")
    torch.save([1, 2], finished / "previous.ckpt")
    with pytest.raises(
        ValueError, match=r"last\.ckpt is torn or no checkpoint; .*previous\.ckpt is a checkpoint of so"
    ):
        find_checkpoint(finished)
