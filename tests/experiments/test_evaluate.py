"""scripts/evaluate.py as a user calls it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
import torch

from dien_lightning import DIEN, save_network
from library.data.folders import write_image, write_market

FAST = ("data.num_workers=0", "accelerator=cpu", "precision=32-true")


@pytest.fixture(scope="module")
def network_file(tmp_path_factory):
    """A network with random weights, which is enough to rank by."""
    path = tmp_path_factory.mktemp("network") / "network.safetensors"
    save_network(DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=1, image_size=(64, 32)), path)
    return path


def evaluate(dien, *arguments):
    return dien("evaluate", "data.target=pedestrians_night", *FAST, *arguments)


def test_writes_the_figures_and_their_protocol(network_file, drawn_pair, tmp_path, dien):
    arguments = (f"checkpoint={network_file}", f"data_root={drawn_pair}", f"output={tmp_path}")
    finished = evaluate(dien, *arguments).done()
    results = json.loads((tmp_path / "results.json").read_text())
    assert 0 <= results["target"]["rank1"] <= results["target"]["rank5"] <= 1
    assert results["protocol"]["num_queries"] == 8
    assert results["protocol"]["statistics"] == {"target": "source"}  # none were gathered
    assert len(results["passes"]) == 2
    assert "Protocol: junk (pid -1) dropped" in finished.stdout


def test_images_have_the_size_that_the_network_was_trained_at(network_file, drawn_pair, tmp_path, dien, monkeypatch):
    seen = []
    embed = DIEN.forward
    monkeypatch.setattr(DIEN, "forward", lambda self, images, *rest: seen.append(images) or embed(self, images, *rest))
    arguments = (f"checkpoint={network_file}", f"data_root={drawn_pair}", f"output={tmp_path}")
    evaluate(dien, *arguments).done()
    assert {tuple(images.shape[2:]) for images in seen} == {(64, 32)}


def test_never_writes_over_other_results(network_file, drawn_pair, tmp_path, dien):
    (tmp_path / "results.json").write_text("mine")
    arguments = (f"checkpoint={network_file}", f"data_root={drawn_pair}", f"output={tmp_path}")
    said = evaluate(dien, *arguments).refusal()
    assert f"error: output={tmp_path} holds a results.json; choose another folder." in said
    assert (tmp_path / "results.json").read_text() == "mine"
    assert "error: output= is empty; name a folder or a file" in evaluate(dien, "checkpoint=x", "output=").refusal()


def test_a_folder_that_cannot_be_written_to_is_told_before_the_network_is_read(tmp_path, dien, monkeypatch):
    def full(dir):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    said = evaluate(dien, "checkpoint=nowhere", f"output={tmp_path}").refusal()
    assert f"output={tmp_path} cannot be written to (No space left on device); give write access, make room" in said


@pytest.mark.parametrize(
    ("command", "name"), [("evaluate", "output"), ("train", "run_dir"), ("translate", "run_dir"), ("umdl", "run_dir")]
)
def test_no_folder_is_told_as_a_user_wrote_it(command, name, dien):
    said = dien(command, *(["checkpoint=x", "data.target=msmt17"] * (command == "evaluate")), f"{name}=null").refusal()
    assert f"error: {name}=null names no folder; name one, or leave {name}= out." in said


def test_results_lie_by_the_targets_name_where_no_folder_is_given(
    network_file, drawn_pair, tmp_path, dien, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    evaluate(dien, f"checkpoint={network_file}", f"data_root={drawn_pair}").done()
    assert (tmp_path / "outputs" / "evaluate" / "pedestrians_night" / "results.json").is_file()


def test_each_job_of_a_sweep_has_its_own_results(network_file, drawn_pair, tmp_path, dien):
    arguments = (f"checkpoint={network_file}", f"data_root={drawn_pair}", f"output={tmp_path}", *FAST)
    swept = "data.target=pedestrians_day,pedestrians_night"
    dien("evaluate", "-m", *arguments, swept).done()
    written = [json.loads(path.read_text()) for path in tmp_path.glob("*/results.json")]
    targets = {word for results in written for word in results["command"].split() if word.startswith("data.target=")}
    assert targets == {"data.target=pedestrians_day", "data.target=pedestrians_night"}


def test_every_refinement_is_marked(network_file, drawn_pair, tmp_path, dien):
    arguments = (f"checkpoint={network_file}", f"data_root={drawn_pair}", f"output={tmp_path}")
    options = ("flip=true", "multi_query=true", "expansion=2", "rerank=true", "gather_statistics=true")
    evaluate(dien, *arguments, *options, "data.cameras=none").done()
    protocol = json.loads((tmp_path / "results.json").read_text())["protocol"]
    assert {"flip": True, "multi_query": True, "expansion": 2, "rerank": True}.items() <= protocol.items()
    assert protocol["same_camera"] == "keep"
    assert protocol["statistics"] == {"target": "target"}
    assert protocol["num_queries"] == 4  # without cameras, one query per person


@pytest.fixture
def market(tmp_path):
    """Four people before two cameras; in the gallery six images of nobody, first in the alphabet as Market's are."""
    folder = write_market(tmp_path / "market1501", test_ids=4)
    for number in range(5):
        write_image(folder / "bounding_box_test" / f"-1_c2s1_90001{number}_00.jpg", 910 + number)
    for seed, path in enumerate(sorted((folder / "query").iterdir())):
        for number in range(2):
            write_image(folder / "gt_bbox" / path.name.replace("_00.jpg", f"_0{number}.jpg"), 950 + 2 * seed + number)
    return folder


def ranked(network_file, market, dien, *options):
    output = market.parent / "-".join(["out", *options]).replace(".", "_").replace("=", "_")
    arguments = (f"checkpoint={network_file}", "data.target=market1501", f"data.target_root={market}")
    evaluate(dien, *arguments, f"output={output}", *options).done()
    results, lists = (json.loads((output / name).read_text()) for name in ("results.json", "rankings.json"))
    return results, lists["queries"]


VARIANTS = {
    "protocol.junk=distractor": {"junk": "distractor", "num_junk": 0, "num_gallery": 15},
    "protocol.same_camera=keep": {"same_camera": "keep", "num_same_camera": 0},
    "data.cameras=none": {"same_camera": "keep", "num_same_camera": 0},
    "protocol.queries=all": {"queries": "all"},
    "protocol.average_precision=trapezoid": {"average_precision": "trapezoid"},
    "protocol.ties=match first": {"ties": "match first"},
    "protocol=leave_one_out": {"search": "leave_one_out", "num_queries": 18, "num_gallery": 18},
}


@pytest.mark.parametrize("option", VARIANTS)
def test_every_variant_of_the_protocol_has_an_option(option, network_file, market, dien):
    write_image(market / "query" / "0099_c1s1_990000_00.jpg", 990)  # whom the gallery has not
    plain, _ = ranked(network_file, market, dien)
    results, _ = ranked(network_file, market, dien, option)
    assert (plain["protocol"]["num_junk"], plain["protocol"]["num_gallery"]) == (6, 9)
    assert {name: results["protocol"][name] for name in VARIANTS[option]} == VARIANTS[option]
    figures = results["target"]
    if option == "protocol.average_precision=trapezoid":
        assert figures["mAP"] == figures["mAP_trapezoid"] == plain["target"]["mAP_trapezoid"]
    if option == "protocol.junk=distractor":
        assert figures["mAP"] < plain["target"]["mAP"]
    if "same_camera" in VARIANTS[option]:
        assert figures["mAP"] != plain["target"]["mAP"]
    if option == "protocol.queries=all":
        assert figures["mAP"] == pytest.approx(plain["target"]["mAP"] * 8 / 9)


def test_where_all_images_look_alike_the_rule_for_ties_decides(market, dien):
    network = DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=0, image_size=(64, 32))
    torch.nn.init.zeros_(network.embedding[1].weight)
    torch.nn.init.ones_(network.embedding[1].bias)
    blind = market.parent / "blind.safetensors"
    save_network(network, blind)
    plain, _ = ranked(blind, market, dien)
    results, _ = ranked(blind, market, dien, "protocol.ties=match first")
    assert plain["target"]["mAP"] < results["target"]["mAP"] == 1


@pytest.mark.parametrize(
    "options", [(), ("multi_query=true",), ("expansion=2",), ("rerank=true",), ("data.cameras=none", "rerank=true")]
)
def test_ranked_lists_agree_with_the_figures(options, network_file, market, dien):
    results, lists = ranked(network_file, market, dien, *options)
    assert len(lists) == results["protocol"]["num_queries"] == 8
    for query in lists:
        person = Path(query["path"]).name.split("_")[0]
        assert query["pid"] == int(person)
        assert ("gt_bbox" if "multi_query=true" in options else "query") in query["path"]
        images = query["gallery"]
        assert all(Path(image["path"]).parent.name == "bounding_box_test" and image["pid"] != -1 for image in images)
        assert all(int(Path(image["path"]).name.split("_")[0]) == image["pid"] for image in images)
        places = [place for place, image in enumerate(images, start=1) if image["match"]]
        precisions = [number / place for number, place in enumerate(places, start=1)]  # of the whole gallery
        assert query["average_precision"] == pytest.approx(sum(precisions) / len(precisions))
    mean = sum(query["average_precision"] for query in lists) / len(lists)
    assert mean == pytest.approx(results["target"]["mAP"])


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("checkpoint=/nowhere.ckpt",), "checkpoint=/nowhere.ckpt is not a file"),
        ((), "checkpoint"),
        (("checkpoint=pyproject.toml",), "cannot be read as a DIEN network"),
        (("checkpoint={network}", "data.target=duke"), "duke"),
        (("checkpoint={network}", "rerank=no"), "rerank='no' must be true or false"),
        (("checkpoint={network}", "expansion=1.5"), "expansion=1.5 must be a whole number of at least 0"),
        (("checkpoint={network}", "reranking.k1=1.5"), "k1=1.5 must be a whole number of at least 1"),
        (("checkpoint={network}", "protocol=clothes_changing"), "clothes='changed' asks what people wear"),
        (("checkpoint={network}", "protocol=sysu_all"), "search='sysu_all' takes query images of the cameras 3, 6"),
        (("checkpoint={network}", "protocol.junk=maybe"), "junk='maybe' is not a protocol; choose one of drop"),
    ],
)
def test_bad_input_ends_in_one_sentence(overrides, words, network_file, drawn_pair, tmp_path, dien):
    named = [override.format(network=network_file) for override in overrides]
    assert words in evaluate(dien, f"data_root={drawn_pair}", f"output={tmp_path / 'out'}", *named).refusal()


def test_a_target_without_query_and_gallery_is_told(network_file, drawn_pair, tmp_path, dien):
    write_image(tmp_path / "crops" / "1.jpg")
    sets = ("data.source=pedestrians_day", "data.num_ids=3", "data.target=folder", f"data.target_root={tmp_path}/crops")
    arguments = (f"checkpoint={network_file}", f"data_root={drawn_pair}", f"output={tmp_path}/out", *FAST, *sets)
    said = dien("evaluate", *arguments).refusal()
    assert f"error: {tmp_path}/crops has no labelled query and gallery to rank; name a set that has." in said


def test_a_gallery_alone_is_ranked_by_leave_one_out(network_file, market, tmp_path, dien):
    paths = sorted((market / "bounding_box_test").glob("*_c*.jpg"))
    rows = [f"{path},{path.name.split('_')[0]},{path.name.split('_c')[1][0]},gallery" for path in paths]
    (tmp_path / "t.csv").write_text("\n".join(["path,pid,camid,split", *rows]))
    arguments = (f"checkpoint={network_file}", "data.target=csv", f"data.target_root={tmp_path}/t.csv", *FAST)
    finished = dien("evaluate", *arguments, f"output={tmp_path}/1")
    assert "t.csv has no labelled query and gallery to rank; rank it by protocol=leave_one_out." in finished.stderr
    dien("evaluate", *arguments, f"output={tmp_path}/2", "protocol=leave_one_out").done()
    protocol = json.loads((tmp_path / "2/results.json").read_text())["protocol"]
    assert (protocol["num_queries"], protocol["num_gallery"], protocol["num_valid_queries"]) == (9, 9, 8)
