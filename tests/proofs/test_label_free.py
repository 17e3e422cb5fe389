"""The sceptic's proof: whatever the target's labels say, training is the same to the last bit."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import torch

from commands import run_command
from dien_lightning.data.reading import read_dataset
from experiments.test_train import TINY, rows


def write_table(path: Path, drawn: Path, shuffled: str = "none") -> Path:
    """The drawn night cameras as a table; with the identities of its training images or of its query and gallery dealt
    out anew."""
    splits = read_dataset("pedestrians_night", drawn)
    deal = random.Random(1)
    lines = []
    for name, records in (("train", splits.train), ("query", splits.query), ("gallery", splits.gallery)):
        pids = [record.pid for record in records]
        if shuffled == ("training" if name == "train" else "evaluation"):
            deal.shuffle(pids)
            assert pids != [record.pid for record in records]
        lines += [(record.path, pid, record.camid, name) for record, pid in zip(records, pids, strict=True)]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "pid", "camid", "split"), *lines])
    return path


def trained_on_tables(
    train: Callable[..., Path], folder: Path, drawn: Path, kinds: Iterable[str], *overrides: str
) -> dict[str, Path]:
    """Folders of `train(NAME, *OVERRIDES)` by what is dealt out anew; the targets differ in their labels alone."""
    tables = {kind: write_table(folder / f"{kind}.csv", drawn / "pedestrians_night", kind) for kind in kinds}
    return {
        kind: train(kind, "data.target=csv", f"data.target_root={table}", *overrides) for kind, table in tables.items()
    }


def check_same_bytes(*folders: Path) -> None:
    """What two trainings left that know no target label."""
    for file in ("metrics.csv", "network.safetensors", "checkpoints/label_free.safetensors"):
        one, other = ((folder / file).read_bytes() for folder in folders)
        assert one == other, file


@pytest.fixture(scope="module")
def runs(drawn_pair, module_folder) -> dict[str, Path]:
    """Folders of three trainings, whose target differs in its labels alone."""

    def train(name: str, *overrides: str) -> Path:
        given = (*TINY, "trainer.check_val_every_n_epoch=1", f"data_root={drawn_pair}")
        run_command("train", *given, f"run_dir={module_folder / name}", *overrides)
        return module_folder / name

    return trained_on_tables(train, module_folder, drawn_pair, ("none", "training", "evaluation"))


def results(run_dir: Path) -> dict:
    return json.loads((run_dir / "results.json").read_text())


def parameters(run_dir: Path) -> dict[str, torch.Tensor]:
    return torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def test_dealing_out_the_targets_training_identities_anew_changes_no_bit(runs):
    check_same_bytes(runs["none"], runs["training"])
    oracles = [(runs[name] / "checkpoints" / "oracle.safetensors").read_bytes() for name in ("none", "training")]
    assert oracles[0] == oracles[1]
    torch.testing.assert_close(parameters(runs["training"]), parameters(runs["none"]), rtol=0, atol=0)
    for key in ("target", "source", "checkpoints"):
        assert results(runs["training"])[key] == results(runs["none"])[key]


def test_dealing_out_query_and_gallery_anew_changes_what_is_measured_and_nothing_else(runs):
    plain, dealt = rows(runs["none"]), rows(runs["evaluation"])
    measured = {name for name in plain[0] if name.startswith("val/target_")} - {"val/target_reciprocity"}
    assert {"val/target_rank1", "val/target_mAP"} <= measured
    for row, other in zip(plain, dealt, strict=True):
        assert {k: v for k, v in row.items() if k not in measured} == {
            k: v for k, v in other.items() if k not in measured
        }
    assert [row["val/target_mAP"] for row in plain] != [row["val/target_mAP"] for row in dealt]
    assert (runs["evaluation"] / "network.safetensors").read_bytes() == (
        runs["none"] / "network.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("choice", ["last", "source_mAP", "label_free"])
def test_no_choice_but_the_oracle_looks_at_target_labels(choice, runs):
    plain, dealt = (results(runs[name])["checkpoints"][choice] for name in ("none", "evaluation"))
    for key in ("epochs", "score", "network", "uses_target_labels", "source"):
        assert plain.get(key) == dealt.get(key)
    assert not plain["uses_target_labels"]
    if choice != "last":
        chosen = [(runs[name] / plain["network"]).read_bytes() for name in ("none", "evaluation")]
        assert chosen[0] == chosen[1]


def test_the_oracle_does_and_says_so(runs):
    plain, dealt = (results(runs[name])["checkpoints"]["oracle"] for name in ("none", "evaluation"))
    assert plain["uses_target_labels"]
    assert plain["score"] != dealt["score"]
    assert plain["score"] == plain["target"]["mAP"]
