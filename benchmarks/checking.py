"""What checking a folder costs: dien check on as many crops as Market-1501's training set has.

    python benchmarks/checking.py [images=12936] [workers=2]

The crops (64 x 128 pixels, blurred noise with about as many bytes as real ones) are drawn into a temporary folder under
Market-1501's names; drawing is not timed.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from omegaconf import OmegaConf
from PIL import Image

CHECK = Path(__file__).parents[1] / "scripts" / "check_data.py"


def draw(root: Path, count: int) -> None:
    """751 identities before six cameras to train on, and a query with a match."""
    rng = np.random.default_rng(0)
    names = [f"bounding_box_train/{i % 751 + 1:04d}_c{i % 6 + 1}s1_{i:06d}_00.jpg" for i in range(count)]
    for name in [*names, "query/0800_c1s1_000000_00.jpg", "bounding_box_test/0800_c2s1_000000_00.jpg"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        noise = Image.fromarray(rng.integers(0, 256, (16, 8, 3), dtype=np.uint8))
        noise.resize((64, 128), Image.Resampling.BICUBIC).save(root / name, quality=90)


def main() -> None:
    """Draw, check, print the seconds."""
    options = OmegaConf.merge({"images": 12936, "workers": 2}, OmegaConf.from_cli(sys.argv[1:]))
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder), options.images)
        started = time.perf_counter()
        command = [sys.executable, str(CHECK), folder, "layout=market1501", f"workers={options.workers}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{options.images} images checked by {options.workers} processes in {seconds:.1f} s, "
        f"{used.ru_utime + used.ru_stime:.1f} s of processor time (the start of Python and torch included)"
    )


if __name__ == "__main__":
    main()
