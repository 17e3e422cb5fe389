"""Export a trained network to a file that others run; it is kept only if it computes the same.

dien export checkpoint=FILE output=FILE [format=onnx|pt2|reid] [input=normalized|unit|bytes] [size=fixed|free]
    [domain=target|source] [normalized=true] [threads=N]

`format=onnx` is run by onnxruntime and others, `pt2` by torch.export.load, in batches of any size. `reid` is the folder
of Roboflow's reid, which can build the backbone alone: its averaged map is another embedding than ours.

`input` says how images will be fed in, RGB always: `normalized` with ImageNet's mean and standard deviation, as BoxMOT
does, `unit` from 0 to 1, as Ultralytics' trackers do, `bytes` from 0 to 255, as fast-reid's exported networks take
them. `size=free` takes any height and width from 64 x 33 pixels on. One domain's batch-norm statistics go along: the
target's where there are any. Embeddings have unit length; `normalized=false` leaves them as they are.

The file's metadata say all this, and carry the network's fingerprint, and its calibration where that was fitted to such
embeddings: of this domain, of unit length. Before the file is kept, its embeddings are compared with the network's on
three batches or sizes besides the example's: a cosine of 0.9999 or less, and there is no file.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dien_lightning.checks import check_choice
from dien_lightning.experiments.options import MISSING, take_all
from dien_lightning.experiments.threads import use_threads
from dien_lightning.export import FORMATS, SIZES, Deployed, export_graph, export_reid, why_no_calibration
from dien_lightning.network import load_network


@dataclass
class Options:
    """As in the lines above."""

    checkpoint: str = MISSING
    output: str = MISSING
    format: str = "onnx"
    input: str = "normalized"
    size: str = "fixed"
    domain: str | None = None
    normalized: bool = True
    threads: int | None = None


def main() -> None:
    """Load, export, compare, write."""
    options = take_all(Options, sys.argv[1:])
    check_choice("format", options.format, (*FORMATS, "reid"))
    check_choice("size", options.size, SIZES)
    if options.format == "reid" and (options.size != "fixed" or not options.normalized):
        raise ValueError(
            "format=reid writes neither size=free nor normalized=false; choose format=onnx or pt2 for them."
        )
    check_output(options.output, options.format)
    use_threads(options.threads)
    domain: Any = options.domain
    network = load_network(options.checkpoint)
    deployed = Deployed(network, input=options.input, domain=domain, normalized=options.normalized)
    if options.format == "reid":
        parity = export_reid(deployed, options.output)
        print("Roboflow's reid can build the backbone alone: what it embeds is its averaged map, not our embedding.")
        why = "it was fitted to our embedding." if network.calibration is not None else ""
    else:
        try:
            parity = export_graph(deployed, options.output, format=options.format, size=options.size)
        except ModuleNotFoundError as error:
            raise ValueError(f'format=onnx needs {error.name}: pip install "dien-lightning[export]".') from error
        why = why_no_calibration(deployed)
    print(f"Written to {options.output}, with the {deployed.domain}'s statistics; compared with the network: {parity}.")
    if why:
        print(f"The network's calibration was left out: {why}")


def check_output(output: str, format: str) -> None:
    """Refuse, before anything is computed, to write over what is there, or by another format's name.

    Raises:
        ValueError: a folder, where a file is to be written; the suffix of another format.
        FileExistsError: a file, or a folder that holds one of those to be written.
        NotADirectoryError: a file stands where its folder would be.
    """
    path = Path(output)
    if (named := path.suffix[1:].lower()) in FORMATS and named != format:
        raise ValueError(
            f"output={output} is named as a file of format={named}, and format={format}; change one of them."
        )
    if format != "reid" and (output.endswith("/") or path.is_dir()):
        raise ValueError(f"output={output} names a folder; name a file, network.{format}.")
    names = ("weights.safetensors", "reid_config.json") if format == "reid" else ("",)
    if taken := next((path / name for name in names if (path / name).exists()), None):
        raise FileExistsError(f"{taken} is there already; delete it, or choose another output.")
    folders = [path.absolute(), *path.absolute().parents]  # itself is one with format=reid
    if (above := next(folder for folder in folders if folder.exists())).is_file():
        raise NotADirectoryError(f"{above} is a file, so output={output} cannot lie in it; choose another output.")
