"""Whether a protocol can count a data set: asked of its records, before anything is trained or embedded."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any, NamedTuple

import torch

from dien_lightning.checks import amount
from dien_lightning.data.records import Splits
from dien_lightning.retrieval import EvaluationSets, Protocol, pool_tracklets
from dien_lightning.retrieval.matches import Matching
from dien_lightning.retrieval.searches import choose_images
from dien_lightning.types import UNLABELED

_CAMERA_PATTERNS = "data.target_camera_pattern or data.source_camera_pattern"


class Countable(NamedTuple):
    """How many images, or sequences, ask, and how many of these have a match that counts."""

    queries: int
    matched: int


def check_counting(data: Any, protocol: Protocol) -> None:
    """Refuse a protocol that cannot count what a data module evaluates.

    Args:
        data: the data module, which may be another library's.
        protocol: how to count.

    Raises:
        ValueError: the data module takes matches of the same camera and the protocol drops them, or a set cannot be
            counted, see `count_matches`.
    """
    if getattr(data, "cameras", None) == "none" and protocol.same_camera == "drop":
        raise ValueError(
            "the data module has cameras='none', and the protocol drops matches of the query's own camera; give "
            "DIENModule protocol=Protocol(same_camera='keep')."
        )
    for domain in getattr(data, "evaluation_domains", ()):
        splits = getattr(data, domain, None)
        if not isinstance(splits, Splits):
            continue
        try:
            count_matches(splits, protocol)
        except ValueError as error:
            if domain == "target" or (protocol.search, protocol.clothes) == ("query", "any"):
                raise
            raise ValueError(
                f"{error} It is the source, which this protocol counts, too: train with another, and count the target "
                f"by this one afterwards (dien evaluate protocol=...)."
            ) from None


def count_matches(splits: Splits, protocol: Protocol) -> Countable:
    """Count the queries that have a match under the protocol, by their labels alone.

    Args:
        splits: what was read.
        protocol: how to count.

    Raises:
        ValueError: no query has a match; the protocol asks for clothes or cameras that the set does not tell; or images
            of the same camera count and one would find itself.

    Example:
        >>> from pathlib import Path
        >>> from dien_lightning.data import Record
        >>> query, gallery = [Record("a", 7, 0), Record("b", 8, 0)], [Record("c", 7, 1), Record("d", 8, 0)]
        >>> count_matches(Splits("own", Path("own"), (), query, gallery), Protocol())
        Countable(queries=2, matched=1)
        >>> count_matches(Splits("own", Path("own"), (), (), [*query, *gallery]), Protocol(search="leave_one_out"))
        Countable(queries=4, matched=2)
    """
    if protocol.same_camera == "keep":
        _check_apart(splits, protocol)
    try:
        sets = choose_images(_labels(splits, protocol), protocol)
        matched = int((Matching(sets, protocol).count()[0] > 0).sum())
    except ValueError as error:
        is_plain = splits.name == "folder" and len({r.camid for r in (*splits.query, *splits.gallery)}) == 1
        told = f" Or say how the paths tell cameras ({_CAMERA_PATTERNS})." if is_plain else ""
        raise ValueError(f"{splits.root} ({splits.name}): {error}{told}") from None
    return Countable(len(sets.query), matched)


def _labels(splits: Splits, protocol: Protocol) -> EvaluationSets:
    """Query and gallery as evaluation ranks them, with embeddings of no width."""
    query = [record for record in splits.query if record.pid != UNLABELED]
    parts, first = {"query": query, "gallery": [*splits.gallery]}, {"query": 0, "gallery": len(query)}
    if protocol.search == "leave_one_out":
        parts, first = {role: [*query, *splits.gallery] for role in parts}, dict.fromkeys(parts, 0)
    about: dict[str, Any] = {}
    for role, records in parts.items():
        about[role] = torch.zeros(len(records), 0)
        about[f"{role}_index"] = torch.arange(len(records)) + first[role]
        for label in ("pid", "camid", "tracklet"):
            about[f"{role}_{label}s"] = [getattr(record, label) for record in records]
        about[f"{role}_clothes"] = [record.clothes for record in records]
    return pool_tracklets(EvaluationSets(**about), protocol)


def _check_apart(splits: Splits, protocol: Protocol) -> None:
    """Where nothing else drops it, an image that is listed twice would find itself."""
    query, gallery = ([(os.path.realpath(r.path), r.path) for r in part] for part in (splits.query, splits.gallery))
    if protocol.search == "leave_one_out":
        numbers = Counter(real for real, _ in (*query, *gallery))
        both = [path for real, path in (*query, *gallery) if numbers[real] > 1][1:]
    else:
        asking = {real for real, _ in query}
        both = [path for real, path in gallery if real in asking]
    if both:
        raise ValueError(
            f"{amount(len(both), 'image is', 'images are')} in query and gallery of {splits.root}, such as {both[0]}. "
            f"With matches of the query's camera (data.cameras=none) each would find itself first; take them out of "
            f"one of the two."
        )
