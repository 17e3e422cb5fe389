"""`dien embed` on images of one's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from dien_lightning.network import save_network
from dien_lightning.search import EmbeddingsFile, embedding_job
from library.data.folders import write_image
from library.network.networks import small

WORDS = ("checkpoint=network.safetensors", "images=crops", "camera_pattern=cam(\\d)", "accelerator=cpu", "threads=1")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A network, and five crops of which one is none."""
    save_network(small(0), tmp_path / "network.safetensors")
    for i in range(4):
        write_image(tmp_path / "crops" / f"cam{i % 2}" / f"{i}.jpg", seed=i)
    (tmp_path / "crops" / "cam1" / "torn.jpg").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_becomes_a_file_and_says_what_it_lacks(folder, dien):
    said = dien("embed", *WORDS, "output=out.parquet", "time_pattern=/(\\w+)\\.").refusal()
    assert "'torn' is no time; give a date" in said
    done = dien("embed", *WORDS, "output=out.parquet").done()
    assert (
        "out.parquet: 4 embeddings of width 16 (float16, with the source's statistics); left out, for they cannot be "
        "read: 1: " in done.stdout
    )
    assert "torn.jpg (empty). Search in it: dien search gallery=out.parquet" in done.stdout
    file = EmbeddingsFile("out.parquet")
    assert file.about.checkpoint == str(folder / "network.safetensors")
    assert [(image.path, image.camera) for image in file.images([0, 3])] == [
        (f"{folder}/crops/cam0/0.jpg", "0"),
        (f"{folder}/crops/cam1/3.jpg", "1"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["devices=0"], "devices=0 must be a whole number of at least 1"),
        (["domain=both"], "domain='both' is not allowed; choose one of source, target"),
        (["images=nowhere"], "nowhere does not exist"),
        (["checkpoint=crops"], "checkpoint=crops is not a file"),
    ],
)
def test_bad_input_is_told_in_one_sentence(words, said, folder, dien):
    assert said in dien("embed", *WORDS, "output=out.parquet", *words).refusal()
    assert not (folder / "out.parquet").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to_and_goes_on(number, folder, dien, monkeypatch):
    embed, came = embedding_job.embed, []

    def told(*given, **how):
        if not came:
            came.append(number)
            os.kill(os.getpid(), number)
        return embed(*given, **how)

    monkeypatch.setattr(embedding_job, "embed", told)
    words = (*WORDS, "output=out.parquet", "num_workers=0", "batch_size=2")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    try:
        done = dien("embed", *words)
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.code == 130
    assert done.stderr.endswith("interrupted; what was written stays, the same command goes on.\n")
    assert not (folder / "out.parquet").exists()
    assert dien("embed", *words).code == 0
    assert len(EmbeddingsFile("out.parquet")) == 4


@pytest.mark.slow
def test_two_processes_write_the_file_that_one_writes(folder):
    for i in range(1100):  # three parts
        os.link(folder / "crops" / "cam0" / f"{2 * (i % 2)}.jpg", folder / "crops" / "cam0" / f"again{i}.jpg")
    for devices in (1, 2):
        command = [sys.executable, "-m", "dien_lightning.experiments.embed", *WORDS, f"devices={devices}"]
        subprocess.run([*command, f"output={devices}.parquet"], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert (folder / "1.parquet").read_bytes() == (folder / "2.parquet").read_bytes()
    assert len(EmbeddingsFile("1.parquet")) == 1104
