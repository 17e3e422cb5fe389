from __future__ import annotations

import re

import pytest

from dien_lightning.experiments.metrics import read_curves
from dien_lightning.experiments.reports.curves import curve_galleries, smooth, thin
from dien_lightning.experiments.reports.loops import figure_3
from dien_lightning.experiments.reports.plots import SERIES, new_plot, page_style, to_svg
from dien_lightning.experiments.reports.sweeps import sweep_galleries
from dien_lightning.experiments.results import Results
from experiments.reports.finished_runs import write_record


def test_a_drawing_follows_the_pages_colors_and_names_no_address():
    with page_style():
        figure, axes = new_plot()
        axes.plot([0, 1], [0, 1], color=SERIES[1])
        axes.set_title("a < b, 0.0151")
        svg = to_svg(figure, "x")
        assert svg == to_svg(figure, "x")
    assert svg.startswith("<svg")
    assert "var(--series-2)" in svg
    assert "var(--ink)" in svg
    assert "#0101" not in svg
    assert "#0102" not in svg
    assert "http" not in svg
    assert "a &lt; b, 0.0151<" in svg  # text keeps its digits, drawing does not need them
    assert not re.search(r"<[^>]*\d\.\d{3}", svg)


def write_curves(folder, **columns):
    folder.mkdir()
    names = [name.replace("__", "/") for name in columns]
    lines = [",".join(["step", "epoch", *names])]
    for step, cells in enumerate(zip(*columns.values(), strict=True)):
        lines.append(",".join([str(step), "0", *("" if cell is None else str(cell) for cell in cells)]))
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_curves_are_grouped_and_only_runs_with_the_term_are_in_a_drawing(tmp_path):
    base = write_curves(tmp_path / "base", train__loss_total=(4.0, 2.0))
    own = {"val__target_mAP": (None, 0.5), "val__target_reciprocity": (0.3, 0.4)}
    dien = write_curves(tmp_path / "dien", train__loss_total=(5.0, 3.0), train__loss_new=(1.0, None), **own)
    assert read_curves(dien)["val/target_mAP"] == [(1, 0.5)]  # empty cells are left out
    losses, validation = curve_galleries({"Base": base, "DIEN": dien})
    assert [losses.title, validation.title] == ["Losses", "Validation"]
    assert losses.plots[0].alt == "Total loss by training step: Base from 4 to 2; DIEN from 5 to 3."
    assert losses.plots[1].alt == "loss_new by training step: DIEN from 1 to 1."
    assert validation.plots[0].alt == "Target mAP, % by training step: DIEN from 50 to 50."
    assert validation.plots[1].alt.endswith("share by training step: DIEN from 0.3 to 0.4.")  # no percent


def test_thinning_and_smoothing_keep_the_mean_of_a_line():
    curve = [(step, 3.0) for step in range(1000)]
    assert len(thin(curve)) == 200
    assert smooth([value for _, value in thin(curve)]) == [3.0] * 200
    assert thin([]) == []


@pytest.fixture
def series(tmp_path):
    rows = ("r05_cccdtl_dc", "r06_full_t1", "r07_full_t2")
    return {
        direction: [
            Results.read(write_record(tmp_path, row, 0.4 + 0.1 * number + 0.02 * seed, direction=direction, seed=seed))
            for number, row in enumerate(rows)
            for seed in (0, 1)
        ]
        for direction in ("day2night", "night2day")
    }


def test_figure_3_shows_rank1_weights_and_passes_for_each_t(series):
    against, weights, passes = figure_3(series, {"day2night": 0.3})
    assert "Dashed: the control" in against.caption
    assert "61.0 at T = 2, control 30.0" in against.plots[0].alt
    # the mean of 0.4 and 0.42, of 0.5 and 0.52, of 0.6 and 0.62
    assert "day2night: 41.0 at T = 0, 51.0 at T = 1, 61.0 at T = 2" in against.plots[0].alt
    assert [plot.alt.split(".")[0] for plot in weights.plots] == [
        "T = 1, weight, by pass",
        "T = 2, weight, by pass",
    ]
    assert "day2night: 0.500, 0.550" in weights.plots[0].alt
    for gallery in (weights, passes):  # one range of values for every T
        first, second = (re.findall(r">(\d+(?:\.\d+)?)</text>", plot.svg) for plot in gallery.plots)
        assert len(first) > 4
        assert second[-(len(first) - 2) :] == first[2:]  # T = 1 has two ticks by pass, T = 2 three
    assert "passes 57.0, 59.0, 61.0, fused 61.0" in passes.plots[1].alt
    assert [entry.label for entry in passes.legend] == ["day2night", "night2day"]


def sweep(tmp_path, **axes):
    runs = []
    for number, values in enumerate(zip(*axes.values(), strict=True)):
        settings = {f"objective.{name}": value for name, value in zip(axes, values, strict=True)}
        runs.append(
            Results.read(write_record(tmp_path / str(number), "r05_cccdtl_dc", 0.1 * (number + 1), changed=settings))
        )
    return runs


def test_two_settings_make_a_surface_with_every_figure(tmp_path):
    runs = sweep(tmp_path, center_weight=(0, 0, 5, 5), triplet_weight=(0.2, 1, 0.2, 1))
    (gallery,) = sweep_galleries({"lambda": runs})
    assert gallery.plots[0].alt.endswith("10.0 at 0, 0.2; 20.0 at 0, 1; 30.0 at 5, 0.2; 40.0 at 5, 1.")
    assert "4 runs of Base + CCCDTL + DC of 500 steps on data, seed 0." in gallery.caption


def test_a_sweep_says_what_it_was_run_on_and_keeps_directions_apart(tmp_path):
    settings = {"trainer.max_epochs": 5, "data.steps_per_epoch": 50, "data.root": "data/drawn1"}
    runs = [
        Results.read(
            write_record(
                tmp_path / f"{weight}",
                "r05_cccdtl_dc",
                rank1,
                direction=direction,
                changed={**settings, "objective.center_weight": weight},
            )
        )
        for direction, rank1 in (("day2night", 0.3), ("night2day", 0.8))
        for weight in (0, 1)
    ]
    galleries = sweep_galleries({"lambda": runs})
    assert [gallery.title for gallery in galleries] == ["Sweep lambda, day → night", "Sweep lambda, night → day"]
    assert "2 runs of Base + CCCDTL + DC of 250 steps on data/drawn1, seed 0." in galleries[0].caption
    assert galleries[1].plots[0].alt.endswith("in percent: 80.0 at 0, 80.0 at 1.")


@pytest.mark.parametrize(
    ("row", "settings", "words"),
    [
        ("r03_cccdtl", {}, r"has objective\.triplet=cross_domain \(not exemplar\), unlike .*r02_exemplar_day2night_0"),
        ("r02_exemplar", {"network.weights": "imagenet"}, r"has network\.weights=imagenet \(not None\)"),
    ],
)
def test_runs_that_differ_in_more_than_the_sweep_are_told(tmp_path, row, settings, words):
    first = write_record(tmp_path / "1", "r02_exemplar", 0.2, changed={"objective.triplet_weight": 0.2})
    second = write_record(tmp_path / "2", row, 0.8, changed={"objective.triplet_weight": 1, **settings})
    with pytest.raises(ValueError, match=f"the runs of sweep lambda are not one sweep: .* {words}"):
        sweep_galleries({"lambda": [Results.read(first), Results.read(second)]})


def test_masks_of_another_kind_are_another_sweep(tmp_path):
    runs = [
        Results.read(
            write_record(
                tmp_path / str(stride),
                "r06_full_t1",
                0.2,
                changed={"objective.center_weight": stride, "network.attention_stride": stride},
            )
        )
        for stride in (1, 4)
    ]
    with pytest.raises(ValueError, match=r"has network\.attention_stride=4 \(not 1\)"):
        sweep_galleries({"lambda": runs})


def test_surfaces_of_three_settings_say_that_they_show_means(tmp_path):
    axes = {"center_weight": (0, 0, 5, 5), "triplet_weight": (1, 2, 1, 2), "domain_weight": (1, 2, 2, 1)}
    (gallery,) = sweep_galleries({"all": sweep(tmp_path, **axes)})
    assert len(gallery.plots) == 3
    assert "each the mean over the settings that its surface does not show, 4 runs" in gallery.caption


def test_a_missing_corner_of_a_surface_stays_empty(tmp_path):
    runs = sweep(tmp_path, center_weight=(0, 5, 5), triplet_weight=(1, 0.2, 1))
    assert "– at 0, 0.2" in sweep_galleries({"lambda": runs})[0].plots[0].alt


def test_one_setting_makes_a_line(tmp_path):
    (gallery,) = sweep_galleries({"lambda": sweep(tmp_path, center_weight=(0, 1, 5))})
    assert gallery.plots[0].alt == "Target rank-1 by λ (center weight), in percent: 10.0 at 0, 20.0 at 1, 30.0 at 5."


def test_runs_that_differ_in_nothing_are_told(tmp_path):
    with pytest.raises(ValueError, match=r"the 2 runs of sweep x differ in none of network.attention_loops"):
        sweep_galleries({"x": sweep(tmp_path, center_weight=(1, 1))})
