"""How Roboflow's folder ranks, beside the network that it was exported from.

    python benchmarks/roboflow.py checkpoint=FILE data=DIR [set=pedestrians_night] [reid=PYTHON]

The folder (`dien export format=reid`) holds the backbone alone. It is read by our own reading of it, and by Roboflow's
reid where `reid` names the Python of an environment that has it (`pip install reid`); both embed the set's crops.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from arguments import take
from torch import Tensor, nn
from torch.nn.functional import normalize

from dien_lightning import evaluate_retrieval, load_network
from dien_lightning.data.images import read_image
from dien_lightning.data.reading import read_dataset
from dien_lightning.data.transforms import evaluation_transform
from dien_lightning.export import Deployed, export_reid
from dien_lightning.export.roboflow import Averaged

BY_REID = """
import sys
from importlib.metadata import version
import numpy
from reid import ReIDModel
folder, paths, output = sys.argv[1:]
model = ReIDModel.from_pretrained(folder, device="cpu")
numpy.save(output, model.extract_embeddings_from_paths(open(paths).read().splitlines()))
print(version("reid"))
"""


def by_reid(python: str, folder: Path, paths: list[str]) -> tuple[str, Tensor]:
    """The version of reid, and what it embeds (N, C)."""
    listed, output = folder / "paths.txt", folder / "embeddings.npy"
    listed.write_text("\n".join(paths) + "\n")
    command = [python, "-c", BY_REID, str(folder), str(listed), str(output)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return said.splitlines()[-1], torch.from_numpy(np.load(output)).float()


def main() -> None:
    """Embed by each, print a row for each."""
    options = take(checkpoint="???", data="???", set="pedestrians_night", reid=None)
    network = load_network(options.checkpoint)
    splits = read_dataset(options.set, options.data)
    records = [*splits.query, *splits.gallery]
    resize = evaluation_transform(network.hyperparameters["image_size"])
    images = torch.stack([resize(read_image(record.path)) for record in records])
    parts = {"query": slice(len(splits.query)), "gallery": slice(len(splits.query), None)}
    labels = {f"{part}_pids": [record.pid for record in records[rows]] for part, rows in parts.items()}
    labels |= {f"{part}_camids": [record.camid for record in records[rows]] for part, rows in parts.items()}

    def embed(module: nn.Module) -> Tensor:
        with torch.inference_mode():
            return torch.cat([module(batch) for batch in images.split(64)])

    def show(name: str, embedding: Tensor, beside: Tensor | None = None) -> Tensor:
        unit = normalize(embedding, dim=1)
        result = evaluate_retrieval(**{part: unit[rows] for part, rows in parts.items()}, **labels)
        apart = "" if beside is None else f"{float((unit - beside).abs().max()):.1e}"
        print(
            f"| {name} | {unit.shape[1]} | {100 * result.rank(1):.1f} | {100 * result.mAP:.1f} | {apart} |", flush=True
        )
        return unit

    deployed = Deployed(network)
    print("| embedding | width | rank-1 | mAP | largest difference |\n|---|---|---|---|---|")
    show("the network's", embed(deployed))
    with tempfile.TemporaryDirectory() as place:
        export_reid(deployed, place)
        averaged = show("the folder's, read by us", embed(Averaged(deployed.network, deployed.domain)))
        if options.reid:
            version, embedding = by_reid(options.reid, Path(place), [record.path for record in records])
            show(f"the folder's, read by reid {version}", embedding, averaged)


if __name__ == "__main__":
    main()
