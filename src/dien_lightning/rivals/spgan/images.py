"""A data set whose training images have another look: the same folders and file names, all else as it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from dien_lightning.atomic import atomic_folder
from dien_lightning.data import Splits
from dien_lightning.data.files import is_passed_over
from dien_lightning.data.images import read_image
from dien_lightning.data.transforms import IMAGENET_MEAN, IMAGENET_STD


def signed(images: Tensor) -> Tensor:
    """Images as the data module normalises them -> in [-1, 1].

    Shape:
        (B, 3, H, W) -> the same.

    Example:
        >>> from dien_lightning.data.transforms import Normalize
        >>> signed(Normalize()(torch.full((1, 3, 1, 1), 255, dtype=torch.uint8))).flatten()
        tensor([1., 1., 1.])
    """
    mean, std = (torch.tensor(each, device=images.device).view(3, 1, 1) for each in (IMAGENET_MEAN, IMAGENET_STD))
    return (2 * (images * std + mean) - 1).clamp(-1, 1).contiguous()


def translate_images(
    paths: Sequence[str], translate: Callable[[Tensor], Tensor], image_size: tuple[int, int], batch_size: int = 32
) -> Iterator[Tensor]:
    """Translate image files one after the other; each comes out in its own height and width.

    Args:
        paths: of the files.
        translate: (B, 3, H, W) in [-1, 1] -> the same.
        image_size: height and width that it is given.
        batch_size: images at a time; changes nothing.

    Yields:
        uint8 (3, H, W), in the order of the paths.

    Raises:
        UnreadableImageError: names the file that cannot be decoded.
    """
    left = iter(paths)
    while batch := [read_image(path) for path in islice(left, batch_size)]:
        resized = torch.stack([F.resize(image, list(image_size), antialias=True) for image in batch])
        translated = translate(resized.float() / 127.5 - 1)
        for image, given in zip(translated.float().cpu(), batch, strict=True):
            pixels = ((image.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
            yield F.resize(pixels, list(given.shape[-2:]), antialias=True)


def check_translatable(source: Splits) -> None:
    """Raise a ValueError unless the set's training images can be replaced where they lie.

    Args:
        source: as it was read.
    """
    if not source.root.is_dir():
        raise ValueError(
            f"{source.root} is not one folder: translate one set, named by the folder that its images lie in."
        )
    if not source.train:
        raise ValueError(f"{source.root} ({source.name}) has no training images, and those are what is translated.")
    root = os.path.abspath(source.root)
    strange = [record.path for record in source.train if not Path(os.path.abspath(record.path)).is_relative_to(root)]
    if strange:
        raise ValueError(
            f"{strange[0]} and {len(strange) - 1} more training images lie outside {source.root}; a translated set "
            f"has the same files in the same places: move them into the folder."
        )


def write_translated_set(
    source: Splits,
    folder: Path,
    translate: Callable[[Tensor], Tensor],
    image_size: tuple[int, int],
    without: Collection[str] = (),
) -> None:
    """Write the whole set anew, its training images translated; the folder appears when it is complete.

    Other files are linked where the file system can (a second name of the same file), otherwise copied.

    Args:
        source: as it was read; its folder is not changed.
        folder: where to; must not be there.
        translate: see `translate_images`.
        image_size: see `translate_images`.
        without: names of files in the source's folder that say what is not true of translated images.

    Raises:
        ValueError: see `check_translatable`.
        FileExistsError: the folder is there.
        OSError: nothing can be written.
    """
    check_translatable(source)
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; delete it to write it anew, or choose another.")
    with atomic_folder(folder) as draft:
        paths = [record.path for record in source.train]
        names = [os.path.relpath(path, source.root) for path in paths]
        _link_others(source.root, draft, {*names, *map(os.path.normpath, without)})
        for name, image in zip(names, translate_images(paths, translate, image_size), strict=True):
            place = draft / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)  # a second name of the original, where a file system has two for one place
            write_picture(image, place)


def write_picture(image: Tensor, path: Path) -> None:
    """Write an image in the format that its file's name says; JPEG with colors for each pixel, and hardly a loss."""
    is_jpeg = path.suffix.lower() in (".jpg", ".jpeg", ".jfif")
    options: dict[str, Any] = {"quality": 95, "subsampling": 0} if is_jpeg else {}
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(path, **options)


def _link_others(root: Path, draft: Path, but: set[str]) -> None:
    """Link or copy what lies below `root`, but for the paths `but` below it and what `image_files` passes over."""
    root = Path(os.path.abspath(root))
    for parent, folders, names in os.walk(root, followlinks=True):
        above = {os.path.realpath(path) for path in (Path(parent), *Path(parent).parents)}
        folders[:] = [f for f in folders if not is_passed_over(f) and os.path.realpath(Path(parent, f)) not in above]
        below = Path(parent).relative_to(root)
        (draft / below).mkdir(exist_ok=True)
        for name in names:
            if not is_passed_over(name) and str(below / name) not in but:
                _link(Path(parent, name), draft / below / name)


def _link(path: Path, place: Path) -> None:
    try:
        os.link(path.resolve(), place)
    except OSError:  # another file system, or one without links
        shutil.copyfile(path, place)
