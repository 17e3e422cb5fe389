"""A store: it finds what the file finds, adds all or nothing, keeps networks apart, says what its index misses."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
import torch

from dien_lightning.search import Filter, nearest
from dien_lightning.search.store import Added, Store
from library.search.galleries import listed, vectors, write


@pytest.fixture
def file(tmp_path):
    images = listed(300)
    images[5] = images[5]._replace(camera=None, time=None)
    images[6] = images[6]._replace(camera="o'clock")
    return write(tmp_path / "g.parquet", gallery(300), images)


def gallery(count):
    """Embeddings of which the first are always the same, with a tie."""
    rows = vectors(count, width=32)
    rows[7] = rows[6]
    return rows


@pytest.fixture
def store(file, tmp_path):
    store = Store.create(tmp_path / "store", file.about)
    assert store.add(file) == Added(300, 0)
    return store


@pytest.mark.parametrize(
    ("chosen", "without", "hidden"),
    [
        (Filter(), (), ()),
        (Filter(("0", "o'clock"), after=3, before=250.5), (), ()),
        (Filter(after=-torch.inf, before=torch.inf), (), ()),
        (Filter(), ("1", None), (6, 9)),
    ],
)
def test_finds_what_the_file_finds(chosen, without, hidden, store, file):
    query = vectors(2, width=32, seed=1)
    query[0] = file.embedding()[6]
    expected = nearest(query, file.blocks(chosen), 9, without=without, hidden=hidden)
    found = nearest(query, store.blocks(chosen), 9, without=without, hidden=hidden)
    assert torch.equal(found.numbers, expected.numbers)
    assert torch.equal(found.distances, expected.distances)
    numbers = found.numbers[0].tolist()
    assert store.images(numbers) == file.images(numbers)
    assert store.cameras() == ["0", "1", "2", "o'clock"]
    assert store.numbers_of(["/crops/9.jpg", "/crops/../crops/6.jpg", "/x"]) == {
        "/crops/9.jpg": 9,
        "/crops/../crops/6.jpg": 6,
    }


@pytest.mark.parametrize("chosen", [Filter(()), Filter(after=torch.inf), Filter(before=-torch.inf)])
def test_a_filter_that_nothing_passes_finds_nothing_in_either(chosen, store, file):
    assert not [*file.blocks(chosen)]
    assert not [*store.blocks(chosen)]


def test_an_open_store_sees_what_another_adds(store, tmp_path):
    opened = Store(tmp_path / "store")
    assert len(opened) == 300
    more = write(tmp_path / "m.parquet", gallery(310), listed(310))
    assert store.add(more) == Added(10, 300)
    assert (len(opened), opened.images([309])) == (310, listed(310)[309:])
    assert opened.add(write(tmp_path / "m2.parquet", gallery(320), listed(320))) == Added(10, 310)
    assert sum(len(block.numbers) for block in store.blocks(Filter())) == 320


def test_an_image_is_added_once(store, file, tmp_path):
    more = write(tmp_path / "m.parquet", gallery(310), listed(310))
    assert store.add(more) == Added(10, 300)
    assert store.add(file) == Added(0, 300)
    assert len(Store(tmp_path / "store")) == 310
    assert Store(tmp_path / "store").images([309]) == listed(310)[309:]


def test_another_picture_under_a_known_path_is_refused(store, file, tmp_path):
    others = gallery(301)
    others[20] = others[30]
    for changed, words in (
        (others, r"1 path of .*, the first is"),
        (others.roll(1, 0), r"2\d\d paths of .*, the first is"),
    ):
        file = write(tmp_path / "changed.parquet", changed)
        with pytest.raises(ValueError, match=f"has another picture under {words} /crops/"):
            store.add(file)
    assert len(store) == 300


def test_the_same_picture_in_another_precision_is_known(store, tmp_path):
    again = gallery(300) + 0.08 * vectors(300, width=32, seed=1)
    assert store.add(write(tmp_path / "again.parquet", again)) == Added(0, 300)


@pytest.mark.parametrize(
    ("about", "embedding", "words"),
    [
        ({"fingerprint": "b"}, vectors(2, width=32), "holds embeddings with fingerprint=a.*of another network"),
        ({}, vectors(2, width=16), "holds embeddings with width=32, and these have 16"),
        ({"dtype": "float32"}, vectors(2, width=32), "holds float16, and .* float32"),
        ({}, torch.zeros(2, 32), r"the embedding of /crops/0\.jpg is of length 0"),
    ],
)
def test_what_does_not_belong_there_changes_nothing(about, embedding, words, store, tmp_path):
    other = write(tmp_path / "other.parquet", embedding, **about)
    with pytest.raises(ValueError, match=words):
        store.add(other)
    assert len(Store(tmp_path / "store")) == 300


def test_what_is_no_store_is_told(store, tmp_path):
    with pytest.raises(FileNotFoundError, match="is not there; make it with dien store create"):
        Store(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="is no store of embeddings"):
        Store(tmp_path / "empty")
    with pytest.raises(ValueError, match="is there already; add to it, name another place, or remove it if"):
        Store.create(tmp_path / "store", store.about)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file; name a folder that is not there yet"):
        Store.create(tmp_path / "file", store.about)


def test_an_index_says_what_it_misses_and_its_distances_are_exact(tmp_path):
    file = write(tmp_path / "g.parquet", vectors(1200, width=32))
    store = Store.create(tmp_path / "store", file.about)
    store.add(write(tmp_path / "few.parquet", vectors(300, width=32), listed(300)))
    with pytest.raises(ValueError, match="holds 300 images; an index is for 1,000 and more"):
        store.build_index()
    with pytest.raises(ValueError, match="has no index: dien store index makes one"):
        store.approximate(vectors(1, width=32), 1)
    store.add(file)
    recall = store.build_index(queries=20)
    assert Store(tmp_path / "store").recall == recall
    assert (recall.queries, recall.images) == (20, 1200)
    assert 0.9 < recall.at10 <= 1
    query = vectors(3, width=32, seed=2)
    how = {"without": ("1", None, "2"), "hidden": (4, 5, 6)}
    found = store.approximate(query, 5, Filter(before=900), **how)
    exact = nearest(query, store.blocks(Filter(before=900)), 50, **how)
    for numbers, distances, row in zip(found.numbers.tolist(), found.distances.tolist(), range(3), strict=True):
        known = dict(zip(exact.numbers[row].tolist(), exact.distances[row].tolist(), strict=True))
        assert [known[number] for number in numbers] == distances


def test_a_kill_in_the_middle_of_an_add_leaves_what_was_there(store, tmp_path):
    write(
        tmp_path / "more.parquet",
        vectors(500, width=32, seed=3),
        [i._replace(path=f"/new{i.path}") for i in listed(500)],
    )
    code = """
import os, signal, sys
from dien_lightning.search import EmbeddingsFile, embeddings_file
from dien_lightning.search.store import Store
store, file = Store(sys.argv[1]), EmbeddingsFile(sys.argv[2])
tables, calls = file.tables, []
def dying(*columns):
    calls.append(1)
    yield from tables(*columns)
    if len(calls) == 2:  # the rows have gone to the database, and it has not committed them
        os.kill(os.getpid(), signal.SIGKILL)
file.tables = dying
store.add(file)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "store", tmp_path / "more.parquet"], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(Store(tmp_path / "store")) == 300
