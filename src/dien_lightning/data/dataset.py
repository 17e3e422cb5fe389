"""Records -> Samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Literal

import torch
from torch import Tensor
from torch.utils.data import Dataset

from dien_lightning.checks import check_choice
from dien_lightning.data.cache import DecodedImages
from dien_lightning.data.images import UnreadableImageError, read_image, skipping_offered
from dien_lightning.data.names import number_names
from dien_lightning.data.records import Record
from dien_lightning.data.samplers import Draw
from dien_lightning.types import UNLABELED, Sample

ON_ERROR = ("raise", "skip")
"""What becomes of an image that cannot be read."""


class ReIDDataset(Dataset[Sample]):
    """The images of some records.

    An item is asked for by its index, or by a `Draw`, which also seeds the augmentation: the same draw gives the same
    picture on any worker of any process.

    Args:
        records: what to load; `Sample.index` is the position in this list.
        transform: uint8 (3, H, W) -> float (3, height, width).
        num_query: how many records, from the first on, are queries.
        on_error: "raise" stops at an unreadable image; "skip" takes the next readable one, of the same identity
            where there is one. Its own index comes with it, so that evaluation, which counts an index once, leaves the
            unreadable image out.
        cache_bytes: memory for decoded images; 0 decodes each image whenever it is asked for.

    Raises:
        ValueError: if `on_error` is neither, or an identity or camera is no number of 64 bits.
    """

    def __init__(
        self,
        records: Sequence[Record],
        transform: Callable[[Tensor], Tensor],
        *,
        num_query: int = 0,
        on_error: Literal["raise", "skip"] = "raise",
        cache_bytes: int = 0,
    ) -> None:
        check_choice("on_error", on_error, ON_ERROR)
        for record in records:
            for name, number in (("pid", record.pid), ("camid", record.camid)):
                if not isinstance(number, Integral) or not UNLABELED <= number < 2**63:
                    raise ValueError(
                        f"{name}={number!r} of {record.path} must be a whole number below 2**63, or {UNLABELED} for "
                        f"nobody; number names by their order, as {number_names.__module__}.number_names does."
                    )
        self.records = records
        self.transform = transform
        self.num_query = num_query
        self.on_error = on_error
        self._decoded = DecodedImages([record.path for record in records], cache_bytes) if cache_bytes else None
        # Shared memory: the workers mark here what they had to leave out, and the main process counts.
        self._skipped = torch.zeros(len(records), dtype=torch.bool).share_memory_()

    @property
    def skipped(self) -> list[str]:
        """Paths of the unreadable images met so far, by any worker of this process."""
        return [self.records[i].path for i in self._skipped.nonzero().flatten().tolist()]

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, draw: int) -> Sample:
        index, seed = int(draw), draw.seed if isinstance(draw, Draw) else None
        index, image = self._load(index)
        record = self.records[index]
        with seeded(seed):
            image = self.transform(image)
        is_query = index < self.num_query
        return Sample(image, record.pid, record.camid, index, is_query, record.clothes, record.tracklet)

    def _load(self, index: int) -> tuple[int, Tensor]:
        if self.on_error == "raise":
            with skipping_offered():
                return index, self._image(index)
        try:
            return index, self._image(index)
        except UnreadableImageError:
            self._skipped[index] = True
        for other in self._substitutes(index):
            try:
                return other, self._image(other)
            except UnreadableImageError:
                self._skipped[other] = True
        raise UnreadableImageError(
            f"None of the {len(self.records)} images beside {self.records[index].path} can be read; check the folder."
        )

    def _image(self, index: int) -> Tensor:
        image = None if self._decoded is None else self._decoded.get(index)
        return read_image(self.records[index].path) if image is None else image

    def _substitutes(self, index: int) -> list[int]:
        """All other images from the next one on, once around, those of the same identity first."""
        others = [*range(index + 1, len(self.records)), *range(index)]
        return sorted(others, key=lambda i: self.records[i].pid != self.records[index].pid)


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Seed torch's CPU generator for a while; other devices and the caller's own stream stay as they are."""
    if seed is None:
        yield
        return
    before = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(before)
