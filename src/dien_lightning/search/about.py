"""What embeddings say of themselves: whose they are, and how they were made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

KEY = b"dien"
"""The key of a Parquet file's and a store's metadata that holds `About`."""
DTYPES = ("float16", "float32")
_FORMAT = 1


@dataclass(frozen=True)
class About:
    """What a file or a store of embeddings says of them.

    Attributes:
        fingerprint: of the network, see `network.fingerprint`.
        domain: whose batch-norm statistics were taken.
        width: D, of an embedding.
        dtype: "float16" or "float32".
        flip: whether each is the mean of the image's and its mirror image's.
        precision: of the computation.
        checkpoint: the network's file; None where nobody said.
        root: what the images were listed from.
        camera_pattern: how their paths tell cameras, see `list_images`.
        time_pattern: how they tell the time.
    """

    fingerprint: str
    domain: str
    width: int
    dtype: str = "float16"
    flip: bool = False
    precision: str = "32-true"
    checkpoint: str | None = None
    root: str | None = None
    camera_pattern: str | None = None
    time_pattern: str | None = None

    def to_json(self, **more: Any) -> str:
        """As text, with whatever else is to be kept beside it."""
        return json.dumps({"format": _FORMAT, **asdict(self), **more}, sort_keys=True)


def read_about(name: str, text: bytes | None) -> tuple[About, dict[str, Any]]:
    """What `to_json` wrote, and what else was kept.

    Args:
        name: whose it is, for messages.
        text: None where there is none.

    Raises:
        ValueError: it is missing or of another kind.
    """
    try:
        known = json.loads(text or b"")
        if known.pop("format") != _FORMAT:
            raise ValueError("another version of this library wrote it")
        return About(**{field.name: known.pop(field.name) for field in fields(About)}), known
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{name} does not say which network its embeddings are of; make it with dien embed.") from None


def check_same_network(name: str, known: About, other: About) -> None:
    """Refuse to mix embeddings that have no distance from one another.

    Args:
        name: what there is, for the sentence.
        known: of what there is.
        other: of what is to be compared with it or added to it.

    Raises:
        ValueError: they come from another network, from other statistics, or in another way.
    """
    for what in ("fingerprint", "domain", "width", "flip"):
        here, there = getattr(known, what), getattr(other, what)
        if here != there:
            shown = ", of another network" if what in ("fingerprint", "width") else ""
            raise ValueError(
                f"{name} holds embeddings with {what}={here}, and these have {there}{shown}: there is no distance "
                f"between them. Embed the images anew, in the same way."
            )
