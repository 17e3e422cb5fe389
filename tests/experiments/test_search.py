"""`dien search` and `dien store` on images of one's own."""

from __future__ import annotations

import csv
import os
import shutil

import pytest
import torch

from commands import run_command
from dien_lightning.data.listing import ListedImage
from dien_lightning.network import DIEN, Calibration, fingerprint, load_network, save_network
from dien_lightning.search import EmbeddingsFile
from dien_lightning.search.answers import with_cameras
from library.data.folders import write_image
from library.network.networks import small
from library.search.galleries import vectors, write


@pytest.fixture(scope="module")
def folder(module_folder):
    """A calibrated network, six crops of two cameras and a moment each, their embeddings, and a store of them."""
    network = small(0)
    about = {"fingerprint": fingerprint(network), "domain": "source", "pairs_of_people": 400}
    network.calibration = Calibration([0.01, 1.9], [2.0, -1.0], [1 / 400, 0.4], about)
    save_network(network, module_folder / "network.safetensors")
    for i in range(6):
        write_image(module_folder / "crops" / f"cam{i % 2}" / f"{i}.jpg", seed=i)
    words = [r"camera_pattern=cam(\d)", r"time_pattern=/(\d)\.", "accelerator=cpu", "threads=1"]
    paths = [f"checkpoint={module_folder}/network.safetensors", f"images={module_folder}/crops"]
    run_command("embed", *paths, *words, f"output={module_folder}/crops.parquet")
    run_command("store", "create", f"store={module_folder}/store", f"embeddings={module_folder}/crops.parquet")
    return module_folder


@pytest.fixture
def dien(folder, dien, monkeypatch):
    monkeypatch.chdir(folder)
    return lambda command, *words: dien(command, *words, *(["threads=1"] if command == "search" else []))


def found(folder):
    with (folder / "out.csv").open() as file:
        return [os.path.basename(row["image"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("gallery", ["crops.parquet", "store"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {"1.jpg", "3.jpg", "5.jpg"}),  # the query's own camera is 0
        (["same_camera=keep"], {"1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"}),
        (["camera=1", "after=3", "before=5"], {"3.jpg"}),
        (["after=9"], set()),
    ],
)
def test_filters_and_the_own_camera(gallery, words, expected, dien, folder):
    done = dien("search", f"gallery={gallery}", "query=crops/cam0/0.jpg", "output=out.csv", *words).done()
    assert set(found(folder)) == expected
    assert len(found(folder)) == len(expected)
    if not words:
        assert "0.jpg (without its own camera, 0)" in done.stdout
        assert "strangers looks this alike" in done.stdout
    if words == ["same_camera=keep"]:
        assert "of the query's own camera, where strangers look alike more often" in done.stdout
    if not expected:
        assert "nothing from another camera passes the filters" in done.stdout


def test_a_list_that_the_own_camera_leaves_empty_speaks_of_no_filter(dien, folder):
    write(folder / "one.parquet", vectors(2), [ListedImage(f"/crops/{i}.jpg", "0") for i in range(2)])
    done = dien("search", "gallery=one.parquet", "query=one.parquet")
    assert "      nothing from another camera is in the gallery" in done.stdout
    done = dien("search", "gallery=one.parquet", "query=one.parquet", "same_camera=keep", "camera=0", "after=1")
    assert "      nothing else passes the filters" in done.stdout


def test_a_new_crop_and_a_file_of_embeddings_are_queries_too(dien, folder):
    shutil.copy(folder / "crops" / "cam1" / "3.jpg", folder / "new.jpg")
    done = dien("search", "gallery=store", "query=new.jpg", "top=1")
    assert "new.jpg (its camera is not known, so none is left out)" in done.stdout
    assert "   1. 0.000" in done.stdout
    assert "cam1/3.jpg  camera 1  3  at most 1 in 400 strangers looks this alike, if another" in done.stdout
    done = dien("search", "gallery=store", "query=crops.parquet", "top=1", "output=out.csv")
    assert "... and 1 more query." in done.stdout
    assert len(found(folder)) == 6


def test_a_file_of_queries_has_words_where_the_network_is_found_or_named(dien, folder, caplog):
    file = EmbeddingsFile(folder / "crops.parquet")
    said = {"fingerprint": file.about.fingerprint, "domain": file.about.domain}
    write(folder / "moved.parquet", file.embedding(), file.images(range(6)), **said, checkpoint="/moved/on")
    write(folder / "silent.parquet", file.embedding(), file.images(range(6)), **said)
    for gallery, why in (
        ("crops.parquet", ""),
        ("moved.parquet", "the gallery's network is not at /moved/on any more; name checkpoint=... for them."),
        ("silent.parquet", "the gallery's network may lie anywhere; name checkpoint=... for them."),
    ):
        words = [f"gallery={gallery}", "query=crops.parquet", "top=1"]
        caplog.clear()
        assert ("this alike" in dien("search", *words).stdout) == (not why)
        assert caplog.messages == ([f"no words beside the distances: {why}"] if why else [])
        assert "this alike" in dien("search", *words, "checkpoint=network.safetensors").stdout


@pytest.mark.parametrize(
    ("how", "fitted", "why"),
    [
        (["flip=true"], "source", "with flip=false, and these are with flip=true; embed with flip=false."),
        ([], "target", "with domain=target, and these are with domain=source; calibrate for them"),
    ],
)
def test_a_calibration_of_other_embeddings_says_nothing_and_why(how, fitted, why, dien, folder):
    network = load_network(folder / "network.safetensors")
    calibration = network.calibration
    knots, ratios, shares = calibration.table.tolist()
    network.calibration = Calibration(knots, ratios, shares, calibration.about | {"domain": fitted})
    save_network(network, folder / "refitted.safetensors")
    words = ["checkpoint=refitted.safetensors", "images=crops", "accelerator=cpu", "threads=1"]
    dien("embed", *words, f"output=of_{fitted}.parquet", *how)
    done = dien("search", f"gallery=of_{fitted}.parquet", "query=crops", "output=out.csv").done()
    assert done.stderr.startswith("no words beside the distances: the calibration was fitted to embeddings ")
    assert (done.stderr.count(why), done.stderr.count("\n")) == (1, 1)
    assert "strangers" not in done.stdout
    network.calibration = Calibration(knots, ratios, shares, calibration.about | {"whose": "marked pairs"})
    save_network(network, folder / "marked.safetensors")
    done = dien("search", "gallery=crops.parquet", "query=crops", "checkpoint=marked.safetensors")
    assert done.stderr == (
        "the words beside the distances: marked pairs are those that a search had put first, so strangers look more "
        "alike among them than strangers do.\n"
    )


def test_the_pattern_of_a_list_finds_a_new_querys_camera_below_the_lists_folder(folder):
    (folder / "list.txt").write_text("crops/cam0/0.jpg")
    about = {"camera_pattern": r"^crops/cam(\d)", "root": str(folder / "list.txt")}
    gallery = write(folder / "listed.parquet", vectors(1), [ListedImage(f"{folder}/crops/cam0/0.jpg", "0")], **about)
    (new,) = with_cameras([ListedImage(f"{folder}/crops/cam1/new.jpg")], gallery)
    assert new.camera == "1"


def test_of_many_queries_the_unreadable_are_left_out_and_named(dien, folder):
    (folder / "asked").mkdir()
    for name in ("0.jpg", "2.jpg"):
        shutil.copy(folder / "crops" / "cam0" / name, folder / "asked" / name)
    (folder / "asked" / "1.jpg").write_bytes(b"")
    done = dien("search", "gallery=store", "query=asked", "top=1", "output=out.csv").done()
    assert "left out, for they cannot be read: 1: " in done.stderr
    assert "asked/1.jpg (empty)" in done.stderr
    assert len(found(folder)) == 2


def test_a_store_says_what_is_in_it(dien, folder):
    done = dien("store", "add", "store=store", "embeddings=crops.parquet")
    assert "0 images added, 6 there already. store: 6 images, 2 cameras; network " in done.stdout
    known = fingerprint(load_network(folder / "network.safetensors"))
    assert (
        f"network {known}, source's statistics, width 16, float16; no index"
        in dien("store", "info", "store=store").stdout
    )
    assert "1.jpg" in dien("store", "search", "store=store", "query=crops/cam0/0.jpg", "threads=1").stdout


def test_a_file_that_no_store_takes_leaves_no_store_behind(dien, folder):
    zero = vectors(3, width=16)
    zero[1] = 0
    write(folder / "zero.parquet", zero)
    done = dien("store", "create", "store=fresh", "embeddings=zero.parquet")
    assert "the embedding of /crops/1.jpg is of length 0" in done.refusal()
    assert not (folder / "fresh").exists()
    assert dien("store", "create", "store=fresh", "embeddings=crops.parquet").code == 0


def test_an_index_is_made_and_asked(dien, folder):
    write(folder / "many.parquet", vectors(1000, width=16))
    write(folder / "asked.parquet", vectors(1000, width=16)[7:8], [ListedImage("/asked/0.jpg")])
    dien("store", "create", "store=many", "embeddings=many.parquet")
    done = dien("store", "index", "store=many", "queries=20").done()
    assert "indexed at 1,000 images; approximate=true finds of what exact search finds: recall@1 " in done.stdout
    dien("search", "gallery=many", "query=asked.parquet", "approximate=true", "top=3", "output=out.csv").done()
    assert found(folder)[0] == "7.jpg"
    assert len(found(folder)) == 3
    assert "indexed at 1,000 images" in dien("store", "info", "store=many").stdout


@pytest.fixture(scope="module")
def others(folder):
    """What does not belong to that network, or is no crop."""
    torch.manual_seed(1)
    save_network(DIEN("resnet18", weights=None, embedding_dim=16, attention_loops=0), folder / "other.safetensors")
    write(folder / "other.parquet", vectors(3, width=16))
    write(folder / "plain.parquet", vectors(3), [ListedImage(f"/crops/{i}.jpg") for i in range(3)])
    write_image(folder / "wide.jpg", size=(16, 32))
    (folder / "torn.jpg").write_bytes((folder / "crops" / "cam0" / "0.jpg").read_bytes()[:200])
    (folder / "torn.parquet").write_bytes((folder / "crops.parquet").read_bytes()[:-50])
    (folder / "nothing").mkdir()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("search gallery=crops.parquet query=wide.jpg", "is 32 wide and 16 high: a frame, or two people side by side"),
        (
            "search gallery=crops.parquet query=crops checkpoint=other.safetensors",
            "is not the network of the gallery's",
        ),
        ("search gallery=crops.parquet query=other.parquet", "the gallery holds embeddings with fingerprint="),
        ("search gallery=torn.parquet query=crops", "torn.parquet cannot be read as Parquet"),
        ("search gallery=nothing query=crops", "store=nothing is no store of embeddings"),
        ("search gallery=nowhere query=crops", "nowhere is not a file; name one that dien embed wrote"),
        (
            "search gallery=crops.parquet query=crops.parquet camera_pattern=cam",
            "camera_pattern=cam is for images; crops.parquet names its cameras itself.",
        ),
        ("search gallery=crops.parquet query=nowhere", "/nowhere does not exist; name a folder of crops"),
        ("search gallery=crops.parquet query=torn.jpg", "torn.jpg cannot be read as an image"),
        ("search gallery=crops.parquet query=crops camera=1,7,9", "camera=7,9: the gallery has no image from there"),
        (
            "search gallery=store query=crops camera=,",
            "camera=, names no camera; leave it out to search in all of them",
        ),
        ("search gallery=store query=crops camera=7", "its cameras are 0, 1."),
        ("search gallery=plain.parquet query=crops camera=7", "it has no cameras at all"),
        ("search gallery=crops.parquet query=crops top=0", "top=0 must be a whole number"),
        (
            "search gallery=crops.parquet query=crops output=./crops.parquet",
            "output=./crops.parquet is a file that is read, and would be lost; name another.",
        ),
        ("search gallery=no.parquet query=crops output=/dev/null/x.csv", "output=/dev/null/x.csv cannot be written to"),
        ("search gallery=no.parquet query=crops output=store", "output=store is a folder; name a file in it."),
        ("search gallery=crops.parquet query=crops after=noon", "'noon' is no time"),
        ("search gallery=crops.parquet query=crops after=5 before=5", "after=5 is not earlier than before=5"),
        ("search gallery=crops.parquet query=crops approximate=true", "approximate=true needs a store with an index"),
        ("search gallery=store query=crops approximate=true", "has no index: dien store index makes one"),
        ("store add store=store embeddings=other.parquet", "store=store holds embeddings with fingerprint="),
        ("store create store=store embeddings=crops.parquet", "store=store is there already"),
        ("store index store=store", "holds 6 images; an index is for 1,000 and more"),
        ("store search query=crops", "error: store=... is missing; --help says what it is."),
        ("store empty store=store", "dien store='empty' is not allowed; choose one of create, add, search"),
    ],
)
def test_bad_input_ends_in_one_sentence(words, said, dien, others):
    assert said in dien(*words.split()).refusal()
