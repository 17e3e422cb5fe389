"""Images to embeddings: the one way, whoever asks; batches or loaders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from dien_lightning.checks import check_choice
from dien_lightning.network import DIEN, Domain
from dien_lightning.precision import cpu_has, full_float32
from dien_lightning.types import NetworkOutput, Sample

_WEIGHTS = {"32-true": torch.float32, "64-true": torch.float64, "bf16-true": torch.bfloat16, "16-true": torch.float16}
_AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def resolve_precision(wanted: str, accelerator: str = "auto") -> str:
    """Lightning's name of the numbers to compute with.

    Args:
        wanted: a name of Lightning's, or "auto": bf16-mixed where the machine has it in hardware, else 32-true.
        accelerator: "cpu", or Lightning's name of another; these and "cuda" are the GPU where there is one.
    """
    if wanted != "auto":
        return wanted
    if accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    return "bf16-mixed" if cpu_has("avx512_bf16", "amx_bf16") else "32-true"


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
        precision: "auto", "32-true", "bf16-mixed" or "16-mixed", see `resolve_precision`; "auto" computes in the
            weights' own type where that is not float32. What is float32 has no TF32 in it, on a GPU either.
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
    with torch.no_grad(), _evaluating(network), full_float32(), autocast(network, precision):
        for batch in [images] if isinstance(images, Tensor) else images:
            prepared = prepare(network, batch.image if isinstance(batch, Sample) else batch, channels_last)
            outputs = [network(view, domain) for view in ([prepared, prepared.flip(-1)] if flip else [prepared])]
            embedding = torch.stack([output.embedding for output in outputs])  # (1 or 2, B, D)
            steps = torch.stack([output.steps[:, : None if each_pass else 0] for output in outputs])
            if flip:
                embedding, steps = normalize(embedding, dim=-1), normalize(steps, dim=-1)
            parts.append((embedding.mean(0), steps.mean(0)))  # one view stays as it is
    if not parts:
        raise ValueError("embed was given no images; give a batch (B, 3, H, W), or an iterable of batches.")
    embeddings, passes = zip(*parts, strict=True)
    return NetworkOutput(torch.cat(embeddings), torch.cat(passes), ())


def prepare(network: DIEN, images: Tensor, channels_last: bool) -> Tensor:
    """The images on the network's device, in its type, in the layout that is asked for."""
    weights = next(network.parameters())
    images = images.to(weights.device, weights.dtype)
    return images.contiguous(memory_format=torch.channels_last) if channels_last else images


def autocast(network: nn.Module, precision: str) -> torch.autocast:
    """What a network has to run in to compute in a precision.

    Raises:
        ValueError: one that is unknown, or not the network's.
    """
    weights = next(network.parameters())
    name = precision
    if precision == "auto":  # other weights than float32 have chosen already
        own = {kind: name for name, kind in _WEIGHTS.items() if kind != torch.float32}
        name = own.get(weights.dtype) or resolve_precision(precision, weights.device.type)
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
    if any(training for _, training in modes):  # the network asks its statistics at each call, and a GPU would wait
        network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
