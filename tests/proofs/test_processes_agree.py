"""Two processes (`python scripts/train.py trainer=ddp_cpu`) give what one gives on the joined batch."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from commands import run_command
from experiments.test_train import TINY

SCRIPT = Path(__file__).parents[2] / "scripts" / "train.py"
SHARED = (  # evenly by two processes, which draw the same dropout masks over the joined batch
    *TINY,
    "data.num_ids=4",
    "data.num_instances=4",
    "data.target_batch_size=12",
)
# Hardest triplets and batch norm over few images blow rounding up: at the demo's rates (5e-2) two memory layouts differ
# by 1e-8 after 20 steps on one process, too. At these, a hundredth of that is left.
RATES = ",".join(f"{name}:2e-4" for name in ("backbone", "embedding", "attention", "identity", "domain"))


def start(*arguments: object, **environment: str) -> subprocess.Popen:
    """Start the command as a user does, on two processes if the arguments say nothing else."""
    command = [sys.executable, str(SCRIPT), *map(str, arguments), "trainer=ddp_cpu", "trainer.accelerator=cpu"]
    inherited = {name: value for name, value in os.environ.items() if name != "HYDRA_FULL_ERROR"}
    inherited["OMP_NUM_THREADS"] = "1"
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    return subprocess.Popen(command, env={**inherited, **environment}, **options)


def wait(*processes: subprocess.Popen) -> str:
    """What processes printed on stderr; those that are not done in ten minutes are ended, with all they started."""
    try:
        said = [process.communicate(timeout=600)[1] for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(said)
    return "\n".join(said)


def on_two_processes(*arguments: object, **environment: str) -> str:
    """Run the command to its end; give what it printed on stderr."""
    return wait(start(*arguments, **environment))


def rows(run_dir: Path) -> list[dict[str, float]]:
    with (run_dir / "metrics.csv").open() as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


def outline(value: object) -> object:
    """The keys of nested dicts, without the values."""
    return {key: outline(inner) for key, inner in value.items()} if isinstance(value, dict) else None


@pytest.fixture(scope="module")
def twenty_steps(drawn_pair, module_folder):
    """The folders of two runs in float64, on two processes, which compute each pass's maps anew, and on one."""
    folder = module_folder / "twenty_steps"
    arguments = [
        *SHARED,
        f"optim.learning_rates={{{RATES}}}",
        "trainer.precision=64-true",
        "data.steps_per_epoch=10",
        f"data_root={drawn_pair}",
    ]
    on_two_processes(*arguments, f"run_dir={folder / 'two'}", "network.checkpoint_passes=true")
    run_command("train", *arguments, f"run_dir={folder / 'one'}")
    return folder / "two", folder / "one"


def test_losses_and_figures_of_twenty_steps_are_those_of_one_process(twenty_steps):
    two, one = map(rows, twenty_steps)
    assert len(two) == 20
    for row, alone in zip(two, one, strict=True):
        assert row == pytest.approx(alone, rel=0, abs=1e-8)
    assert "val/target_mAP" in two[-1]


def test_parameters_and_statistics_after_twenty_steps_are_those_of_one_process(twenty_steps):
    two, one = (load_file(run_dir / "network.safetensors") for run_dir in twenty_steps)
    torch.testing.assert_close(two, one, rtol=0, atol=1e-8)
    two, one = (
        torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for run_dir in twenty_steps
    )
    torch.testing.assert_close(two, one, rtol=0, atol=1e-8)  # the classifiers too


def test_two_processes_leave_one_set_of_files(twenty_steps):
    two, one = ({str(path.relative_to(run_dir)) for path in run_dir.rglob("*")} for run_dir in twenty_steps)
    assert two == one
    results = [json.loads((run_dir / "results.json").read_text()) for run_dir in twenty_steps]
    trainer = results[0]["settings"]["trainer"]
    assert (trainer.pop("strategy"), trainer.pop("num_nodes")) == ("ddp", 1)
    assert outline(results[0]) == outline(results[1])
    assert results[0]["target"] == results[1]["target"]
    lists = [json.loads((run_dir / "rankings.json").read_text())["queries"] for run_dir in twenty_steps]
    for both in zip(*lists, strict=True):
        assert both[0]["path"] == both[1]["path"]
        found = [[image["path"] for image in query["gallery"]] for query in both]
        assert found[0] == found[1]


@pytest.fixture(scope="module")
def alone(drawn_pair, module_folder):
    """The folder of a run in float32 without attention on one process, and its arguments but the folder."""
    folder = module_folder / "alone"
    arguments = [*SHARED, "network.attention_loops=0", "optim.schedule=milestones", f"data_root={drawn_pair}"]
    run_command("train", *arguments, f"run_dir={folder}")
    return folder, arguments


def test_the_first_step_in_float32_and_a_run_that_goes_on_with_fewer_processes(alone, tmp_path, dien):
    folder, arguments = alone
    said = on_two_processes(*arguments, "trainer.max_epochs=1", f"run_dir={tmp_path / 'run'}")
    assert "differ from those of one process" not in said
    dien("train", *arguments, f"run_dir={tmp_path / 'run'}", "resume=true").done()
    two, one = rows(tmp_path / "run"), rows(folder)
    assert two[0] == pytest.approx(one[0], rel=0, abs=1e-4)
    assert [row["step"] for row in two] == [row["step"] for row in one] == [0, 1, 2, 3]


def test_what_two_processes_do_apart_is_said(drawn_pair, tmp_path):
    options = ("network.synchronize=false", "trainer.max_epochs=1", "data.steps_per_epoch=1")
    said = on_two_processes(*SHARED, *options, f"data_root={drawn_pair}", f"run_dir={tmp_path / 'apart'}")
    assert said.count("synchronize=False (network.synchronize): each of 2 processes normalises by its own part") == 1
    assert said.count("differ from those of one process") == 1


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def test_two_machines_by_lightnings_own_variables_give_the_first_step_of_one_process(alone, tmp_path):
    """Both "machines" are this one: two commands, each with one process, that find each other by an address."""
    folder, arguments = alone
    machines = ("trainer.max_epochs=1", "trainer.num_nodes=2", "trainer.devices=1", f"run_dir={tmp_path / 'two'}")
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    said = wait(*(start(*arguments, *machines, NODE_RANK=str(node), **address) for node in (0, 1)))
    assert "differ from those of one process" not in said
    two, one = rows(tmp_path / "two"), rows(folder)
    assert len(two) == 2  # one file, written by the first
    assert two[0] == pytest.approx(one[0], rel=0, abs=1e-4)
    assert (tmp_path / "two" / "results.json").is_file()
