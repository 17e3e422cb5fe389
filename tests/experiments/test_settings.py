"""Which settings make two runs differ, older records among them."""

from __future__ import annotations

from copy import deepcopy

import pytest
from omegaconf import OmegaConf

from dien_lightning import DIEN, save_network
from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.older_runs import as_today
from dien_lightning.experiments.run_folder import check_resumed
from dien_lightning.experiments.settings import conditions, difference, note_start, same_run


@pytest.fixture(scope="module")
def table():
    return conditions(compose_config(["experiment=table"]))


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ([], ""),
        (["data.num_workers=7", "data.eval_batch_size=8", "trainer.accelerator=gpu", "trainer.devices=2"], ""),
        (["callbacks.choice.folder=elsewhere", "callbacks.health=null", "trainer.enable_progress_bar=false"], ""),
        (["data.on_error=skip"], ""),  # a run that stops at an unreadable image has met none
        (["data.gather_batch_size=64"], "data.gather_batch_size=128 (not 64)"),
        (["callbacks.choice.images=9"], "callbacks.choice.images=2000 (not 9)"),
        (["+trainer.max_steps=9"], "trainer.max_steps=None (not 9)"),
        (["protocol.queries=all"], "protocol.queries=valid (not all)"),
        (["data.cameras=none"], "data.cameras=required (not none), protocol.same_camera=drop (not keep)"),
        (["data_root=elsewhere"], "data.root=data (not elsewhere)"),
        (
            ["data.num_ids=4", "data_root=b", "optim.momentum=0", "seed=1"],
            "data.root=data (not b), data.num_ids=",
        ),
    ],
)
def test_what_decides_a_figure_is_compared(overrides, words, table):
    found = difference(table, conditions(compose_config(["experiment=table", *overrides])))
    assert found.startswith(words) if words else found == ""


@pytest.mark.parametrize(
    ("where", "overrides", "words"),
    [
        ("real images", ["data=market2duke", "data_root=elsewhere"], ""),
        (
            "real images",
            ["data=market2duke", "data.target=folder", "data.target_root=b"],
            "data.target_root=",
        ),
        ("no masks", ["network.attention_loops=0", "network.attention_stride=1", "optim.supervise=fused"], ""),
        ("no centre", ["objective.triplet=exemplar", "objective.center_weight=1"], ""),
        ("centre", ["objective.center_weight=1"], "objective.center_weight=5.0 (not 1)"),
    ],
)
def test_what_has_no_effect_is_not_compared(where, overrides, words):
    plain = {"real images": ["data=market2duke"], "no masks": ["network.attention_loops=0"]}
    plain["no centre"] = ["objective.triplet=exemplar"]
    had, asked = (conditions(compose_config(["experiment=table", *more])) for more in (plain.get(where, []), overrides))
    assert words in difference(had, asked)
    assert bool(words) == bool(difference(had, asked))


def test_what_a_record_does_not_say_is_as_it_was_before_there_was_a_choice(table):
    old = deepcopy(table)
    for group, name in (("network", "attention_stride"), ("data", "gather_batch_size"), ("objective", "margin")):
        del old[group][name]
    del old["callbacks"]
    old["protocol"] = {"ties": "non-match first", "junk": "drop", "single_gallery_shot": False}
    old["network"]["attention_input"] = "raw"  # there is no choice any more
    old["data"]["eval_batch_size"] = 64  # whose batches the control was gathered from
    assert difference(old, table) == (
        "data.gather_batch_size=64 (not 128), network.attention_stride=1 (not 4), objective.margin=None (not 0.3)"
    )
    old = {**table, "network": {**table["network"], "attention_input": "normalized"}}
    assert difference(old, table) == "network.attention_input=normalized (not raw)"
    counted = conditions(compose_config(["experiment=table", "protocol=sysu_all"]))
    recorded = {**table, "protocol": {"ties": "non-match first"}}
    assert difference(recorded, counted) == "protocol.search=query (not sysu_all), protocol.draws=0 (not 10)"


def test_the_same_path_may_hold_another_network_and_another_the_same(tmp_path):
    given = ["experiment=second_stage", "ablation=base_self", f"start={tmp_path / 'network.safetensors'}"]
    older, first, other = (compose_config(given) for _ in range(3))
    for config in (older, first, other):
        note_start(config)  # of the older one there is no file to look into
        network = DIEN("mobilenet_v2", weights=None, embedding_dim=8, attention_loops=0)
        save_network(network, tmp_path / "network.safetensors")
    older, first, other = map(conditions, (older, first, other))
    assert difference(first, first) == difference(older, first) == difference(first, older) == ""
    assert difference(first, other).startswith("network.path_fingerprint=")
    assert difference(first, other, ignoring=["network.path"]) == ""  # as between two seeds of one row
    moved = {**first, "network": {**first["network"], "path": "outputs/final/network.safetensors"}}
    assert difference(first, moved) == ""
    assert difference(older, moved).startswith("network.path=")  # nothing says that it is the same
    assert difference({**moved, "network": {**moved["network"], "final_norm": True}}, first).startswith("network.final")


def test_automatic_precision_is_whatever_it_was_until_runs_are_added(table):
    half = {**table, "protocol": {**table["protocol"], "precision": "a"}}
    config = compose_config(["experiment=table"])
    assert difference(half, conditions(config)) == ""
    named = {**half, "trainer": {**half["trainer"], "precision": "a"}}
    assert difference(named, conditions(config)) == ""  # a run that was given its precision
    assert "protocol.precision=a (not " in difference(half, conditions(config, in_precision=True))
    config.trainer.precision = "32-true"
    assert difference(half, conditions(config)) == "protocol.precision=a (not 32-true)"
    half["protocol"]["precision"] = "32-true"
    assert difference(half, conditions(config)) == ""


def test_a_run_that_was_given_its_precision_goes_on_in_no_other(tmp_path):
    config = compose_config(["experiment=table", "trainer.precision=64-true"])
    (tmp_path / "config.yaml").write_text(OmegaConf.to_yaml(config))
    check_resumed(config, tmp_path)
    with pytest.raises(ValueError, match=r"is of a run with protocol\.precision=64-true \(not "):
        check_resumed(compose_config(["experiment=table"]), tmp_path)


def test_another_run_is_refused_with_the_difference(table):
    same_run("x.json", table, table, "Delete it.")
    other = {**table, "seed": 1}
    same_run("x.json", table, other, "Delete it.", ignoring=("seed",))
    with pytest.raises(ValueError, match=r"^x\.json is of a run with seed=0 \(not 1\), so .* Delete it\.$"):
        same_run("x.json", table, other, "Delete it.")


def test_an_older_runs_configuration_builds_what_it_built():
    old = compose_config(["experiment=table"])
    OmegaConf.update(old, "objective.reduction", "mean", force_add=True)
    OmegaConf.update(old, "objective.domain_hidden_dim", None, force_add=True)
    OmegaConf.update(old, "network.attention_widths", [128, 64], force_add=True)
    assert OmegaConf.to_container(as_today(old)) == OmegaConf.to_container(compose_config(["experiment=table"]))
    OmegaConf.update(old, "objective.reduction", "sum")
    assert as_today(old).objective.reduction == "sum"  # nothing can build that now, and it is not hidden
