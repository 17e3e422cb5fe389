"""results.json: what is written is read again, what is no run is told; and each record in results/ is one."""

from __future__ import annotations

import json
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dien_lightning import Protocol
from dien_lightning.experiments import umdl
from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.keys import CONF
from dien_lightning.experiments.results import FIGURES, Results, check_figure
from dien_lightning.experiments.settings import SEED, conditions, difference
from experiments.reports.finished_runs import results, write_record, write_run

RESULTS = CONF.parent / "results"
RECORDS = sorted(path for path in RESULTS.glob("*/**/*.json") if path.parent.name != "translations")


def test_what_is_written_is_read_again(tmp_path):
    run = Results.read(write_run(tmp_path / "run", "r07_full_t2", 0.5, images=tmp_path / "images", seed=3))
    assert (run.row, run.direction, run.seed, run.name) == ("r07_full_t2", "day2night", 3, "r07_full_t2_day2night_3")
    assert [figures["rank1"] for figures in run.passes] == pytest.approx([0.46, 0.48, 0.5])
    assert (run.setting("network.attention_loops"), run.setting("network.nothing.here", 7), run.steps) == (2, 7, 500)
    run.write(tmp_path / "again.json")
    again, first = (json.loads(path.read_text()) for path in (tmp_path / "again.json", run.path))
    assert again == first
    Results(target={"rank1": 0.5}).write(tmp_path / "little.json")
    assert json.loads((tmp_path / "little.json").read_text()) == {"target": {"rank1": 0.5}, "seed": 0}


def test_a_figure_is_had_by_its_name(tmp_path):
    run = Results.read(write_record(tmp_path, "r01_base", 0.3, control=0.4))
    names = ("target.mAP", "target_with_target_statistics.rank1", "checkpoints.oracle.epochs", "seconds")
    assert [run.figure(name) for name in names] == [0.15, 0.4, 4, 120.0]
    assert [run.figure(name) for name in ("source.nothing", "passes.mAP", "nothing.here")] == [None, None, None]
    for name in ("source.mAP", "target.mAP_trapezoid", "checkpoints.label_free.score", "checkpoints.last.target.mINP"):
        check_figure(name)
    for name in ("target.first.rank1", "source.map", "checkpoints.worst.score", "seed"):
        with pytest.raises(ValueError, match=rf"optimized={name} is no figure of results.json"):
            check_figure(name)


def test_a_folder_stands_for_its_records_or_for_a_sweeps_runs(tmp_path):
    for seed in (0, 1):
        write_record(tmp_path / "runs", "r04_dc", 0.3, seed=seed)
    for weight in (1, 5):
        write_run(tmp_path / "sweep" / f"weight={weight}", None, 0.2, images=tmp_path / "images")
    one = tmp_path / "sweep" / "weight=1"
    assert [run.seed for run in Results.read_all([tmp_path / "runs", one])] == [0, 1, 0]
    assert [run.name for run in Results.read_all([tmp_path / "sweep"])] == ["weight=1", "weight=5"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "has no results.json: the run has not finished. Go on with it by"),
        ("{", "results.json is torn, or no JSON: Expecting"),
        ("[]", "results.json is no run's results"),
        ('{"target": {"rank1": 0.5}, "fusion_weights": [null]}', "is not as dien train writes it: seed or fusion"),
        ('{"target": {"rank1": 0.5}, "checkpoints": {"last": null}}', "is not as dien train writes it: 'NoneTy"),
        ('{"target": {"rank1": 58.7}}', "target.rank1=58.7 is no fraction in [0, 1]"),
        ('{"protocol": {}, "source": {"rank1": 0.5}}', "has no figures of the target: it has no labelled query"),
    ],
)
def test_a_bad_run_is_told_in_one_sentence(content, words, tmp_path):
    (tmp_path / "config.yaml").write_text("row: null\n")
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        Results.read_all([tmp_path])
    assert words in str(error.value)


def test_a_missing_file_and_an_empty_folder_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.json is not there; name a run's folder, or its record"):
        Results.read(tmp_path / "nowhere.json")
    with pytest.raises(FileNotFoundError, match=r"holds no run: neither results\.json nor records"):
        Results.read_all([tmp_path])
    with pytest.raises(FileNotFoundError, match=r"holds no run: neither results\.json nor config\.yaml"):
        Results.read(tmp_path)


def test_a_run_without_source_or_target_is_read(tmp_path):
    content = {key: value for key, value in results("r04_dc", 0.3).items() if key not in ("source", "target")}
    (tmp_path / "results.json").write_text(json.dumps(content))
    assert (Results.read(tmp_path).source, Results.read(tmp_path).target) == ({}, {})


# ---- the records in results/ ----


@cache
def composed(command: str, overrides: tuple[str, ...]) -> dict[str, Any]:
    config = compose_config(overrides, command=command)
    return umdl.conditions_of(config) if command == "umdl" else conditions(config)


def folder_of(path: Path) -> str:
    return str(path.parent.relative_to(RESULTS))


@pytest.mark.parametrize("folder", sorted({folder_of(path) for path in RECORDS}))
def test_every_record_is_read_and_its_command_makes_its_run(folder):
    for run in Results.read_all(path for path in RECORDS if folder_of(path) == folder):
        words = shlex.split(run.command.replace("python scripts/train.py", "dien train"))
        assert words[0] == "dien", run.path
        # The seed changes nothing but a second stage's first network and k-means, and a configuration takes its time.
        is_second = run.setting("network.path") or run.setting("rounds.seed") is not None
        left_out = ("run_dir=",) if is_second else ("run_dir=", "seed=")
        overrides = tuple(word for word in words[2:] if word != "-m" and not word.startswith(left_out))
        assert not difference(run.conditions, composed(words[1], overrides), SEED), run.path
        assert run.setting("data.seed") == run.seed, run.path


def test_people_that_were_trained_on_are_not_called_held_out(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    figures = dict.fromkeys((*FIGURES, "mAP_trapezoid"), 0.5)
    Results(source=figures).show(Protocol())
    assert "source, held-out identities" in capsys.readouterr().out
    Results(source=figures, protocol={"num_source_people_in_training": 6}).show(Protocol())
    said = capsys.readouterr().out
    assert "source, 6 of its identities trained on" in said
    assert "held-out" not in said


@pytest.mark.parametrize(("epochs", "every", "is_said"), [(3, 2, True), (4, 2, False)])
def test_a_last_epoch_that_was_not_validated_is_not_taken_for_a_candidate(epochs, every, is_said, capsys):
    figures = dict.fromkeys((*FIGURES, "mAP_trapezoid"), 0.5)
    ended = {name: {"epochs": epochs, "target": figures, "source": figures} for name in ("last", "oracle")}
    settings = {"trainer": {"check_val_every_n_epoch": every}}
    Results(target=figures, source=figures, checkpoints=ended, settings=settings).show(Protocol())
    said = "The last epoch is not among those that the choices compare, one in every 2" in capsys.readouterr().out
    assert said == is_said
