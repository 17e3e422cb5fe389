"""Run the data module through Lightning on two processes and on one; print OK if both see the same.

A script of its own, for a process that has trained before cannot be forked.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))
from library.data.folders import make, write_market
from library.data.test_datamodule_training import Recorder
from library.training.modules import trainer


class Writer(Recorder):
    """Leaves what its process saw in a file."""

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder

    def on_fit_end(self):
        samplers = [type(loader.sampler).__name__ for loader in self.trainer.fit_loop._combined_loader.flattened]
        content = json.dumps([self.steps, self.evaluated, samplers])
        (self.folder / f"{self.global_rank}.json").write_text(content)


def fit(root: Path, devices: int) -> list:
    folder = root / f"{devices} processes"
    folder.mkdir()
    run = trainer(max_epochs=2, strategy="ddp_fork" if devices > 1 else "auto", devices=devices)
    run.fit(Writer(folder), make(root, on_error="skip"))
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(devices)]


def main() -> None:
    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    write_market(root / "market1501")
    write_market(root / "dukemtmcreid", train_ids=5, cameras=3)
    sorted((root / "dukemtmcreid" / "query").iterdir())[1].write_bytes(b"")  # the second process embeds it
    first, second = fit(root, 2)
    (alone,) = fit(root, 1)
    assert first[2] == ["IdentitySampler", "EpochSampler"], first[2]
    for one, two, both in zip(first[0], second[0], alone[0], strict=True):
        for domain in ("source", "target"):
            assert one[2][domain][0] + two[2][domain][0] == both[2][domain][0]
            assert abs(one[2][domain][1] + two[2][domain][1] - both[2][domain][1]) < 0.1  # the pictures' sum
    for loader, images in alone[1].items():
        assert sorted(first[1][loader] + second[1][loader]) == sorted(images)  # each once, nothing padded
    print("OK")


if __name__ == "__main__":
    main()
