"""Which images a training was given: a fingerprint of records, so that another training can be told from it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from dien_lightning.data.records import Record
from dien_lightning.types import UNLABELED


def fingerprint(records: Sequence[Record]) -> dict[str, Any]:
    """What a checkpoint keeps of the images: plain values, which no move of the whole folder changes.

    Args:
        records: in the order in which batches are drawn from them.

    Returns:
        "images": how many; "people": the first file of each identity, in the identities' order; "files": a digest of
        all names, their order and identities.

    Example:
        >>> moved = [fingerprint([Record(f"{root}/a.jpg", 0, 0), Record(f"{root}/b/c.jpg", 1, 0)]) for root in "xy"]
        >>> moved[0] == moved[1], moved[0]["people"]
        (True, ['a.jpg', 'b/c.jpg'])
    """
    paths = [record.path for record in records]
    start = os.path.commonprefix(paths).rfind(os.sep) + 1  # noqa: RUF071 - cut at a separator
    names = [path[start:] for path in paths]
    people: dict[int, str] = {}
    for record, name in zip(records, names, strict=True):
        if record.pid != UNLABELED:
            people.setdefault(record.pid, name)
    lines = "\n".join(f"{record.pid} {name}" for record, name in zip(records, names, strict=True))
    digest = hashlib.blake2b(lines.encode(errors="surrogateescape"), digest_size=16).hexdigest()
    return {"images": len(records), "people": [people[pid] for pid in sorted(people)], "files": digest}


def what_changed(had: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """How one fingerprint differs from another, as a clause; empty where it does not.

    Example:
        >>> had, now = (fingerprint([Record(f"x/{name}", 0, 0), Record("x/c", 1, 0)]) for name in "ab")
        >>> what_changed(had, now), what_changed(had, had)
        ('identity 0 was that of a and is that of b', '')
    """
    if had == now:
        return ""
    counts = [(each["images"], len(each["people"])) for each in (had, now)]
    if counts[0] != counts[1]:
        return "{} images, {} identities then; {} and {} now".format(*counts[0], *counts[1])
    for number, (before, after) in enumerate(zip(had["people"], now["people"], strict=True)):
        if before != after:
            return f"identity {number} was that of {before} and is that of {after}"
    return "other files, or another order or identity of theirs"
