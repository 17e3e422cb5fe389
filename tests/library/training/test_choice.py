"""Which epoch's network is kept: by three scores, beside the last; the oracle is called by its name."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from dien_lightning import DIEN
from dien_lightning.experiments.results import CHOICES
from dien_lightning.training import EpochChoice
from experiments.test_train import TINY, rows
from library.training.modules import build, trainer


def validated(choice, epochs, first=1):
    """Let `choice` see epochs of (source mAP, reciprocity, target mAP), each with a network that tells its epoch."""
    network = DIEN("resnet18", weights=None, embedding_dim=4, attention_loops=0)
    for number, (source, reciprocity, target) in enumerate(epochs, start=first):
        torch.nn.init.constant_(next(iter(network.parameters())), number)
        figures = {"source": source, "target": target}
        results = {
            name: SimpleNamespace(figures=lambda value=value: {"rank1": 0.5, "mAP": value})
            for name, value in figures.items()
            if value is not None
        }
        choice._label_free = {} if reciprocity is None else {"target_reciprocity": torch.tensor(reciprocity)}
        trainer = SimpleNamespace(
            sanity_checking=False, state=SimpleNamespace(fn="fit"), current_epoch=number - 1, is_global_zero=True
        )
        choice.on_validation_end(trainer, SimpleNamespace(results=results, network=network))
    return choice.chosen()


EPOCHS = [(0.5, 0.125, 0.4), (0.9, 0.25, 0.3), (0.9, 0.5, 0.2), (0.7, 0.375, 0.1)]


def test_each_score_keeps_its_best_epoch_the_earliest_of_equals(tmp_path):
    chosen = validated(EpochChoice(tmp_path / "checkpoints"), EPOCHS)
    assert {name: best["epochs"] for name, best in chosen.items()} == {"source_mAP": 2, "label_free": 3, "oracle": 1}
    assert {name: best["score"] for name, best in chosen.items()} == {
        "source_mAP": 0.9,
        "label_free": 0.5,
        "oracle": 0.4,
    }
    assert [name for name, best in chosen.items() if best["uses_target_labels"]] == ["oracle"]
    for best in chosen.values():
        assert best["target"]["mAP"] == EPOCHS[best["epochs"] - 1][2]
        kept = load_file(tmp_path / best["network"])
        (first,) = (value for value in kept.values() if value.shape == (64, 3, 7, 7))
        assert float(first.mean()) == best["epochs"]


def test_a_score_that_nobody_has_is_left_out(tmp_path):
    choice = EpochChoice(tmp_path, images=0)
    assert list(validated(choice, [(0.5, None, 0.4)])) == ["source_mAP", "oracle"]
    assert list(validated(EpochChoice(tmp_path), [(0.5, 0.125, None)])) == ["source_mAP", "label_free"]
    assert EpochChoice(tmp_path).chosen() == {}


def test_a_resumed_run_goes_on_with_the_epochs_it_knew_and_takes_later_ones_again(tmp_path):
    whole = EpochChoice(tmp_path / "whole")
    validated(whole, EPOCHS)
    known = EpochChoice(tmp_path / "known")
    validated(known, EPOCHS[:3])
    resumed = EpochChoice(tmp_path / "known")
    resumed.load_state_dict(json.loads(json.dumps(known.state_dict())))
    assert resumed.chosen() == known.chosen()
    again = validated(resumed, EPOCHS[1:], first=2)
    assert {name: best["epochs"] for name, best in again.items()} == {
        name: best["epochs"] for name, best in whole.chosen().items()
    }


def test_a_negative_number_of_images_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"images=-1 must be a whole number of at least 0"):
        EpochChoice(tmp_path, images=-1)


def test_without_a_data_module_there_are_no_images_to_look_at(tmp_path):
    plain = SimpleNamespace(datamodule=None, val_check_interval=1.0, check_val_every_n_epoch=1)
    with pytest.raises(ValueError, match=r"2000 of the target's training images: give the Trainer a DomainPairData"):
        EpochChoice(tmp_path).setup(plain, None, "fit")
    EpochChoice(tmp_path, images=0).setup(plain, None, "fit")
    EpochChoice(tmp_path).setup(plain, None, "test")


@pytest.mark.parametrize(
    "options", [{"val_check_interval": 0.5}, {"val_check_interval": 1}, {"check_val_every_n_epoch": None}]
)
def test_two_validations_of_an_epoch_are_no_epochs_to_choose_from(tmp_path, options, data):
    run = trainer(**({"val_check_interval": 1} | options), callbacks=[EpochChoice(tmp_path, images=0)])
    with pytest.raises(ValueError, match=r"val_check_interval would validate within an epoch, and an epoch is what is"):
        run.fit(build(attention_loops=0), data)


def test_a_run_reports_the_choices_side_by_side(drawn_pair, tmp_path, dien):
    arguments = (*TINY, "trainer.check_val_every_n_epoch=1", f"data_root={drawn_pair}", f"run_dir={tmp_path / 'run'}")
    finished = dien("train", *arguments).done()
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    choices = results["checkpoints"]
    assert list(choices) == ["last", "source_mAP", "label_free", "oracle"]
    assert [name for name, choice in choices.items() if choice["uses_target_labels"]] == ["oracle"]
    assert results["target"] == choices["last"]["target"]  # the headline
    metrics = [row for row in rows(tmp_path / "run") if row["val/target_reciprocity"]]
    assert len(metrics) == 2
    for name, column in (
        ("source_mAP", "val/source_mAP"),
        ("label_free", "val/target_reciprocity"),
        ("oracle", "val/target_mAP"),
    ):
        assert choices[name]["by"] == column
        assert choices[name]["score"] == pytest.approx(max(float(row[column]) for row in metrics))
        assert (tmp_path / "run" / choices[name]["network"]).is_file()
    for title in CHOICES.values():
        assert title in finished.stdout
