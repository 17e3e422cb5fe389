"""logger=wandb without an account: what a run writes, read back from its file."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import wandb
from wandb.proto import wandb_internal_pb2

from experiments.test_train import TINY
from proofs.test_processes_agree import on_two_processes

_BLOCK, _HEADER = 32768, 7


def records(path: Path) -> Iterator[wandb_internal_pb2.Record]:
    """The records of a .wandb file: LevelDB's log format behind seven bytes of W&B's own."""
    content, offset, parts = path.read_bytes(), _HEADER, b""
    while offset + _HEADER <= len(content):
        left = _BLOCK - offset % _BLOCK
        if left < _HEADER:
            offset += left
            continue
        _, size, kind = struct.unpack_from("<IHB", content, offset)
        parts += content[offset + _HEADER : offset + _HEADER + size]
        offset += _HEADER + size
        if kind in (1, 4):  # a whole record, or the last part of one
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            yield record
            parts = b""


@pytest.fixture
def written(drawn_pair, tmp_path, dien, monkeypatch) -> list[wandb_internal_pb2.Record]:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    arguments = (
        *TINY,
        "trainer.max_epochs=1",
        "trainer.check_val_every_n_epoch=1",
        f"data_root={drawn_pair}",
        f"run_dir={tmp_path / 'run'}",
    )
    named = ("logger=wandb", "group=sweep", "ablation=r04_dc", "direction=day2night", "run_name=r04_day2night_0")
    wandb.teardown()  # it remembers the folder of the run before
    finished = dien("train", *arguments, *named)
    wandb.teardown()
    assert finished.code == 0, finished.stderr
    (path,) = (tmp_path / "run" / "wandb").glob("offline-run-*/run-*.wandb")
    return wait_for_the_end(path)


def wait_for_the_end(path: Path) -> list[wandb_internal_pb2.Record]:
    """W&B's own process writes the file, and on a busy machine it is not done when the run is."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        written = list(records(path))
        if any(record.WhichOneof("record_type") == "exit" for record in written):
            return written
        time.sleep(0.1)
    return list(records(path))


def test_a_run_without_an_account_is_written_in_its_group_with_its_config(written):
    (run,) = [record.run for record in written if record.WhichOneof("record_type") == "run"]
    assert (run.project, run.run_group, run.display_name) == ("dien-lightning", "sweep", "r04_day2night_0")
    updates = [*run.config.update] + [update for record in written for update in record.config.update]
    config = {update.key or "/".join(update.nested_key): json.loads(update.value_json) for update in updates}
    assert config["row"] == "r04_dc"
    assert config["seed"] == 0
    assert config["direction"] == "day2night"
    assert config["objective"]["triplet_weight"] == 0
    logged = {item.key or "/".join(item.nested_key) for record in written for item in record.history.item}
    assert {"train/loss_total", "val/target_rank1"} <= logged
    summary = {item.key or "/".join(item.nested_key) for record in written for item in record.summary.update}
    assert any(key.startswith("target") for key in summary)
    assert any(record.WhichOneof("record_type") == "exit" for record in written)  # wandb.finish() was called


def test_two_processes_write_one_run(drawn_pair, tmp_path):
    arguments = (*TINY, "data.num_ids=2", "trainer.max_epochs=1", f"data_root={drawn_pair}", "logger=wandb")
    on_two_processes(*arguments, f"run_dir={tmp_path / 'run'}", WANDB_MODE="offline", HOME=str(tmp_path))
    (path,) = (tmp_path / "run" / "wandb").glob("offline-run-*/run-*.wandb")
    written = wait_for_the_end(path)
    assert {r.run.display_name for r in written if r.WhichOneof("record_type") == "run"} == {"run"}  # its folder's
    summary = {item.key or "/".join(item.nested_key) for record in written for item in record.summary.update}
    assert any(key.startswith("target") for key in summary)


def test_where_the_server_does_not_answer_the_run_goes_on_offline(drawn_pair, tmp_path, dien, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WANDB_API_KEY", 40 * "x")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # nobody listens
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "5")
    arguments = (*TINY, "trainer.max_epochs=1", f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}")
    wandb.teardown()
    finished = dien("train", *arguments, "logger=wandb")
    wandb.teardown()
    assert finished.code == 0, finished.stderr
    assert "W&B cannot be reached (" in finished.stderr
    assert "the run goes on offline; `wandb sync` sends " in finished.stderr
    assert (tmp_path / "run" / "results.json").is_file()
    (path,) = (tmp_path / "run" / "wandb").glob("offline-run-*/run-*.wandb")
    assert any(record.WhichOneof("record_type") == "history" for record in wait_for_the_end(path))


def test_the_waiting_is_bounded_and_can_be_changed(monkeypatch):
    from dien_lightning.experiments import tracking

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "7")
    settings = tracking.reach(lambda settings: settings, "outputs")
    assert settings.finish_timeout == 60
    assert settings.init_timeout == wandb.Settings().init_timeout  # left to the variable
    monkeypatch.delenv("WANDB_INIT_TIMEOUT")
    assert tracking.reach(lambda settings: settings, "outputs").init_timeout == 30


@pytest.mark.parametrize(
    ("files", "variables", "has"),
    [
        ({}, {}, False),
        ({".netrc": "api.wandb.ai"}, {}, True),
        ({".netrc": "ml.example.com"}, {}, False),
        ({".netrc": "ml.example.com"}, {"WANDB_BASE_URL": "https://ml.example.com"}, True),
        ({"own": "api.wandb.ai"}, {"NETRC": "~/own"}, True),
        ({".netrc": "api.wandb.ai"}, {"NETRC": "~/own"}, False),  # which goes before
        ({".netrc": "ml.example.com:8080", "kept": "https://ml.example.com:8080"}, {"WANDB_CONFIG_DIR": "~"}, True),
    ],
)
def test_an_account_is_found_where_the_client_looks(files, variables, has, tmp_path, monkeypatch):
    from dien_lightning.experiments import tracking

    for name in ("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_CONFIG_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(tmp_path), **variables}.items():
        monkeypatch.setenv(name, value)
    for name, host in files.items():
        (tmp_path / name).write_text(f"machine {host}\n  login user\n  password secret\n")
        (tmp_path / name).chmod(0o600)
    if "kept" in files:  # by `wandb login --host`
        (tmp_path / "settings").write_text(f"[default]\nbase_url = {files['kept']}\n")
    assert tracking.has_wandb_account() is has
