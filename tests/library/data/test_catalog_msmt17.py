"""MSMT17 as its archives unpack."""

from __future__ import annotations

import pytest

from dien_lightning.data.reading import read_dataset
from library.data.folders import triples, write_image


@pytest.mark.parametrize("folders", [("MSMT17_V1", "train", "test"), ("MSMT17_V2", "mask_train_v2", "mask_test_v2")])
@pytest.mark.parametrize(
    "unpacked", ["plain", "jpeg", "no suffixes", "lists without", "byte-order mark", "Windows", "deep"]
)
def test_msmt17_lists(tmp_path, folders, unpacked):
    version, train, test = folders
    root = tmp_path / version
    if unpacked == "deep":
        root = tmp_path / "download" / version / version
        write_image(tmp_path / "download/__MACOSX" / version / "train/0000/._0000_000_01_0303morning_0008_0.jpg")
    listed = {
        "list_train.txt": (f"{train}", "0003/0003_012_14_0303morning_0008_0.jpg 3", ("train", 3, 14)),
        "list_val.txt": (f"{train}", "0004/0004_000_01_0303noon_0108_1.jpg 4", ("train", 4, 1)),
        "list_query.txt": (f"{test}", "0000/0000_001_02_0303noon_0108_1.jpg 0", ("query", 0, 2)),
        "list_gallery.txt": (f"{test}", "0000/0000_002_15_0303noon_0108_1.jpg 0", ("gallery", 0, 15)),
    }
    expected = {}
    for name, (folder, line, where) in listed.items():
        path, pid = line.split()
        path = path.replace(".jpg", ".jpeg") if unpacked == "jpeg" else path
        write_image(root / folder / path)
        expected[f"{folder}/{path}"] = where
        told = path.rpartition(".")[0] if unpacked == "no suffixes" else path
        told = f"{folder}\\{told}".replace("/", "\\") if unpacked == "Windows" else told
        end, encoding = ("\r\n", "utf-8-sig") if unpacked in ("byte-order mark", "Windows") else ("\n", "utf-8")
        listing = root / (name.removesuffix(".txt") if unpacked == "lists without" else name)
        listing.write_bytes(f"{told} {pid}{end}{end}".encode(encoding))
    assert triples(root, read_dataset("msmt17", tmp_path / "download" if unpacked == "deep" else tmp_path)) == expected
