"""Self-training keeps the promises of a training: no target label is used, two processes are one, and it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from commands import run_command
from dien_lightning import DIEN, load_network, save_network
from dien_lightning.experiments.clusters import read_clusters
from dien_lightning.experiments.results import Results
from dien_lightning.network.files import fingerprint
from proofs.test_label_free import check_same_bytes, trained_on_tables
from proofs.test_processes_agree import RATES, on_two_processes, rows
from proofs.tiny import LEAST

SMALL = (
    "experiment=self_training",
    "data=day2night",
    "source_term=spcl",
    "objective.domain_weight=0.5",
    "network.batch_norm_size=4",
    "rounds.k1=4",
    "rounds.k2=2",
    "rounds.min_samples=2",
    "rounds.eps=0.4",
    *LEAST,
    "data.num_ids=4",
    "data.target_batch_size=8",
    "data.target_num_instances=2",
    "data.steps_per_epoch=3",
    "data.num_workers=0",
    "trainer.check_val_every_n_epoch=1",
)


@pytest.fixture(scope="module")
def train(drawn_pair, module_folder):
    """Trains by name and overrides, and gives the run's folder."""
    torch.manual_seed(0)
    network = DIEN("mobilenet_v2", weights=None, embedding_dim=16, attention_loops=1, image_size=(64, 32))
    save_network(network, module_folder / "start.safetensors")
    given = (*SMALL, f"start={module_folder / 'start.safetensors'}", f"data_root={drawn_pair}")

    def run(name: str, *overrides: str, command=lambda *arguments: run_command("train", *arguments)) -> Path:
        command(*given, f"run_dir={module_folder / name}", *overrides)
        return module_folder / name

    return run


@pytest.fixture(scope="module")
def plain(train) -> Path:
    return train("plain", "trainer.max_epochs=2")


def test_dealing_out_the_targets_identities_anew_changes_no_bit(plain, train, drawn_pair, module_folder):
    runs = trained_on_tables(train, module_folder, drawn_pair, ("none", "training"), "trainer.max_epochs=2")
    check_same_bytes(*runs.values())
    assert rows(plain)[-1].keys() == rows(runs["none"])[-1].keys()


def test_a_run_that_is_taken_up_after_a_round_ends_as_one_that_was_left_alone(plain, train):
    train("halved", "trainer.max_epochs=1")
    halved = train("halved", "trainer.max_epochs=2", "resume=true")
    for file in ("metrics.csv", "network.safetensors"):
        assert (halved / file).read_bytes() == (plain / file).read_bytes()


def test_a_run_goes_on_with_the_network_that_it_began_with(plain, train, module_folder, capfd):
    path = module_folder / "start.safetensors"
    began_with = path.read_bytes()
    save_network(DIEN("mobilenet_v2", weights=None, embedding_dim=16, attention_loops=1, image_size=(64, 32)), path)
    try:
        with pytest.raises(SystemExit):
            train("plain", "trainer.max_epochs=3", "resume=true")
    finally:
        path.write_bytes(began_with)
    said = capfd.readouterr().err
    assert f"error: run_dir={plain} is of a run with network.path_fingerprint=" in said
    assert fingerprint(load_network(path)) in said


@pytest.mark.parametrize("term", ["spcl", pytest.param("separate", marks=pytest.mark.slow)])
def test_two_processes_train_as_one(term, train):
    # Adam moves a weight without a gradient, such as a bias before batch norm, by the sign of its rounding.
    exact = ("trainer.max_epochs=2", "trainer.precision=64-true", "optim.algorithm=sgd")
    exact = (*exact, f"optim.learning_rates={{{RATES}}}", f"source_term={term}")
    one, both = train(f"{term}_one", *exact), train(f"{term}_both", *exact, command=on_two_processes)
    for row, other in zip(rows(one), rows(both), strict=True):
        assert row == pytest.approx(other, rel=0, abs=1e-8)
    assert "clusters/agreement" in rows(one)[3]  # where the second round begins
    files = [load_file(run / "network.safetensors") for run in (one, both)]
    torch.testing.assert_close(*files, rtol=0, atol=1e-8)


def test_the_clusters_are_kept_and_judged_afterwards(plain):
    found = read_clusters(plain)
    assert found.number >= 2
    assert found.people >= 2
    assert found.purity is not None
    assert 0 < found.purity <= 1
    assert all(Path(image.path).is_file() for own in found.shown for image in own)


def test_results_keep_every_round(plain):
    results, found = Results.read(plain), read_clusters(plain)
    first, last = results.rounds
    assert (first["step"], last["step"]) == (0, 3)
    assert "agreement" in last.keys() - first.keys()
    assert (last["number"], last["outliers"], results.purity) == (found.number, found.outliers, found.purity)
