"""One crop, every decoder and resizer: how far each is from ours in grey values, and what it costs in mAP.

    python benchmarks/pixels.py [crops=100] [height=128] [size=256]
    python benchmarks/pixels.py checkpoint=FILE data=DIR [set=pedestrians_night] [domain=target] [cuts=true]

Drawn pedestrians of `height` by half of it are enlarged or shrunk to `size` by half of it. With a network of this
library, and a data set whose query and gallery have another size than its own, it is also told how the network ranks
when another library feeds it; `size` is then the network's. `cuts=true` asks instead what of timm's cut changes the
ranks: that people grow, or that what is around them goes. Takes what is installed and names what is not; docs/pixels.md
has the tables.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import sys
from collections.abc import Callable, Iterator

import numpy as np
import torch
from arguments import take
from crops import Crops, read_crops
from PIL import Image
from torch.nn.functional import normalize as unit
from torchvision import transforms as v1
from torchvision.io import decode_jpeg
from torchvision.transforms import v2

from dien_lightning import evaluate_retrieval
from dien_lightning.data.transforms import IMAGENET_MEAN, Normalize
from dien_lightning.network import DIEN, Domain, load_network
from dien_lightning.pedestrians.painter import draw_image, make_person
from dien_lightning.training.embedding import embed

Resizer = Callable[[np.ndarray], np.ndarray]  # (H, W, 3) uint8 -> (height, width, 3), 0 to 255


def draw_crops(number: int, height: int) -> list[np.ndarray]:
    """Drawn people before day and night cameras, (height, height / 2, 3) uint8."""
    crops = []
    for pid, domain in itertools.islice(itertools.product(range(number), ("day", "night")), number):
        person, camera = make_person(0, domain, pid), pid % 4 + 1
        view = {"domain": domain, "pid": pid, "camera": camera, "shot": 0, "size": (height, height // 2), "seed": 0}
        crops.append(draw_image(person, **view))
    return crops


def jpeg(crop: np.ndarray) -> bytes:
    """A file as the drawn sets have them."""
    file = io.BytesIO()
    Image.fromarray(crop).save(file, "JPEG", quality=95)
    return file.getvalue()


@contextlib.contextmanager
def installed(name: str) -> Iterator[None]:
    """Say what is not here, and go on."""
    try:
        yield
    except ImportError as error:
        print(f"{name} is not here: {error}", file=sys.stderr)


def decoders() -> Iterator[tuple[str, Callable[[bytes], np.ndarray]]]:
    """Name and function of each: a JPEG file -> (H, W, 3) uint8; the first is ours."""
    yield "Pillow (ours)", lambda file: np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
    yield (
        "torchvision.io",
        lambda file: decode_jpeg(torch.frombuffer(bytearray(file), dtype=torch.uint8)).permute(1, 2, 0).numpy(),
    )
    with installed("opencv"):
        import cv2

        yield "OpenCV, BGR turned round", lambda file: cv2.imdecode(np.frombuffer(file, np.uint8), 1)[..., ::-1]


def channels_first(crop: np.ndarray) -> torch.Tensor:
    """(H, W, 3) -> (3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(crop)).permute(2, 0, 1)


def resizers(height: int, width: int) -> Iterator[tuple[str, Resizer]]:
    """Name and function of each; the first is ours."""
    size, mode = [height, width], v2.InterpolationMode
    pillow = Image.Resampling

    def by_torchvision(crop: torch.Tensor, **options: object) -> np.ndarray:
        return v2.functional.resize(crop, size, **options).permute(1, 2, 0).numpy()

    yield "torchvision v2, uint8 (ours)", lambda crop: by_torchvision(channels_first(crop))
    yield "torchvision v2, float32", lambda crop: by_torchvision(channels_first(crop).float())
    yield "torchvision v2, antialias=False", lambda crop: by_torchvision(channels_first(crop), antialias=False)
    yield "torchvision v2, bicubic", lambda crop: by_torchvision(channels_first(crop), interpolation=mode.BICUBIC)
    yield "torchvision v1 and torchreid, PIL image", lambda crop: np.asarray(v1.Resize(size)(Image.fromarray(crop)))
    for name in ("BILINEAR", "BICUBIC", "NEAREST"):
        how = pillow[name]
        yield f"Pillow, {name}", lambda crop, how=how: np.asarray(Image.fromarray(crop).resize((width, height), how))
    with installed("opencv"):
        import cv2

        for name in ("INTER_LINEAR", "INTER_AREA", "INTER_CUBIC"):
            how = getattr(cv2, name)
            yield f"OpenCV, {name}", lambda crop, how=how: cv2.resize(crop, (width, height), interpolation=how)
        yield "OpenCV, INTER_LINEAR, BGR taken for RGB", lambda crop: cv2.resize(crop[..., ::-1], (width, height))
    with installed("albumentations"):
        import albumentations

        resize = albumentations.Resize(height, width)
        yield "albumentations, Resize", lambda crop: resize(image=crop)["image"]
    with installed("kornia"):
        import kornia

        def by_kornia(function: Callable[[torch.Tensor], torch.Tensor]) -> Resizer:
            return lambda crop: function(channels_first(crop)[None] / 255)[0].permute(1, 2, 0).numpy() * 255

        yield "kornia, resize", by_kornia(lambda batch: kornia.geometry.transform.resize(batch, (height, width)))
        yield "kornia, augmentation.Resize", by_kornia(kornia.augmentation.Resize((height, width)))
    with installed("timm"):
        from timm.data import create_transform

        for name, options in (("", {}), (", crop_pct=1, squash", {"crop_pct": 1.0, "crop_mode": "squash"})):
            transform = create_transform((3, height, width), mean=(0, 0, 0), std=(1, 1, 1), **options)
            yield (
                f"timm, create_transform{name}",
                lambda crop, transform=transform: transform(Image.fromarray(crop)).permute(1, 2, 0).numpy() * 255,
            )
    with installed("transformers"):
        from transformers import ViTImageProcessor

        processor = ViTImageProcessor(size={"height": height, "width": width}, do_rescale=False, do_normalize=False)
        yield (
            "transformers, ViTImageProcessor",
            lambda crop: processor(crop, return_tensors="np")["pixel_values"][0].transpose(1, 2, 0),
        )


def cuts(height: int, width: int) -> Iterator[tuple[str, list[Resizer]]]:
    """Name and functions of each; a figure is the mean over the functions."""

    def cut(tall: float, wide: float, top: float = 0.5, left: float = 0.5) -> Resizer:
        """A part of the crop, enlarged; `top` and `left` share what goes among the two sides."""

        def resize(crop: np.ndarray) -> np.ndarray:
            rows, columns = round(tall * crop.shape[0]), round(wide * crop.shape[1])
            row, column = round(top * (crop.shape[0] - rows)), round(left * (crop.shape[1] - columns))
            part = channels_first(crop[row : row + rows, column : column + columns])
            return v2.functional.resize(part, [height, width]).permute(1, 2, 0).numpy()

        return resize

    def paint(share: float) -> Resizer:
        """The same edges in the mean color, nothing enlarged."""

        def resize(crop: np.ndarray) -> np.ndarray:
            painted = np.empty_like(crop)
            painted[:] = [round(255 * value) for value in IMAGENET_MEAN]
            row, column = (round((1 - share) / 2 * length) for length in crop.shape[:2])
            inside = slice(row, crop.shape[0] - row), slice(column, crop.shape[1] - column)
            painted[inside] = crop[inside]
            return cut(1, 1)(painted)

        return resize

    for share in (1, 0.95, 0.9, 0.875, 0.85, 0.8, 0.7):
        yield f"middle {share} of height and width, enlarged", [cut(share, share)]
    yield "middle 0.875 of the height, enlarged", [cut(0.875, 1)]
    yield "middle 0.875 of the width, enlarged", [cut(1, 0.875)]
    corners = itertools.product((0, 1), repeat=2)
    yield "0.875 at a corner, enlarged (mean of four)", [cut(0.875, 0.875, *corner) for corner in corners]
    for share in (0.95, 0.875, 0.8):
        yield f"all but the middle {share} painted over, nothing enlarged", [paint(share)]


def difference(one: list[np.ndarray], other: list[np.ndarray]) -> str:
    """Largest and mean absolute difference in grey values, as two cells."""
    gaps = [np.abs(a.astype(np.float64) - b.astype(np.float64)) for a, b in zip(one, other, strict=True)]
    return f"{max(gap.max() for gap in gaps):.0f} | {np.mean([gap.mean() for gap in gaps]):.2f}"


def ranked(network: DIEN, domain: Domain, crops: Crops, resize: Resizer) -> np.ndarray:
    """Rank-1 and mAP (%) of the network when it sees what `resize` gives."""
    normalize = Normalize()

    def batches(images: list[torch.Tensor]) -> Iterator[torch.Tensor]:
        for start in range(0, len(images), 64):
            resized = [resize(image.permute(1, 2, 0).numpy()) for image in images[start : start + 64]]
            yield torch.stack([normalize(channels_first(image)) for image in resized])

    query, gallery = (
        unit(embed(network, batches(images), domain=domain, precision="32-true").embedding, dim=1)
        for images in (crops.query, crops.gallery)
    )
    result = evaluate_retrieval(query=query, gallery=gallery, **crops.labels)
    return np.array([100 * result.rank(1), 100 * result.mAP])


def main() -> None:
    """Print a table of decoders and one of resizers."""
    default = {"crops": 100, "height": 128, "size": 256, "set": "pedestrians_night", "domain": "target"}
    options = take(checkpoint=None, data=None, cuts=False, **default)
    height, width = options.size, options.size // 2
    if options.checkpoint is not None:
        network, images = load_network(options.checkpoint), read_crops(options.set, options.data)
        height, width = network.hyperparameters["image_size"]
    if options.cuts:
        print("| seen | rank-1 | mAP |\n|---|---|---|")
        for name, ways in cuts(height, width):
            rank1, mean = np.mean([ranked(network, options.domain, images, resize) for resize in ways], axis=0)
            print(f"| {name} | {rank1:.2f} | {mean:.2f} |", flush=True)
        return
    crops = draw_crops(options.crops, options.height)
    files = [jpeg(crop) for crop in crops]
    print("| decoder | largest | mean |\n|---|---|---|")
    ours = None
    for name, decode in decoders():
        decoded = [decode(file) for file in files]
        ours = ours or decoded
        print(f"| {name} | {difference(decoded, ours)} |", flush=True)

    costs = options.checkpoint is not None
    print(f"\n| resizer | largest | mean |{' rank-1 | mAP |' * costs}\n|---|---|---|{'---|---|' * costs}")
    baseline = None
    for name, resize in resizers(height, width):
        resized = [resize(crop) for crop in ours]
        baseline = baseline or resized
        cost = ""
        if costs:
            cost = " {:.2f} | {:.2f} |".format(*ranked(network, options.domain, images, resize))
        print(f"| {name} | {difference(resized, baseline)} |{cost}", flush=True)


if __name__ == "__main__":
    main()
