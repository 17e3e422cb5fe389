"""Networks to files that others run: ONNX, torch.export's, Roboflow's folder."""

from dien_lightning.export.deployed import INPUTS, Deployed
from dien_lightning.export.graphs import FORMATS, METADATA, SIZES, describe, export_graph, why_no_calibration
from dien_lightning.export.parity import LEAST_COSINE, Parity, check_parity
from dien_lightning.export.roboflow import export_reid

__all__ = [
    "FORMATS",
    "INPUTS",
    "LEAST_COSINE",
    "METADATA",
    "SIZES",
    "Deployed",
    "Parity",
    "check_parity",
    "describe",
    "export_graph",
    "export_reid",
    "why_no_calibration",
]
