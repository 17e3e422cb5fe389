"""`dien rank` on images of one's own."""

from __future__ import annotations

import csv
import os
import shutil

import pytest
import torch

from dien_lightning.network import DIEN, save_network
from library.data.folders import write_image, write_market


@pytest.fixture
def folder(tmp_path):
    """A network, four crops, and a query that has the bytes of one."""
    torch.manual_seed(0)
    network = DIEN("resnet18", weights=None, embedding_dim=8, attention_loops=0, image_size=(64, 32))
    save_network(network, tmp_path / "network.safetensors")
    for i in range(4):
        write_image(tmp_path / "crops" / f"cam{i // 2}" / f"{i}.jpg", seed=i)
    (tmp_path / "query").mkdir()
    shutil.copy(tmp_path / "crops" / "cam1" / "2.jpg", tmp_path / "query" / "a copy of 2.jpg")
    return tmp_path


@pytest.fixture
def rank(folder, dien, monkeypatch):
    """Rank in that folder; gives what was printed, and the images of each query's list by their files' names."""
    monkeypatch.chdir(folder)

    def run(*arguments, query="query", gallery="crops", output="out"):
        words = [f"query={query}", f"gallery={gallery}", f"output={output}", *arguments]
        done = dien("rank", "checkpoint=network.safetensors", *words)
        lists: dict[str, list[str]] = {}
        if done.code == 0:
            with (folder / output / "ranks.csv").open() as file:
                for row in csv.DictReader(file):
                    lists.setdefault(os.path.basename(row["query"]), []).append(os.path.basename(row["image"]))
        return done, lists

    return run


def test_lists_and_page(rank, folder):
    write_image(folder / "query" / "new.jpg", seed=9)
    done, lists = rank("top=3")
    assert done.code == 0, done.stderr
    assert (
        "2 queries ranked against 4 images; left out: each query's own file and copies of it, 1 in all lists."
        in done.stdout
    )
    assert sorted(lists["a copy of 2.jpg"]) == ["0.jpg", "1.jpg", "3.jpg"]
    assert len(lists["new.jpg"]) == 3
    with (folder / "out" / "ranks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["1", "2", "3"] * 2
    distances = [float(row["distance"]) for row in rows[:3]]
    assert distances == sorted(distances)
    page = (folder / "out" / "ranks.html").read_text()
    assert page.count("<img") == 2 * (1 + 3)
    assert f"1 · {distances[0]:.2f}" in page
    assert "http" not in page


def test_a_page_shows_as_many_queries_as_it_holds(rank, folder, monkeypatch):
    assert rank(query="crops")[0].stdout.endswith("ranks.html\n")
    size = len((folder / "out" / "ranks.html").read_bytes())
    monkeypatch.setattr("dien_lightning.experiments.reports.page.MOST_BYTES", size)
    done, lists = rank(query="crops")
    assert done.stdout.endswith("ranks.html, of 3 queries: it holds no more\n"), done.stderr
    assert len(lists) == 4
    page = (folder / "out" / "ranks.html").read_text()
    assert page.count("<img") == 3 * (1 + 3)
    assert "Shown: 3." in page
    monkeypatch.setattr("dien_lightning.experiments.reports.page.MOST_BYTES", 1000)
    refusal = rank("top=2", query="crops")[0].refusal()
    assert refusal == "error: ranks.csv is written, but no page holds a list of top=2: lower it."


def test_a_name_that_is_not_utf8_is_shown_escaped(rank, folder, dien):
    os.rename(folder / "crops" / "cam0" / "1.jpg", os.fsencode(folder / "crops" / "cam0") + b"/caf\xe9.jpg")
    dien("rank", "checkpoint=network.safetensors", "query=query", "gallery=crops", "output=o").done()
    assert r"crops/cam0/caf\xe9.jpg" in (folder / "o" / "ranks.html").read_text(encoding="utf-8")
    assert b"crops/cam0/caf\xe9.jpg" in (folder / "o" / "ranks.csv").read_bytes()  # as it lies on the disk
    said = dien("embed", "checkpoint=network.safetensors", "images=crops", "output=e.parquet").refusal()
    assert r"error: 1 names in " in said
    assert r"crops are not UTF-8, such as b'caf\xe9.jpg', and a file of embeddings holds UTF-8 alone" in said
    assert not (folder / "e.parquet").exists()


@pytest.mark.parametrize("gallery", ["crops", "query/../crops"])
def test_a_query_is_not_in_its_own_list(gallery, rank):
    _, lists = rank(query="crops", gallery=gallery)
    assert {query: len(images) for query, images in lists.items()} == {f"{i}.jpg": 3 for i in range(4)}
    assert not any(query in images for query, images in lists.items())


def test_a_query_may_be_one_file(rank):
    _, lists = rank(query="crops/cam0/1.jpg")
    assert {query: sorted(images) for query, images in lists.items()} == {"1.jpg": ["0.jpg", "2.jpg", "3.jpg"]}


@pytest.mark.parametrize("pattern", ["cam(\\d)", "subfolder"])
def test_what_the_querys_own_camera_took_is_left_out(pattern, rank, folder):
    done, lists = rank(f"camera_pattern={pattern}", query="crops/cam0")
    assert f"left out: each query's own camera (by camera_pattern={pattern}; same_camera=keep keeps it)" in done.stdout
    assert [sorted(lists[f"{i}.jpg"]) for i in (0, 1)] == [["2.jpg", "3.jpg"]] * 2
    _, lists = rank(f"camera_pattern={pattern}", "same_camera=keep", query="crops/cam0")
    assert len(lists["0.jpg"]) == 3
    shutil.rmtree(folder / "crops" / "cam1")
    done, _ = rank(f"camera_pattern={pattern}", query="crops")
    assert "error: Nothing is left of the gallery: each query's own camera took it" in done.stderr


def test_a_known_sets_names_tell_cameras(rank, folder):
    write_market(folder / "market1501")
    done, lists = rank(query="market1501/query", gallery="market1501/bounding_box_test")
    assert "each query's own camera (by the layout of market1501" in done.stdout
    assert all(f"_c{query.split('_c')[1][0]}" not in image for query, found in lists.items() for image in found)


def test_frames_of_one_moment_are_left_out_if_asked(rank, folder):
    from PIL import Image

    with Image.open(folder / "query" / "a copy of 2.jpg") as image:
        image.save(folder / "crops" / "a moment later.jpg", quality=60)
    assert "a moment later.jpg" in rank()[1]["a copy of 2.jpg"]
    done, lists = rank("alike=0.05")
    assert sorted(lists["a copy of 2.jpg"]) == ["0.jpg", "1.jpg", "3.jpg"]
    assert "each query's own file and copies of it and what looks alike (alike=0.05), 2 in all lists." in done.stdout


def test_what_cannot_be_read_is_left_out_and_counted_if_asked(rank, folder):
    (folder / "crops" / "broken.jpg").write_bytes(b"no image")
    done, _ = rank()
    assert done.code == 1
    assert "crops/broken.jpg (cannot identify image file): 1 of 6 images cannot be read" in done.stderr
    assert "rank the others: on_error=skip." in done.stderr
    done, lists = rank("on_error=skip")
    told = "ranked against 4 images; left out: each query's own file and copies of it, 1 in all lists, 1 that cannot be"
    assert told in done.stdout
    assert len(lists["a copy of 2.jpg"]) == 3
    assert "None of the images of the query can be read." in rank("on_error=skip", query="crops/broken.jpg")[0].stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["checkpoint=network.safetensors"], "error: query=... is missing"),
        (["query=out", "gallery=crops"], "query=out does not exist; name a folder of crops."),
        (
            ["query=no", "gallery=crops", "output=/dev/null/x"],
            "output=/dev/null/x cannot be written to (Not a directory); give write access",
        ),
        (["query=query", "gallery=crops", "top=0"], "top=0 must be a whole number"),
        (
            ["query=query", "gallery=crops", "same_camera=no"],
            "same_camera='no' is not allowed; choose one of drop, keep",
        ),
        (
            ["query=query", "gallery=crops", "on_error=stop"],
            "on_error='stop' is not allowed; choose one of raise, skip.",
        ),
        (["query=query", "gallery=crops", "alike=2"], "alike=2.0 is out of range; choose a number in [0, 1)."),
        (
            ["query=query", "gallery=crops", "data.on_error=skip"],
            "'data.on_error' is not an option; did you mean on_err",
        ),
    ],
)
def test_what_is_wrong_is_named(arguments, words, folder, dien, monkeypatch):
    monkeypatch.chdir(folder)
    everything = ["checkpoint=network.safetensors", "output=out", *arguments]
    assert words in dien("rank", *everything).refusal()


def test_folders_may_be_called_by_a_number(rank, folder):
    (folder / "crops").rename(folder / "0042")
    done, _ = rank(gallery="0042", output="0042")
    assert done.code == 0, done.stderr
    assert (folder / "0042" / "ranks.csv").is_file()
