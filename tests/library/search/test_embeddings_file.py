"""A file of embeddings: what is written is read, by rows and by numbers; damage is told."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from dien_lightning.data.listing import ListedImage
from dien_lightning.search import About, EmbeddingsFile, check_same_network, embeddings_file
from dien_lightning.search.store import Store
from library.search.galleries import listed, vectors, write


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_what_is_written_is_read(dtype, tmp_path, monkeypatch):
    monkeypatch.setattr(embeddings_file, "ROWS", 4)
    gallery, images = vectors(11), listed(11)
    images[3] = images[3]._replace(camera=None, time=None)
    file = write(tmp_path / "g.parquet", gallery, images, dtype=dtype, checkpoint="net.safetensors")
    assert (len(file), file.about.checkpoint) == (11, "net.safetensors")
    assert torch.equal(file.embedding(), gallery.to(getattr(torch, dtype)))
    assert file.images([10, 3, 3, 0]) == [images[10], images[3], images[3], images[0]]
    assert file.numbers_of(["/crops/9.jpg", "/elsewhere.jpg", "/crops/../crops/2.jpg"]) == {
        "/crops/9.jpg": 9,
        "/crops/../crops/2.jpg": 2,
    }
    assert pq.read_table(file.path)["embedding"][10].as_py() == file.embedding()[10].tolist()  # as others read it


@pytest.mark.parametrize("linked", ["folder", "file"])
def test_a_query_finds_itself_behind_a_link_of_the_gallery(linked, tmp_path):
    (tmp_path / "real").mkdir()
    for name in ("0.jpg", "1.jpg"):
        (tmp_path / "real" / name).touch()
    if linked == "folder":
        (tmp_path / "gallery").symlink_to("real")
    else:
        (tmp_path / "gallery").mkdir()
        (tmp_path / "gallery" / "1.jpg").symlink_to("../real/1.jpg")
    images = [ListedImage(str(tmp_path / "gallery" / name)) for name in ("0.jpg", "1.jpg")]
    file = write(tmp_path / "g.parquet", vectors(2), images)
    store = Store.create(tmp_path / "store", file.about)
    store.add(file)
    for gallery in (file, store):
        for folder in ("real", "gallery"):
            path = str(tmp_path / folder / "1.jpg")
            assert gallery.numbers_of([path, "/elsewhere/0.jpg"]) == {path: 1}


def damaged(path, how):
    write(path, vectors(50))
    content = bytearray(path.read_bytes())
    if how == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        content[len(content) // 3] ^= 1
        path.write_bytes(content)
    elif how == "text":
        path.write_text("path,camera\n")
    elif how == "foreign":
        pq.write_table(pa.table({"vector": [1.0]}), path)
    elif how == "unnamed":
        pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    elif how == "empty":
        pq.write_table(pq.read_table(path).slice(0, 0), path)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("cut", "cannot be read as Parquet .* it is damaged or something else; make it again"),
        ("text", "cannot be read as Parquet"),
        ("foreign", "has no column path; make it with dien embed"),
        ("unnamed", "does not say which network its embeddings are of"),
        ("empty", "holds no image: there is nothing to be found in it"),
    ],
)
def test_what_is_no_file_of_embeddings_is_told(how, words, tmp_path):
    damaged(tmp_path / "g.parquet", how)
    with pytest.raises(ValueError, match=words):
        EmbeddingsFile(tmp_path / "g.parquet")


def test_a_flipped_bit_is_told_where_it_is_read(tmp_path):
    damaged(tmp_path / "g.parquet", "flipped")
    file = EmbeddingsFile(tmp_path / "g.parquet")
    with pytest.raises(ValueError, match="cannot be read as Parquet"):
        file.embedding()


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a file; name one that dien embed wrote"):
        EmbeddingsFile(tmp_path / "g.parquet")


@pytest.mark.parametrize("change", [{"fingerprint": "b"}, {"domain": "source"}, {"width": 4}, {"flip": True}])
def test_embeddings_of_two_networks_never_mix(change):
    one = About("a", "target", 8)
    check_same_network("g", one, About("a", "target", 8, precision="bf16-mixed"))
    (name, value), *_ = change.items()
    with pytest.raises(
        ValueError, match=f"g holds embeddings with {name}={getattr(one, name)}, and these have {value}"
    ):
        check_same_network("g", one, About(**{"fingerprint": "a", "domain": "target", "width": 8} | change))
