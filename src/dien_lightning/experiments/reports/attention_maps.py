"""Figure 4: Grad-CAM of the same images after each pass, and the attention's own spatial masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, interpolate

from dien_lightning.experiments.reports.pictures import Grid, Picture, encode
from dien_lightning.network import DIEN


class AttentionMaps(NamedTuple):
    """What each pass looks at, for B images.

    Attributes:
        cams: (T+1, B, h, w), Grad-CAM of each pass, each map scaled to a largest value of 1.
        masks: (T, B, h', w'), the spatial factor of each mask times 2: 1 leaves the map as it was.
    """

    cams: Tensor
    masks: Tensor


def attention_maps(network: DIEN, images: Tensor, references: Tensor, stage: int = 4) -> AttentionMaps:
    """Grad-CAM (Selvaraju et al., 2017) of every pass of the same images, by the target's batch-norm statistics.

    Grad-CAM needs a scalar, and target images have no class: it is the cosine similarity between pass t's embedding
    of the image and of a matching image. All passes run the same layers, so a pass's map is taken from the call of
    that pass; ready-made libraries keep one call of each layer.

    Args:
        network: in evaluation mode; left as it was.
        images: (B, 3, H, W).
        references: (B, 3, H, W), each showing the person of the image in its place.
        stage: which stage's maps, 1-4; one that every pass runs, so beyond the attention's.

    Raises:
        ValueError: a stage that runs once.
    """
    if network.attention_loops and stage <= network.hyperparameters["attention_stage"]:
        raise ValueError(f"stage={stage} runs once for all passes; choose one after the attention's.")
    calls: list[Tensor] = []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        calls.append(output)

    with torch.no_grad():
        wanted = network(references, "target").steps  # (B, T+1, D)
    handle = network.backbone.blocks[stage].register_forward_hook(keep)
    try:
        with torch.enable_grad():
            output = network(images, "target")
    finally:
        handle.remove()
    cams = []
    for step, features in enumerate(calls):  # (B, C, h, w)
        score = cosine_similarity(output.steps[:, step], wanted[:, step]).sum()
        (gradient,) = torch.autograd.grad(score, features, retain_graph=True)
        cam = (gradient.mean((2, 3), keepdim=True) * features).sum(1).relu()  # (B, h, w)
        cams.append(cam / cam.amax((1, 2), keepdim=True).clamp(min=1e-12))  # all zero where nothing speaks for it
    masks = [2 * mask.spatial[:, 0] for mask in output.masks]
    size = (0, len(images), 1, 1)
    return AttentionMaps(
        torch.stack(cams).detach(), torch.stack(masks).detach() if masks else torch.zeros(size, device=images.device)
    )


def figure_4(pictures: Sequence[Image.Image], references: Sequence[Image.Image], maps: AttentionMaps) -> Grid:
    """The images, then each pass's Grad-CAM and each mask laid over them, then the matching image.

    Args:
        pictures: B images as they look.
        references: the B matching images.
        maps: of these images, in their order.
    """
    passes, loops = len(maps.cams), len(maps.masks)
    reach = float((maps.masks - 1).abs().max()) if maps.masks.numel() else 0.0
    headings = ["image", "match", *(f"CAM, pass {t}" for t in range(passes)), *(f"mask {t + 1}" for t in range(loops))]
    rows = []
    for number, (picture, reference) in enumerate(zip(pictures, references, strict=True)):
        row = [Picture(encode(picture), f"image {number + 1}"), Picture(encode(reference), f"match {number + 1}")]
        row += [
            Picture(overlay(picture, cam[number].cpu().numpy(), "inferno", 0.0, 1.0), f"image {number + 1}, CAM {t}")
            for t, cam in enumerate(maps.cams)
        ]
        row += [
            Picture(
                overlay(picture, mask[number].cpu().numpy(), "RdBu_r", 1 - reach, 1 + reach),
                f"image {number + 1}, mask {t + 1}, from {float(mask[number].min()):.2f} "
                f"to {float(mask[number].max()):.2f}",
            )
            for t, mask in enumerate(maps.masks)
        ]
        rows.append(tuple(row))
    caption = (
        "Grad-CAM of the same target images after each pass: bright is what makes the image similar to the matching "
        "image beside it. Target images have no class, so the scalar is the cosine similarity between the two "
        "embeddings of that pass."
    )
    if loops:
        caption += (
            f" Masks: the spatial factor, red raises and blue lowers a place, white leaves it; the scale ends at "
            f"±{100 * reach:.0f} %."
        )
    return Grid("What each pass looks at (figure 4)", caption, tuple(headings), tuple(rows))


def overlay(picture: Image.Image, values: NDArray[np.floating], colors: str, low: float, high: float) -> str:
    """A map (h, w) laid over a picture, in matplotlib's colours from `low` to `high`, as a data URI."""
    sized = interpolate(
        torch.from_numpy(values)[None, None].float(),
        (picture.height, picture.width),
        mode="bilinear",
        align_corners=False,
    )[0, 0].numpy()
    scaled = np.clip((sized - low) / max(high - low, 1e-12), 0, 1)
    painted = (mpl.colormaps[colors](scaled)[..., :3] * 255).astype(np.uint8)
    return encode(Image.blend(picture.convert("RGB"), Image.fromarray(painted), 0.55))
