"""What loading costs: images per second and core, ours against a plain torchvision loader on PIL images.

    python benchmarks/loading.py [images=2000] [height=256] [width=128] [rounds=5] [steps=20] [root=DIR]

Market-sized crops (64 x 128 pixels) are drawn unless `root` names a folder of images. Both loaders run in this process
on one thread with HHL's augmentation (crop of 64 to 100 % of the area, flip, ImageNet's normalisation) and
batches of 64. The rounds alternate, so that whatever else the machine does meets all alike; medians are printed.
The last lines train the demo's network (ResNet-18) and say which share of a step is spent waiting for the next batch.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import models, transforms

from dien_lightning.data.cache import DecodedImages
from dien_lightning.data.dataset import ReIDDataset
from dien_lightning.data.files import image_files
from dien_lightning.data.records import Record
from dien_lightning.data.samplers import EpochSampler
from dien_lightning.data.transforms import IMAGENET_MEAN, IMAGENET_STD, train_transform

BATCH = 64


class PlainDataset(Dataset):
    """What most projects do: open with PIL, transform with PIL, end with ToTensor and Normalize."""

    def __init__(self, paths: list[str], size: tuple[int, int]) -> None:
        self.paths = paths
        self.transform = transforms.Compose(
            [
                transforms.RandomResizedCrop(size, scale=(0.64, 1.0), ratio=(1 / 3, 1 / 2)),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Any:
        with Image.open(self.paths[index]) as picture:
            return self.transform(picture.convert("RGB")), index


def ours(paths: list[str], size: tuple[int, int], *, gigabytes: float, workers: int = 0, steps: int = 0) -> DataLoader:
    """Our loader as the data module builds it."""
    records = [Record(path, 0, 0) for path in paths]
    dataset = ReIDDataset(records, train_transform(size), cache_bytes=int(gigabytes * 1e9))
    sampler = EpochSampler(len(paths), BATCH, steps or len(paths) // BATCH)
    return DataLoader(dataset, BATCH, sampler=sampler, num_workers=workers, persistent_workers=workers > 0)


def draw_crops(folder: Path, count: int) -> list[str]:
    """Blurred noise in Market's size: about as many bytes as a real crop."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(count):
        noise = Image.fromarray(rng.integers(0, 256, (16, 8, 3), dtype=np.uint8))
        path = folder / f"{number:05d}.jpg"
        noise.resize((64, 128), Image.Resampling.BICUBIC).save(path, quality=90)
        paths.append(str(path))
    return paths


def images_per_second(loader: DataLoader) -> float:
    """One pass."""
    started, images = time.perf_counter(), 0
    for batch in loader:
        images += len(batch[0])
    return images / (time.perf_counter() - started)


def waiting_share(loader: DataLoader, step: Callable[[torch.Tensor], object]) -> float:
    """Share of the training time spent waiting for batches; the first step warms up."""
    waiting = working = 0.0
    batches: Iterator[Any] = iter(loader)
    step(next(batches)[0])
    while True:
        started = time.perf_counter()
        batch = next(batches, None)
        arrived = time.perf_counter()
        if batch is None:
            return waiting / (waiting + working)
        step(batch[0])
        waiting += arrived - started
        working += time.perf_counter() - arrived


def training_step() -> Callable[[torch.Tensor], None]:
    """Forward, backward and update of a ResNet-18."""
    network = models.resnet18(num_classes=200)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)

    def step(images: torch.Tensor) -> None:
        optimizer.zero_grad()
        network(images).logsumexp(1).mean().backward()
        optimizer.step()

    return step


def main() -> None:
    """Measure and print."""
    options = OmegaConf.merge(
        {"images": 2000, "height": 256, "width": 128, "rounds": 5, "steps": 20, "root": None},
        OmegaConf.from_cli(sys.argv[1:]),
    )
    torch.set_num_threads(1)
    size = (options.height, options.width)
    with tempfile.TemporaryDirectory() as folder:
        paths = image_files(Path(options.root)) if options.root else draw_crops(Path(folder), options.images)
        started = time.perf_counter()
        decoded = DecodedImages(paths, max_bytes=10**10)
        print(
            f"{len(paths)} images decoded once: {decoded.num_bytes / 1e6:.0f} MB, {time.perf_counter() - started:.1f} s"
        )
        loaders = {
            "plain PIL loader": DataLoader(PlainDataset(paths, size), BATCH, shuffle=True, drop_last=True),
            "ours, from files": ours(paths, size, gigabytes=0),
            "ours, decoded in memory": ours(paths, size, gigabytes=10),
        }
        rates: dict[str, list[float]] = {name: [] for name in loaders}
        for _ in range(options.rounds):
            for name, loader in loaders.items():
                rates[name].append(images_per_second(loader))
        plain = rates["plain PIL loader"]
        for name, rate in rates.items():
            ratio = statistics.median(r / p for r, p in zip(rate, plain, strict=True))
            print(f"{name:24s} {statistics.median(rate):7.0f} images/s per core   {ratio:4.2f} x")
        step = training_step()
        for name, loader in (
            ("plain", DataLoader(PlainDataset(paths[: BATCH * options.steps], size), BATCH, num_workers=1)),
            ("ours", ours(paths, size, gigabytes=10, workers=1, steps=options.steps)),
        ):
            share = waiting_share(loader, step)
            print(f"waiting for batches, ResNet-18 on one thread, one loader process, {name}: {share:.1%}")


if __name__ == "__main__":
    main()
