"""Images to embeddings: the one way, whoever asks; batches, loaders or files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from rich.progress import track
from torch import Tensor
from torch.nn.functional import normalize
from torch.utils.data import DataLoader

from dien_lightning.checks import check_choice, check_int
from dien_lightning.data.dataset import ReIDDataset
from dien_lightning.data.loaders import worker_options
from dien_lightning.data.records import Record
from dien_lightning.data.transforms import evaluation_transform
from dien_lightning.network import DIEN, Domain
from dien_lightning.types import UNLABELED, NetworkOutput, Sample

_WEIGHTS = {"32-true": torch.float32, "64-true": torch.float64, "bf16-true": torch.bfloat16, "16-true": torch.float16}
_AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def resolve_precision(wanted: str, device_type: str | None = None) -> str:
    """Lightning's name of the numbers to compute with.

    Args:
        wanted: a name of Lightning's, or "auto": bf16-mixed where the machine has it in hardware, else 32-true.
        device_type: "cpu", "cuda", ...; None is the GPU where there is one.
    """
    if wanted != "auto":
        return wanted
    if (device_type or ("cuda" if torch.cuda.is_available() else "cpu")) == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bf16-mixed" if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else "32-true"


def embed(
    network: DIEN,
    images: Tensor | Iterable[Tensor | Sample],
    *,
    domain: Domain | None = None,
    precision: str = "auto",
    flip: bool = False,
    channels_last: bool = True,
    each_pass: bool = False,
) -> NetworkOutput:
    """Embeddings of a batch, or of all batches of a loader, by a network that is in evaluation mode meanwhile.

    Args:
        network: on the device to compute on.
        images: normalised, as `evaluation_transform` gives them; moved to the network's device.
        domain: whose batch-norm statistics to take; None is the target's where there are any, else the source's.
        precision: "auto", "32-true", "bf16-mixed" or "16-mixed", see `resolve_precision`.
        flip: average the embeddings of an image and its mirror image, each of unit length.
        channels_last: memory layout of the images; faster wherever convolutions are.
        each_pass: give each pass's own embeddings, too; otherwise `steps` is (N, 0, D), since a gallery's are large.

    Shape:
        images (B, 3, H, W), one batch or several -> NetworkOutput(embedding (N, D), steps (N, T+1, D)) without masks.

    Raises:
        ValueError: no images, or a precision that is unknown or not the network's.
    """
    domain = domain or network.statistics_for("target")
    parts = []
    with torch.no_grad(), _evaluating(network), autocast(network, precision):
        for batch in [images] if isinstance(images, Tensor) else images:
            prepared = prepare(network, batch.image if isinstance(batch, Sample) else batch, channels_last)
            outputs = [network(view, domain) for view in ([prepared, prepared.flip(-1)] if flip else [prepared])]
            embedding = torch.stack([output.embedding for output in outputs])  # (1 or 2, B, D)
            steps = torch.stack([output.steps[:, : None if each_pass else 0] for output in outputs])
            if flip:
                embedding, steps = normalize(embedding, dim=-1), normalize(steps, dim=-1)
            parts.append((embedding.sum(0), steps.sum(0)))
    if not parts:
        raise ValueError("embed was given no images; give a batch (B, 3, H, W), or an iterable of batches.")
    embeddings, passes = zip(*parts, strict=True)
    return NetworkOutput(torch.cat(embeddings), torch.cat(passes), ())


def embed_images(
    network: DIEN,
    paths: Sequence[str | os.PathLike[str]],
    *,
    batch_size: int = 64,
    domain: Domain | None = None,
    precision: str = "auto",
    flip: bool = False,
    num_workers: int = 0,
    progress: bool = False,
) -> Tensor:
    """L2-normalised embeddings of image files, in the order of `paths`, on the network's device.

    Args:
        network: from `load_network`, for instance.
        paths: of crops, each of one person, in any format that Pillow reads.
        batch_size: images that are embedded at once.
        domain: see `embed`, as precision and flip.
        precision: of the computation.
        flip: average with mirror images.
        num_workers: processes that read images; 0 reads in this one.
        progress: show a progress bar.

    Shape:
        N paths -> (N, D).

    Raises:
        ValueError: no paths, or an image that cannot be read.

    Example:
        >>> from PIL import Image
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/crop.png"
        >>> Image.new("RGB", (32, 64)).save(path)
        >>> network = DIEN("resnet18", weights=None, embedding_dim=8, attention_loops=0, image_size=(64, 32))
        >>> embed_images(network, [path, path]).shape
        torch.Size([2, 8])
    """
    if isinstance(paths, (str, os.PathLike)) or not len(paths):
        raise ValueError(f"paths={paths!r} must be a list of image files, such as sorted(Path(folder).glob('*.jpg')).")
    check_int("batch_size", batch_size, 1, "it is the number of images that are embedded at once")
    records = [Record(os.fspath(path), UNLABELED, 0) for path in paths]
    dataset = ReIDDataset(records, evaluation_transform(network.hyperparameters["image_size"]))
    loader = DataLoader(dataset, batch_size, **worker_options(num_workers))
    batches = track(loader, "embedding", disable=not progress)
    return normalize(embed(network, batches, domain=domain, precision=precision, flip=flip).embedding, dim=1)


def prepare(network: DIEN, images: Tensor, channels_last: bool) -> Tensor:
    """The images on the network's device, in its type, in the layout that is asked for."""
    weights = next(network.parameters())
    images = images.to(weights.device, weights.dtype)
    return images.contiguous(memory_format=torch.channels_last) if channels_last else images


def autocast(network: DIEN, precision: str) -> torch.autocast:
    """What a network has to run in to compute in a precision.

    Raises:
        ValueError: one that is unknown, or not the network's.
    """
    weights = next(network.parameters())
    name = resolve_precision(precision, weights.device.type)
    check_choice("precision", name, (*_WEIGHTS, *_AUTOCAST))
    wanted = _WEIGHTS.get(name, weights.dtype)
    if wanted != weights.dtype:
        raise ValueError(
            f"precision={name} needs weights of that type, and they are {weights.dtype}: network.to({wanted})."
        )
    return torch.autocast(weights.device.type, _AUTOCAST.get(name), enabled=name in _AUTOCAST)


@contextmanager
def _evaluating(network: DIEN) -> Iterator[None]:
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
