"""`dien calibrate` and `dien same`: from labelled or marked pictures to "looks alike", and what they refuse."""

from __future__ import annotations

import itertools
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import normalize

from dien_lightning.calibration import calibrate, pairs_across_cameras
from dien_lightning.network import DIEN, fingerprint, load_network, save_network

NUM_PEOPLE, FEWEST = 24, "false_matches=20"


def write_people(root, suffix="", num_people=NUM_PEOPLE):
    """People of a color each, in two cameras: root/PERSON/cam0.png."""
    rng = np.random.default_rng(0)
    for person, color in enumerate(rng.integers(40, 216, (num_people, 1, 1, 3))):
        for camera in range(2):
            pixels = (color + rng.normal(scale=12, size=(64, 32, 3))).clip(0, 255).astype(np.uint8)
            (root / f"{person:02d}").mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / f"{person:02d}" / f"cam{camera}{suffix}.png")


@pytest.fixture(scope="module")
def made(module_folder):
    """A network without a calibration, its statistics those of the people's pictures."""
    torch.manual_seed(0)
    network = DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=0, image_size=(64, 32))
    write_people(module_folder / "crops")
    paths = sorted((module_folder / "crops").glob("*/*.png"))
    pixels = torch.stack([torch.from_numpy(np.array(Image.open(path))) for path in paths]).permute(0, 3, 1, 2)
    network.gather_statistics([(pixels / 255 - 0.5) / 0.25], "target")
    save_network(network, module_folder / "network.safetensors")
    rows = [
        f"crops/{a:02d}/cam0.png,crops/{b:02d}/cam1.png,{a == b}" for a, b in itertools.product(range(24), repeat=2)
    ]
    (module_folder / "marks.csv").write_text("\n".join(["image_a,image_b,same", *rows]))
    return module_folder


@pytest.fixture
def dien(made, tmp_path, dien, monkeypatch):
    """Run a command in a folder that has them."""
    shutil.copy(made / "network.safetensors", tmp_path)
    for name in ("crops", "marks.csv"):
        (tmp_path / name).symlink_to(made / name)
    monkeypatch.chdir(tmp_path)
    return dien


OWN = ["checkpoint=network.safetensors", "data=crops", r"camera_pattern=cam(\d)", FEWEST]


def test_from_labelled_pictures_to_an_answer(dien, tmp_path):
    before = load_network("network.safetensors")
    done = dien("calibrate", *OWN).done()
    assert "crops: the target's labelled people, embedded with the target's statistics." in done.stdout
    assert (
        "It rests on 24 people: 24 pairs of one person, 552 of strangers (276 pairs of people), from 2 ca"
        in done.stdout
    )
    after = load_network("network.safetensors")
    about = after.calibration.about
    assert (about["data"], about["split"], about["cameras"]) == ("crops", "train", 2)
    assert all(torch.equal(after.state_dict()[name], tensor) for name, tensor in before.state_dict().items())
    alike = dien("same", "crops/03/cam0.png", "crops/03/cam0.png", "checkpoint=network.safetensors").stdout
    assert alike.startswith("crops/03/cam0.png and crops/03/cam0.png look alike: distance 0.000, likelihood ratio ")
    assert "At most 1 in 276 strangers looks this alike.\nThis rests on 24 people" in alike
    assert " is the same" not in alike
    far = dien("same", "crops/03/cam0.png", "crops/07/cam1.png", "checkpoint=network.safetensors").stdout
    assert "look unlike" in far or "look somewhat alike" in far


def test_from_marked_pairs(dien):
    done = dien(
        "calibrate", "checkpoint=network.safetensors", "marks=marks.csv", FEWEST, "output=new/marked.safetensors"
    ).done()
    assert "marks.csv: pairs of the target that somebody has marked, embedded with" in done.stdout
    assert "It rests on 24 people: 24 pairs of one person, 552 of strangers (276 pairs of people).\n" in done.stdout
    assert "Note: marked pairs are those that a search had put first" in done.stdout
    assert load_network("network.safetensors").calibration is None
    said = dien("same", "crops/03/cam0.png", "crops/03/cam1.png", "checkpoint=new/marked.safetensors").stdout
    assert said.rstrip().endswith("strangers look more alike among them than strangers do.")


def test_marked_pairs_of_one_camera_or_picture_are_left_out_and_counted(dien, tmp_path):
    rows = (tmp_path / "marks.csv").read_text().splitlines()
    told = [f"{row},2,{3 if 'cam1' in row else ''}" for row in rows[1:]]
    told += [f"crops/{a:02d}/cam0.png,crops/{a + 1:02d}/cam0.png,no,2,2" for a in range(9)]
    shutil.copy("crops/05/cam0.png", "dropped.png")  # as a page keeps a picture that was dropped there
    told.append("dropped.png,crops/05/cam0.png,yes,,2")
    (tmp_path / "told.csv").write_text("\n".join([rows[0] + ",camera_a,camera_b", *told]))
    done = dien("calibrate", "checkpoint=network.safetensors", "marks=told.csv", "domain=source", FEWEST).done()
    assert "what they show does not carry over" in done.stdout
    assert "Note: marked pairs are those that a search had put first" in done.stdout
    assert "(276 pairs of people). Left out: 10 pairs of one camera or one picture.\n" in done.stdout


def test_a_picture_beside_its_own_copy_is_no_pair_of_one_person(dien, tmp_path):
    shutil.copytree("crops", "doubled")
    for person in range(9):
        shutil.copy(f"crops/{person:02d}/cam0.png", f"doubled/{person:02d}/again.png")
    words = ["checkpoint=network.safetensors", "cameras=none", "output=new.safetensors", FEWEST]
    done = dien("calibrate", "data=doubled", *words)
    assert done.code == 0, done.stderr
    assert "It rests on 24 people: 33 pairs of one person, " in done.stdout
    assert " pairs of people). Left out: 9 pairs of one picture.\n" in done.stdout


def test_pairs_of_no_known_camera_hold_for_no_two_cameras(dien, tmp_path):
    dien("calibrate", "checkpoint=network.safetensors", "data=crops", "cameras=none", "output=new.safetensors", FEWEST)
    done = dien("same", "crops/03/cam0.png", "crops/03/cam1.png", "checkpoint=new.safetensors").done()
    assert "This rests on 24 people: crops, the target's labelled people. To look alike is not" in done.stdout


def test_the_sources_people_are_those_held_out_and_said_not_to_carry_over(dien, tmp_path):
    for split in ("query", "gallery"):
        write_people(tmp_path / "source" / split)
    words = ["checkpoint=network.safetensors", "domain=source", r"camera_pattern=cam(\d)", FEWEST]
    done = dien("calibrate", *words, "data=source")
    assert (
        "source: taken for the source's people, held out, embedded with the target's statistics." in done.stdout
    )  # it has no own
    assert "Note: these are people of the source: what they show does not carry over" in done.stdout
    assert "the source's people must be held out of its training" in dien("calibrate", *words, "data=crops").stderr
    write_people(tmp_path / "source" / "train", num_people=3)
    said = dien("calibrate", *words, "data=source").stderr
    assert "held out of its training, and 3 people of query and gallery train, too; name a set whose" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Give either data=... or marks=..."),
        (["data=crops", "marks=marks.csv"], "Give either data=... or marks=..."),
        (["marks="], "marks= is empty; write marks=VALUE, or leave it out."),
        (["marks=marks.csv", "cameras=none"], "cameras=none is for data=..., and marks are read without it"),
        (["marks=marks.csv", "split=train"], "split=train is for data=..., and marks are read without it"),
        (["data=market1501", "layout=csv"], "layout=csv: data=market1501 has its own; leave it out"),
        (["data=crops", "method=kde"], "method='kde' is not allowed; choose one of logistic, isotonic"),
        (["data=crops", "cameras=no"], "cameras='no' is not allowed; choose one of required, none"),
        (["data=crops", "false_matches=0"], "false_matches=0.0 is out of range"),
        (["data=nowhere"], "data=nowhere is neither a data set of the catalogue nor a folder or table that exists."),
        (["data=crops"], "no pair of two people from different cameras: 48 labelled images of 1 camera; label more"),
        (["data=crops", r"camera_pattern=cam(\d)", "false_matches=1"], "is finer than 276 pairs of people can show"),
        (["data=crops", "split=query"], "split='query' is not allowed; choose one of None, test, train"),
        (["data=crops", "split=test", r"camera_pattern=cam(\d)"], "has no labelled people in split=test"),
        (["data=crops", "output=network.onnx"], "network.onnx is no .safetensors file; name one"),
        (["data=nowhere", "output=/dev/null/x.safetensors"], "output=/dev/null/x.safetensors cannot be written to"),
        (["marks=crops/03/cam0.png"], "marks=crops/03/cam0.png cannot be read"),
    ],
)
def test_what_cannot_be_calibrated_changes_nothing(words, said, dien, tmp_path):
    before = (tmp_path / "network.safetensors").read_bytes()
    assert said in dien("calibrate", "checkpoint=network.safetensors", *words).refusal()
    assert (tmp_path / "network.safetensors").read_bytes() == before


def test_a_calibration_from_python_that_does_not_say_whose_pairs_it_is_of_answers(dien, tmp_path):
    network = load_network("network.safetensors")
    people = np.arange(24).repeat(2)
    units = normalize(torch.eye(24).repeat_interleave(2, 0) + 0.1 * torch.rand(48, 24), dim=1)
    pairs = pairs_across_cameras(units, people, [0, 1] * 24)
    named = {"fingerprint": fingerprint(network), "domain": "target"}
    network.calibration = calibrate(pairs, **named, false_matches=20)
    save_network(network, "calibrated.safetensors")
    done = dien("same", "crops/03/cam0.png", "crops/03/cam1.png", "checkpoint=calibrated.safetensors").done()
    assert "This rests on 24 people, and holds for pictures from two cameras." in done.stdout


def test_too_few_people_are_refused(dien, tmp_path):
    write_people(tmp_path / "few", num_people=19)
    said = dien("calibrate", *OWN[:1], "data=few", *OWN[2:]).stderr
    assert "19 people have two pictures that make a pair, and a calibration needs at least 20" in said


def test_same_refuses_a_frame_as_a_search_does(dien, tmp_path):
    Image.new("RGB", (64, 32)).save(tmp_path / "frame.png")
    sentence = dien("same", "crops/03/cam0.png", "frame.png", "checkpoint=network.safetensors").refusal()
    assert "frame.png is 64 wide and 32 high: a frame, or two people side by side. Cut out one upright" in sentence


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["crops/03/cam0.png"], "1 given; name two images: dien same A B checkpoint=FILE."),
        (
            ["crops/03/cam0.png", "crops/03/cam1.png"],
            "network.safetensors was not calibrated, so a distance says nothing",
        ),
        (["crops/03/cam0.png", "crops/03/cam1.png", "chekpoint=x"], "'chekpoint' is not an option; did you mean check"),
    ],
)
def test_same_refuses(words, said, dien):
    done = dien("same", *words, "checkpoint=network.safetensors")
    assert (done.code, said in done.stderr) == (1, True), done.stderr
