"""Image files, arrays or tensors to embeddings of length 1: the network as others call it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track
from torch import Tensor
from torch.nn.functional import normalize
from torch.utils.data import DataLoader, Dataset

from dien_lightning.checks import amount, check_bool, check_int
from dien_lightning.data.images import FAULTS, as_rgb, read_image
from dien_lightning.data.loaders import worker_options
from dien_lightning.data.transforms import evaluation_transform
from dien_lightning.network import DIEN, Domain
from dien_lightning.training.embedding import embed

Picture: TypeAlias = "str | os.PathLike[str] | NDArray[np.uint8] | Image.Image | Tensor"
"""One crop: a file's path, RGB as an array (H, W, 3) or a picture of Pillow's, or a uint8 tensor (3, H, W)."""


class Extractor:
    """A network that takes crops as they come: paths, arrays, pictures or tensors.

    Args:
        network: from `load_network`, for instance, on the device to compute on.
        domain: whose batch-norm statistics; None is the target's where there are any, else the source's.
        precision: of the computation, see `resolve_precision`.
        flip: average with mirror images.
        batch_size: images that are embedded at once.
        num_workers: processes that read images; 0 reads in this one.

    Shape:
        N crops give (N, D), L2-normalised; a float tensor (N, 3, H, W) is taken as already normalised.

    Raises:
        ValueError: when called: no crops, one that is unreadable or of another shape or type, or an embedding that is
            not finite.

    Example:
        >>> network = DIEN("resnet18", weights=None, embedding_dim=8, attention_loops=0, image_size=(64, 32))
        >>> frame = np.zeros((480, 640, 3), dtype=np.uint8)
        >>> Extractor(network)([frame[100:300, 50:150], frame[90:280, 400:480]]).shape
        torch.Size([2, 8])
    """

    def __init__(
        self,
        network: DIEN,
        *,
        domain: Domain | None = None,
        precision: str = "auto",
        flip: bool = False,
        batch_size: int = 64,
        num_workers: int = 0,
    ) -> None:
        check_bool("flip", flip)
        check_int("batch_size", batch_size, 1, "it is the number of images that are embedded at once")
        check_int("num_workers", num_workers, 0, "0 reads images in this process")
        self.network = network
        self._how: dict[str, Any] = {"domain": domain, "precision": precision, "flip": flip}
        self._batch_size, self._num_workers = batch_size, num_workers

    def __call__(self, crops: Sequence[Picture] | Tensor, *, progress: bool = False) -> Tensor:
        """Embed; `progress` shows a progress bar."""
        if isinstance(crops, Tensor) and crops.is_floating_point():
            if crops.ndim != 4 or crops.shape[1] != 3 or not len(crops):
                raise ValueError(
                    f"crops are a float tensor {tuple(crops.shape)}; give (N, 3, H, W), one crop at least."
                )
            batches: Any = crops.split(self._batch_size)
        elif isinstance(crops, (str, os.PathLike)) or not hasattr(crops, "__len__") or not len(crops):
            raise ValueError(
                f"paths={crops!r} must be a list of image files, such as sorted(Path(folder).glob('*.jpg'))."
            )
        else:
            batches = DataLoader(
                Crops(crops, tuple(self.network.hyperparameters["image_size"])),
                self._batch_size,
                **worker_options(self._num_workers),
            )
        batches = track(batches, "embedding", disable=not progress)
        embeddings = normalize(embed(self.network, batches, **self._how).embedding, dim=1)
        if broken := (~embeddings.isfinite().all(1)).nonzero().flatten().tolist():
            raise ValueError(
                f"{amount(len(broken), 'embedding is', 'embeddings are')} not finite, the first is of crop "
                f"{broken[0]}; look for NaN in the crop and in the network, or choose precision='32-true'."
            )
        return embeddings


def embed_images(
    network: DIEN, paths: Sequence[str | os.PathLike[str]], *, progress: bool = False, **how: Any
) -> Tensor:
    """L2-normalised embeddings of image files, in the order of `paths`, on the network's device.

    Args:
        network: from `load_network`, for instance.
        paths: of crops, each of one person, in any format that Pillow reads.
        progress: show a progress bar.
        **how: of `Extractor`: batch_size, domain, precision, flip, num_workers.

    Shape:
        N paths -> (N, D).

    Raises:
        ValueError: no paths, an image that cannot be read, or an embedding that is not finite.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/crop.png"
        >>> Image.new("RGB", (32, 64)).save(path)
        >>> network = DIEN("resnet18", weights=None, embedding_dim=8, attention_loops=0, image_size=(64, 32))
        >>> embed_images(network, [path, path]).shape
        torch.Size([2, 8])
    """
    return Extractor(network, **how)(paths, progress=progress)


class Crops(Dataset[Tensor]):
    """Crops, each made ready for the network."""

    def __init__(self, crops: Sequence[Picture] | Tensor, image_size: tuple[int, int]) -> None:
        self._crops = crops
        self._transform = evaluation_transform(image_size)

    def __len__(self) -> int:
        return len(self._crops)

    def __getitem__(self, index: int) -> Tensor:
        return self._transform(pixels_of(self._crops[index], index))


def pixels_of(crop: Any, index: int = 0) -> Tensor:  # -> (3, H, W), uint8
    """A crop's pixels, however it comes; `index` names it in what is said of one that is none."""
    if isinstance(crop, (str, os.PathLike)):
        return read_image(os.fspath(crop))
    pixels = crop
    if isinstance(crop, Image.Image):
        try:
            pixels = np.array(as_rgb(crop.copy()))
        except FAULTS as error:
            raise ValueError(f"crop {index} cannot be read as an image ({error}).") from None
    if isinstance(pixels, np.ndarray):
        pixels = torch.from_numpy(np.ascontiguousarray(pixels)).movedim(-1, 0)
    if not isinstance(pixels, Tensor) or pixels.dtype != torch.uint8 or pixels.ndim != 3 or len(pixels) != 3:
        is_array = isinstance(crop, (np.ndarray, Tensor))
        what = f"{tuple(crop.shape)} of {crop.dtype}" if is_array else type(crop).__name__
        raise ValueError(
            f"crop {index} is {what}; give a path, RGB as uint8 in an array (H, W, 3) or a tensor (3, H, W), or all "
            f"crops as one float tensor (N, 3, H, W) that is normalised."
        )
    if not pixels.numel():
        size = tuple(crop.shape) if isinstance(crop, (np.ndarray, Tensor)) else crop.size
        raise ValueError(f"crop {index} has no pixels, its size is {size}; leave such boxes out.")
    return pixels
