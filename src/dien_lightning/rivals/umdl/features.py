"""Image files to short features: strips of color and texture, then their principal components; in blocks, kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from sklearn.decomposition import PCA

from dien_lightning.checks import check_int, check_size
from dien_lightning.data.images import read_picture
from dien_lightning.rivals.umdl import strips
from dien_lightning.rivals.umdl.kept import load, save

_BLOCK = 512  # images of a file
_SEED = 0  # one for all runs, so that those of several seeds share their features


class Projection(NamedTuple):
    """Principal components: `(features - mean) @ components.T`.

    Attributes:
        mean: (D,).
        components: (K, D), orthonormal, the widest first.
    """

    mean: np.ndarray
    components: np.ndarray


class StripFeatures:
    """Features of image files in few numbers, the same for every image of both sets.

    The components are those of training images alone, at most `fit_images` of them, drawn evenly from both sets: with
    the 26,960 numbers of an image of 128 x 48 that is as much as has to be in memory at once. Neither reading nor
    paper has this step; it makes the dictionaries' sums a fiftieth as long.

    Args:
        image_size: height and width that images are scaled to.
        width: numbers that are kept of an image; fewer where there are fewer images.
        fit_images: from which the components are computed.

    Raises:
        ValueError: a number is out of range.
    """

    def __init__(self, image_size: tuple[int, int], *, width: int = 512, fit_images: int = 4000) -> None:
        self.image_size = check_size("image_size", image_size, smallest=strips.SMALLEST)
        check_int("width", width, 1, "it is what is kept of an image")
        check_int("fit_images", fit_images, 2, "components need a spread")
        self.width, self.fit_images = width, fit_images

    def fit(self, paths: Sequence[str]) -> Projection:
        """The principal components of these files' strips, or of an evenly drawn part of them."""
        random = np.random.default_rng(_SEED)
        chosen = random.choice(len(paths), min(self.fit_images, len(paths)), replace=False)
        features = self.read([paths[place] for place in sorted(chosen)])
        width = min(self.width, *features.shape)
        # Few iterations: the wide components are found by then, and the narrow ones matter little.
        found = PCA(width, svd_solver="randomized", iterated_power=3, random_state=_SEED).fit(features)
        return Projection(found.mean_.astype(np.float32), found.components_.astype(np.float32))

    def read(self, paths: Sequence[str]) -> np.ndarray:  # -> (N, D), float32
        """The strips of these files."""
        size = self.image_size[::-1]
        pictures = (read_picture(path).resize(size, Image.Resampling.BILINEAR) for path in paths)
        return np.stack([strips.strip_features(np.asarray(picture)) for picture in pictures])

    def embed(
        self,
        training: Sequence[str],
        paths: Sequence[str],
        folder: Path,
        fingerprint: str,
        progress: Callable[[int], None] = lambda images: None,
    ) -> np.ndarray:  # -> (N, K), float32
        """Features of all files, block by block; blocks that lie in the folder already are not computed again.

        Args:
            training: files that the components are computed from.
            paths: all files.
            folder: where components and blocks are kept.
            fingerprint: of images and settings.
            progress: is told how many images are done, after each block that had to be computed.

        Raises:
            ValueError: what lies there is of another fingerprint.
        """
        kept = load(folder / "projection.npz", fingerprint)
        if kept is None:
            kept = self.fit(training)._asdict()
            save(folder / "projection.npz", kept, fingerprint)
        projection = Projection(**kept)
        blocks = []
        for start in range(0, len(paths), _BLOCK):
            file = folder / f"features_{start // _BLOCK:04d}.npz"
            block = load(file, fingerprint)
            if block is None:
                features = self.read(paths[start : start + _BLOCK])
                block = {"features": (features - projection.mean) @ projection.components.T}
                save(file, block, fingerprint)
                progress(min(start + _BLOCK, len(paths)))
            blocks.append(block["features"])
        return np.concatenate(blocks)
