#!/usr/bin/env bash
# Crops named cam1.0001.jpg, cam1.0002.jpg, ... come out of WebDataset as one sample.
#
# With:   webdataset 1.0.2
# Does:   a sample's key ends at the first dot of the file's name, and files in a row with one key are one sample. All
#         of a camera's crops merge into it, without a word; so do times of day with dots.
# Guess:  the extension is what follows the last dot, as in os.path.splitext.
# Seen:   3 crops of camera 1 and 2 of camera 2: 2 samples, with the fields 0001.jpg, 0002.jpg, ... and none called jpg.
# Beside: a dot in a folder's name is harmless; Market-1501's doubled 0001_c1s1_000151_01.jpg.jpg has the field jpg.jpg.
# Use:    names with one dot.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet webdataset==1.0.2
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys
import tarfile

import webdataset


def samples(*names):
    with tarfile.open("shard.tar", "w") as shard:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 5
            shard.addfile(member, io.BytesIO(b"image"))
    read = webdataset.WebDataset("shard.tar", shardshuffle=False)
    return [{key: value for key, value in sample.items() if value == b"image"} for sample in read]


def fields(*names):
    return [sorted(sample) for sample in samples(*names)]


seen = {
    "cameras": fields("cam1.0001.jpg", "cam1.0002.jpg", "cam1.0003.jpg", "cam2.0001.jpg", "cam2.0002.jpg"),
    "folder": fields("v1.5/0001.jpg", "v1.5/0002.jpg"),
    "doubled": fields("0001_c1s1_000151_01.jpg.jpg"),
}
expected = {
    "cameras": [["0001.jpg", "0002.jpg", "0003.jpg"], ["0001.jpg", "0002.jpg"]],
    "folder": [["jpg"], ["jpg"]],
    "doubled": [["jpg.jpg"]],
}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
