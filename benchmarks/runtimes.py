"""Same network, every runtime: how far embeddings, ranks and copies of a picture move, and what the runtime costs.

    python benchmarks/runtimes.py checkpoint=FILE data=DIR [set=pedestrians_night] [domain=target] [batch=64]
        [only=WORD]

Everything is compared with the plain network, single precision, as PyTorch runs it by itself. The gallery goes through
twice, the second time in reverse: a copy of a picture should tie with the picture wherever in a batch it stands. `only`
measures the runtimes with a word in their name. Takes what is installed and names what is not; docs/runtimes.md has
the table.
"""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from arguments import take
from crops import read_crops
from pixels import installed
from torch import Tensor
from torch.nn.functional import normalize

from dien_lightning import evaluate_retrieval
from dien_lightning.data.transforms import evaluation_transform
from dien_lightning.export import Deployed, export_graph
from dien_lightning.network import DIEN, Domain, load_network
from dien_lightning.training.embedding import embed

Runtime = Callable[[Tensor], Tensor]  # images (B, 3, H, W) -> embeddings (B, D)


class Embedded(NamedTuple):
    """What one runtime made of the data set; embeddings of unit length."""

    query: Tensor  # (Q, D)
    gallery: Tensor  # (G, D)
    copies: Tensor  # (G, D), of the same images in other places of other batches
    seconds: float  # of the processor, for all images


def runtimes(network: DIEN, domain: Domain, folder: Path) -> Iterator[tuple[str, Runtime]]:
    """Name and function of each; the first is what the others are compared with."""

    def eager(precision: str, channels_last: bool, network: DIEN = network) -> Runtime:
        options = {"domain": domain, "precision": precision, "channels_last": channels_last}
        return lambda images: embed(network, images, **options).embedding

    yield "eager, float32", eager("32-true", False)
    yield "eager, float32, one image at a time", one_by_one(eager("32-true", False))
    yield "eager, float32, channels_last", eager("32-true", True)
    yield "eager, float64", eager("64-true", False, copy.deepcopy(network).double())
    yield "eager, bfloat16 autocast", eager("bf16-mixed", False)
    yield "eager, bfloat16 autocast, channels_last (ours)", eager("bf16-mixed", True)
    deployed = Deployed(network, domain=domain, normalized=False)
    yield "torch.compile", torch.compile(deployed)
    export_graph(deployed, folder / "float.pt2", format="pt2", size="free")
    yield "torch.export", torch.export.load(folder / "float.pt2").module()
    with installed("onnx"):
        from precisions import by_onnxruntime, in_int8

        export_graph(deployed, folder / "float.onnx", size="free")
        yield "onnxruntime", by_onnxruntime(folder / "float.onnx")
        int8 = by_onnxruntime(in_int8(folder / "float.onnx", folder / "int8.onnx"))
        yield "onnxruntime, quantize_dynamic, int8", int8
        yield "onnxruntime, quantize_dynamic, int8, one image at a time", one_by_one(int8)


def one_by_one(runtime: Runtime) -> Runtime:
    """The same runtime on batches of one."""
    return lambda images: torch.cat([runtime(image[None]) for image in images])


def embed_all(runtime: Runtime, query: Tensor, gallery: Tensor, batch: int) -> Embedded:
    """The data set behind one runtime."""

    def unit(images: Tensor) -> Tensor:
        with torch.inference_mode():
            return normalize(torch.cat([runtime(part) for part in images.split(batch)]).double(), dim=1)

    unit(query[:batch])  # compiles
    start = time.process_time()
    parts = unit(query), unit(gallery), unit(gallery.flip(0)).flip(0)
    return Embedded(*parts, seconds=time.process_time() - start)


def row(found: Embedded, ours: Embedded, labels: dict[str, list[int]]) -> str:
    """The cells of one runtime."""
    result = evaluate_retrieval(query=found.query.float(), gallery=found.gallery.float(), **labels)
    apart = max((a - b).abs().max() for a, b in zip(found[:2], ours[:2], strict=True))
    cosine = min((a * b).sum(1).min() for a, b in zip(found[:2], ours[:2], strict=True))
    lists, expected = (torch.cdist(each.query, each.gallery).argsort(stable=True)[:, :10] for each in (found, ours))
    nearest, ten = (lists[:, 0] != expected[:, 0]).sum(), (lists != expected).any(1).sum()
    equal = (found.gallery == found.copies).all(1).sum()
    return (
        f"{apart:.1e} | {cosine:.6f} | {100 * result.rank(1):.2f} | {100 * result.mAP:.3f} | {nearest} | {ten} | "
        f"{equal} of {len(found.gallery)} | {found.seconds / ours.seconds:.2f}"
    )


def main() -> None:
    """Print a row for each runtime."""
    options = take(checkpoint="???", data="???", set="pedestrians_night", domain="target", batch=64, only="")
    network, crops = load_network(options.checkpoint), read_crops(options.set, options.data)
    domain = options.domain if network.gathered(options.domain) else network.statistics_for(options.domain)
    transform = evaluation_transform(network.hyperparameters["image_size"])
    query, gallery = (torch.stack([transform(image) for image in images]) for images in crops[:2])
    print(f"T = {network.attention_loops}, {domain} statistics, {len(query)} queries, batches of {options.batch}")
    print("| runtime | largest | cosine | rank-1 | mAP | nearest | first ten | copies | time |\n|" + "---|" * 9)
    ours = None
    with tempfile.TemporaryDirectory() as folder:
        for name, runtime in runtimes(network, domain, Path(folder)):
            if ours and options.only not in name:
                continue
            found = embed_all(runtime, query, gallery, options.batch)
            ours = ours or found
            print(f"| {name} | {row(found, ours, crops.labels)} |", flush=True)


if __name__ == "__main__":
    main()
