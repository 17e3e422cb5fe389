"""Crops to a file: as embed_images has them, on from a kill, on any number of processes, without what is unreadable."""

from __future__ import annotations

import os
import resource

import pytest
import torch

from dien_lightning import embed_images
from dien_lightning.data.listing import list_images
from dien_lightning.processes import Processes
from dien_lightning.search import embed_files
from dien_lightning.search.embedding_job import _Embedding, _Job
from library.data.folders import write_image
from library.network.networks import images, small

NETWORK = small(1)
HERE = {"accelerator": "cpu", "devices": 1, "enable_progress_bar": False, "precision": "32-true", "batch_size": 2}


@pytest.fixture
def crops(tmp_path, monkeypatch):
    """Ten crops, in parts of four."""
    monkeypatch.setattr("dien_lightning.search.embedding_job.PART", 4)
    for i in range(10):
        write_image(tmp_path / "crops" / f"cam{i % 2}" / f"{i}.jpg", seed=i)
    return tmp_path / "crops"


def embed(crops, name="out.parquet", network=NETWORK, **options):
    images = list_images(crops, camera_pattern=r"cam(\d)")
    return embed_files(network, images, crops.parent / name, **HERE | options)


def test_the_file_holds_what_embed_images_gives_in_order(crops):
    file = embed(crops, dtype="float32")
    images = list_images(crops, camera_pattern=r"cam(\d)")
    assert file.images(range(10)) == images
    paths = [image.path for image in images]
    assert torch.allclose(file.embedding(), embed_images(NETWORK, paths, precision="32-true"), atol=1e-6)
    assert not (crops.parent / "out.parquet.parts").exists()


def test_a_relative_folder_and_network_are_found_from_anywhere(crops, monkeypatch):
    monkeypatch.chdir(crops.parent)
    told = {"checkpoint": "network.safetensors", "root": "crops", "camera_pattern": None}
    file = embed_files(NETWORK, list_images("crops"), "out.parquet", told=told, **HERE)
    assert file.images(range(10)) == list_images(crops)
    assert (file.about.checkpoint, file.about.root) == (str(crops.parent / "network.safetensors"), str(crops))


def test_an_image_that_is_named_twice_is_told(crops):
    images = list_images(crops)
    with pytest.raises(ValueError, match=r"images names .*/cam0/2\.jpg twice; name each image once"):
        embed_files(NETWORK, [*images, images[1]], crops.parent / "out.parquet", **HERE)
    assert not (crops.parent / "out.parquet.parts").exists()


def test_a_call_that_was_killed_goes_on_and_does_nothing_twice(crops, monkeypatch):
    write, written = _Job.write, []

    def dying(self, part, read, embedding):
        if len(written) == 1:
            raise MemoryError("killed")
        written.append(part)
        write(self, part, read, embedding)

    monkeypatch.setattr(_Job, "write", dying)
    with pytest.raises(MemoryError):
        embed(crops)
    with pytest.raises(ValueError, match=r"out\.parquet\.parts holds parts of other images, or of another network"):
        embed(crops, network=small(1, seed=1))
    monkeypatch.setattr(_Job, "write", lambda self, part, *rest: (written.append(part), write(self, part, *rest)))
    file = embed(crops)
    assert written == [0, 1, 2]
    assert file.path.read_bytes() == embed(crops, "undisturbed.parquet").path.read_bytes()
    before = file.path.stat().st_mtime_ns
    written.clear()
    embed(crops)
    assert (written, file.path.stat().st_mtime_ns) == ([], before)


def test_a_job_of_many_parts_keeps_no_file_open(crops, monkeypatch):
    monkeypatch.setattr("dien_lightning.search.embedding_job.PART", 1)
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    join = _Job.join

    def joined_with_few_files(job):
        taken = len(os.listdir("/dev/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken + 6, most))
        try:
            join(job)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))

    monkeypatch.setattr(_Job, "join", joined_with_few_files)
    assert len(embed(crops)) == 10


def test_a_wrong_precision_or_domain_leaves_nothing_that_the_right_one_would_have_to_remove(crops):
    network = small(1)
    network.gather_statistics([images(6)], "source")
    for wrong, words in (
        ({"precision": "fp32"}, "precision='fp32' is not allowed"),
        ({"precision": "64-true"}, "needs weights of that type"),
        ({"domain": "both"}, "domain='both' is not allowed; choose one of source, target"),
        ({"domain": "target"}, "no batch-norm statistics of target images were gathered; embed with domain='source'"),
    ):
        with pytest.raises(ValueError, match=words):
            embed(crops, network=network, **wrong)
    assert embed(crops, network=network, domain="source").about.domain == "source"


def test_several_processes_share_the_parts_without_gaps_or_doubles(crops, monkeypatch):
    job = _Job(embed(crops).about, list_images(crops), crops.parent / "shared.parquet")
    taken = []
    for rank in range(2):
        monkeypatch.setattr(Processes, "__init__", lambda self, r=rank: self.__dict__.update(world_size=2, rank=r))
        for _, read, _ in _Embedding(NETWORK, job, 3, 0).predict_dataloader():
            assert len({number // 4 for number in read}) == 1  # no batch lies in two parts
            taken += read
    assert sorted(taken) == list(range(10))
    assert taken != sorted(taken)


def test_unreadable_images_are_left_out_and_listed(crops):
    for name in ("cam0/4.jpg", "cam1/1.jpg", "cam1/3.jpg"):
        (crops / name).write_bytes(b"no image")
    file = embed(crops)
    assert sorted(file.unreadable) == [str(crops / name) for name in ("cam0/4.jpg", "cam1/1.jpg", "cam1/3.jpg")]
    assert len(file) == 7
    paths = [image.path for image in file.images(range(7))]
    assert torch.allclose(file.embedding().float(), embed_images(NETWORK, paths, precision="32-true"), atol=1e-3)


def test_where_no_image_can_be_read_there_is_no_file(crops):
    for path in crops.rglob("*.jpg"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="None of 10 images can be read, the first is"):
        embed(crops)
    assert [path.name for path in crops.parent.iterdir()] == ["crops"]


def test_a_file_or_parts_of_an_image_that_has_changed_since_are_refused(crops, monkeypatch):
    (crops / "cam1" / "1.jpg").write_bytes(b"no image yet")
    assert embed(crops).unreadable
    write_image(crops / "cam1" / "1.jpg", seed=1)
    with pytest.raises(ValueError, match="is there, of other images, or some have changed since; name another"):
        embed(crops)
    monkeypatch.setattr(_Job, "join", lambda job: None)
    with pytest.raises(FileNotFoundError):
        embed(crops, "killed.parquet")
    time = (crops / "cam1" / "1.jpg").stat().st_mtime_ns
    os.utime(crops / "cam1" / "1.jpg", ns=(time, time + 1))  # another picture of the same size
    with pytest.raises(ValueError, match="or images have changed since; remove it to start afresh"):
        embed(crops, "killed.parquet")


ANOTHER = "is there, of another network, or made in another way; name another output"


def test_another_job_does_not_touch_the_file(crops):
    file = embed(crops)
    content = file.path.read_bytes()
    for change, words in (
        ({"network": small(1, seed=1)}, ANOTHER),
        ({"flip": True}, ANOTHER),
        ({"dtype": "float8"}, "dtype='float8' is not allowed; choose one of float16, float32"),
        ({"batch_size": 0}, "batch_size=0 must be a whole number"),
    ):
        with pytest.raises(ValueError, match=words):
            embed(crops, **change)
    write_image(crops / "cam1" / "new.jpg")
    with pytest.raises(ValueError, match="is there, of other images, or some have changed since; name another output"):
        embed(crops)
    assert file.path.read_bytes() == content


def test_an_image_without_an_embedding_is_named(crops):
    network = small(0)
    with torch.no_grad():
        network.embedding[1].weight.zero_()
        network.embedding[1].bias.zero_()
    with pytest.raises(ValueError, match=r"the embedding of .*cam0/0\.jpg is of length 0"):
        embed(crops, network=network)
