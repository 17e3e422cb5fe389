"""An exported network in fewer bits: what its file weighs, how fast onnxruntime runs it, and what its figures lose.

    python benchmarks/precisions.py checkpoint=FILE data=DIR [set=pedestrians_night] [batch=64] [calibrate=128]

The rows are variants of the file that `dien export` writes. `quantize_static` takes its scales from `calibrate` of the
set's training images, whose labels it does not ask for; one variant leaves layers in float32 that do not multiply much.
Speed is of one thread, by the processor's time. docs/runtimes.md has the table.
"""

from __future__ import annotations

import copy
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from arguments import take
from crops import read_crops
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor
from torch.nn.functional import normalize

from dien_lightning import evaluate_retrieval, load_network
from dien_lightning.data.images import read_image
from dien_lightning.data.reading import read_dataset
from dien_lightning.data.transforms import evaluation_transform
from dien_lightning.export import Deployed, export_graph

Runtime = Callable[[Tensor], Tensor]  # images (B, 3, H, W) -> embeddings (B, D)
_LARGE = 1024  # numbers of a weight that is worth converting


def by_onnxruntime(file: Path) -> Runtime:
    """A session with as many threads as torch has."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


def in_int8(source: Path, target: Path) -> Path:
    """Weights in int8, activations by a scale that is taken anew from each batch."""
    ready = target.with_name("ready.onnx")
    quant_pre_process(source, ready, skip_symbolic_shape=True)
    quantize_dynamic(ready, target, weight_type=QuantType.QUInt8)
    return target


class Batches(CalibrationDataReader):
    """Images as onnxruntime asks for them.

    Args:
        images: (N, 3, H, W).
    """

    def __init__(self, images: Tensor) -> None:
        self._left = iter(images.split(16))

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next batch, or None."""
        batch = next(self._left, None)
        return None if batch is None else {"images": batch.numpy()}


def in_static_int8(source: Path, target: Path, images: Tensor, kinds: list[str]) -> Path:
    """Weights and activations in int8, by scales that images gave once."""
    how = {"quant_format": QuantFormat.QDQ, "per_channel": True, "op_types_to_quantize": kinds}
    quantize_static(source, target, Batches(images), **how)
    return target


def with_bfloat16_weights(source: Path, target: Path) -> Path:
    """Weights in half the bytes, and a cast behind each: onnxruntime multiplies nothing in bfloat16 on a CPU."""
    model = onnx.load(source)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and math.prod(tensor.dims) >= _LARGE:
            kept = f"{tensor.name}_bfloat16"
            casts.append(helper.make_node("Cast", [kept], [tensor.name], to=TensorProto.FLOAT))
            bits = torch.from_numpy(numpy_helper.to_array(tensor).copy()).bfloat16().view(torch.int16).numpy()
            tensor.CopyFrom(helper.make_tensor(kept, TensorProto.BFLOAT16, tensor.dims, bits.tobytes(), raw=True))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, target)
    return target


def in_bfloat16(deployed: Deployed, target: Path) -> Path:
    """The whole graph in bfloat16, as torch exports it."""
    height, width = deployed.network.hyperparameters["image_size"]
    example = torch.rand(2, 3, height, width, dtype=torch.bfloat16)
    shapes = {"images": {0: torch.export.Dim("batch", min=1)}}
    names = {"input_names": ["images"], "output_names": ["embedding"], "dynamic_shapes": shapes}
    network = copy.deepcopy(deployed).bfloat16()
    torch.onnx.export(network, (example,), target, **names, dynamo=True, external_data=False, verbose=False)
    return target


def variants(network: torch.nn.Module, folder: Path, images: Tensor) -> Iterator[tuple[str, Callable[[], Path]]]:
    """Name of each and what writes it; the first is what the others are compared with."""
    deployed = Deployed(network, normalized=False)
    plain, ready = folder / "float.onnx", folder / "ready.onnx"
    export_graph(deployed, plain)
    yield "float32, as `dien export` writes it", lambda: plain
    yield "bfloat16 throughout", lambda: in_bfloat16(deployed, folder / "bfloat16.onnx")
    yield "float32, weights kept in bfloat16", lambda: with_bfloat16_weights(plain, folder / "weights.onnx")
    yield "int8, `quantize_dynamic`", lambda: in_int8(plain, folder / "dynamic.onnx")
    kinds = ["Conv", "Gemm", "MatMul", "Add", "MaxPool"]
    yield (
        "int8, `quantize_static`, convolutions, products and sums",
        lambda: in_static_int8(ready, folder / "static.onnx", images, kinds),
    )
    yield (
        "int8, `quantize_static`, convolutions alone",
        lambda: in_static_int8(ready, folder / "convolutions.onnx", images, ["Conv"]),
    )


def main() -> None:
    """Write, run and rank each."""
    options = take(checkpoint="???", data="???", set="pedestrians_night", batch=64, calibrate=128)
    torch.set_num_threads(1)
    network = load_network(options.checkpoint)
    crops = read_crops(options.set, options.data)
    resize = evaluation_transform(network.hyperparameters["image_size"])
    query, gallery = (torch.stack([resize(image) for image in images]) for images in crops[:2])
    train = read_dataset(options.set, options.data).train
    chosen = train[:: max(1, len(train) // options.calibrate)][: options.calibrate]
    calibration = torch.stack([resize(read_image(record.path)) for record in chosen])

    def embed(run: Runtime, images: Tensor) -> Tensor:
        return normalize(torch.cat([run(batch) for batch in images.split(options.batch)]), dim=1)

    sizes = f"{len(query)} queries, {len(gallery)} in the gallery, batches of {options.batch}"
    print(f"T = {network.attention_loops}, {sizes}, {len(calibration)} images for static scales")
    print("| file | MB | images/s | rank-1 | mAP | smallest cosine | copies that tie |\n|" + "---|" * 7)
    first = None
    with tempfile.TemporaryDirectory() as folder:
        for name, write in variants(network, Path(folder), calibration):
            try:
                file = write()
                run = by_onnxruntime(file)
                run(query[:2])
            except Exception as error:  # whatever a runtime raises is the row
                print(f"| {name} | refused: {str(error).splitlines()[0][:120]} |", flush=True)
                continue
            start = time.process_time()
            found = embed(run, query), embed(run, gallery)
            speed = (len(query) + len(gallery)) / (time.process_time() - start)
            first = first or found
            copies = embed(run, gallery.flip(0)).flip(0)
            result = evaluate_retrieval(query=found[0], gallery=found[1], **crops.labels)
            cosine = min(float((a * b).sum(1).min()) for a, b in zip(found, first, strict=True))
            size, figures = file.stat().st_size / 1e6, (100 * result.rank(1), 100 * result.mAP)
            cells = f"{size:.1f} | {speed:.0f} | {figures[0]:.2f} | {figures[1]:.2f}"
            ties = f"{int((copies == found[1]).all(1).sum())} of {len(gallery)}"
            print(f"| {name} | {cells} | {cosine:.5f} | {ties} |", flush=True)


if __name__ == "__main__":
    main()
