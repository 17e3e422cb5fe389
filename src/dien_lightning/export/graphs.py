"""A deployed network as a graph in a file: ONNX or torch.export's, with what one has to know of it in its metadata."""

from __future__ import annotations

import io
import json
import os
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from dien_lightning.atomic import atomic_write
from dien_lightning.checks import check_choice
from dien_lightning.export.deployed import INPUTS, Deployed
from dien_lightning.export.parity import Parity, check_parity

FORMATS = ("onnx", "pt2")
SIZES = ("fixed", "free")
METADATA = "dien.json"
"""The extra file of a .pt2 that holds its metadata."""
_SMALLEST_FREE = (64, 33)  # where a map may have one column, torch exports that case alone


def export_graph(
    deployed: Deployed, path: str | os.PathLike[str], *, format: str = "onnx", size: str = "fixed"
) -> Parity:
    """Export for any batch, compare on other batches or sizes than the example's, and only then write the file.

    Args:
        deployed: the network, see `Deployed`.
        path: of the file; replaced in one step.
        format: "onnx" (input "images", output "embedding"), or "pt2", which `torch.export.load` reads.
        size: "fixed" takes images of the network's own size, "free" of any from 64 x 33 pixels on.

    Returns:
        How near the file's embeddings are, onnxruntime's on the CPU for ONNX.

    Raises:
        ValueError: an argument that is not allowed, or a file that computes something else.
        ModuleNotFoundError: onnx, onnxscript or onnxruntime is not installed.
        OSError: it cannot be written.
    """
    check_choice("format", format, FORMATS)
    check_choice("size", size, SIZES)
    height, width = deployed.network.hyperparameters["image_size"]
    axes: dict[int, Any] = {0: torch.export.Dim("batch", min=1)}
    shapes = [(batch, 3, height, width) for batch in (1, 3, 5)]
    example = torch.rand(2, 3, height, width)
    if size == "free":
        axes |= {2 + axis: torch.export.Dim(name, min=_SMALLEST_FREE[axis]) for axis, name in enumerate(("h", "w"))}
        example = torch.rand(2, 3, max(height, 128), max(width, 64))
        shapes = [(3, 3, height, max(width, 33)), (1, 3, 70, 45), (2, 3, height + 37, width + 21)]
    about = describe(deployed, size)
    parity_of = {"largest": 255.0 if deployed.input == "bytes" else 1.0}
    with warnings.catch_warnings():  # torch's exporters speak of their own insides
        warnings.simplefilter("ignore")
        if format == "onnx":
            content, run = _onnx(deployed, example, axes, about)
        else:
            content, run = _pt2(deployed, example, axes, about)
        parity = check_parity(deployed, run, shapes, **parity_of)
    with atomic_write(path) as draft:
        draft.write_bytes(content)
    return parity


def describe(deployed: Deployed, size: str) -> dict[str, str]:
    """What a file says of itself; a calibration that fits goes along, as `Calibration.loads` reads it."""
    network = deployed.network
    height, width = network.hyperparameters["image_size"]
    about = {
        "input": deployed.input,
        "input_convention": INPUTS[deployed.input],
        "size": f"{height} x {width}, height x width" + (" or any other" if size == "free" else ""),
        "embedding": "of unit length" if deployed.normalized else "as it is",
        "attention_loops": str(network.attention_loops),
        "domain": deployed.domain,
        "fingerprint": deployed.fingerprint,
        "library": f"dien-lightning {version('dien-lightning')}",
    }
    if network.calibration is not None and not why_no_calibration(deployed):
        about["calibration"] = network.calibration.dumps()
    return about


def why_no_calibration(deployed: Deployed) -> str:
    """Why a file goes without the network's calibration; empty where it goes along, or where there is none."""
    calibration = deployed.network.calibration
    if calibration is None:
        return ""
    if not deployed.normalized:
        return (
            "the calibration was fitted to embeddings of unit length, and these are left as they are; export with "
            "normalized=true to take it along."
        )
    try:
        calibration.check_fits(deployed.fingerprint, deployed.domain)
    except ValueError as error:
        return str(error)
    return ""


def _onnx(deployed: Deployed, example: torch.Tensor, axes: dict[int, Any], about: dict[str, str]) -> tuple[bytes, Any]:
    import onnxruntime  # noqa: PLC0415  (an extra)

    program: Any = torch.onnx.export(
        deployed,
        (example,),
        input_names=["images"],
        output_names=["embedding"],
        dynamic_shapes={"images": axes},
        dynamo=True,
        verbose=False,
    )
    program.model.metadata_props.update(about)
    content = program.model_proto.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return content, lambda images: session.run(["embedding"], {"images": images})[0]


def _pt2(deployed: Deployed, example: torch.Tensor, axes: dict[int, Any], about: dict[str, str]) -> tuple[bytes, Any]:
    with torch.no_grad():
        program = torch.export.export(deployed, (example,), dynamic_shapes={"images": axes})
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={METADATA: json.dumps(about)})
    loaded = torch.export.load(io.BytesIO(buffer.getvalue())).module()

    def run(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return loaded(torch.from_numpy(images)).numpy()

    return buffer.getvalue(), run
