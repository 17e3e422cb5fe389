"""clusters.json: what the last round of self-training took for people; written and read here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from omegaconf import DictConfig

from dien_lightning import DomainPairDataModule
from dien_lightning.data.domain import DomainSets
from dien_lightning.data.own import OWN
from dien_lightning.data.records import Record
from dien_lightning.data.scanning import unreadable_files
from dien_lightning.experiments.files import read_json
from dien_lightning.types import UNLABELED

NUM_CLUSTERS = 6  # whose images are kept, and as many rows of outliers as fit one more
LENGTH = 8  # images of each


class Member(NamedTuple):
    """An image of a cluster; pid is -1 where nobody labelled it."""

    path: str
    pid: int
    camid: int


class Clusters(NamedTuple):
    """A round's clusters, some of them with images.

    Attributes:
        number: how many there are.
        outliers: share of the images that are in none.
        people: how many the clustered images show, where labels exist; else 0.
        purity: share of the labelled clustered images that show the person most of their cluster show; None without
            labels. It judges; nothing is chosen by it.
        shown: images of a few clusters.
        left_out: a few outliers.
        sizes: images in each cluster, the largest first; empty where an older run did not keep them.
    """

    number: int
    outliers: float
    people: int
    purity: float | None
    shown: tuple[tuple[Member, ...], ...]
    left_out: tuple[Member, ...]
    sizes: tuple[int, ...] = ()


def clusters_of(labels: Sequence[int], config: DictConfig, data: DomainPairDataModule) -> dict[str, Any]:
    """What clusters.json holds of a run, without the images that data.on_error=skip did without.

    Args:
        labels: of the last round, for each of the target's training images.
        config: of the run.
        data: that it trained on.
    """
    seen = list(zip(labels, with_labels(config, data), strict=True))
    if data.on_error == "skip":  # what could not be read is in no cluster, as an outlier is
        unread = set(unreadable_files([record.path for label, record in seen if label == UNLABELED]))
        seen = [(label, record) for label, record in seen if record.path not in unread]
    return describe_clusters([label for label, _ in seen], [record for _, record in seen])


def describe_clusters(labels: Sequence[int], records: Sequence[Record]) -> dict[str, Any]:
    """What clusters.json holds, as `Clusters` has it.

    Args:
        labels: of each image of the target; -1 is in no cluster.
        records: of the same images.
    """
    clusters: dict[int, list[Record]] = {}
    for label, record in zip(labels, records, strict=True):
        clusters.setdefault(label, []).append(record)
    left_out = clusters.pop(UNLABELED, [])
    known = [Counter(r.pid for r in own if r.pid != UNLABELED) for own in clusters.values()]
    labeled = sum(count.total() for count in known)
    chance = np.random.default_rng(0)  # the same ones whenever it is asked again
    chosen = chance.permutation(sorted(clusters))[:NUM_CLUSTERS].tolist()
    shown = [clusters[label] for label in chosen]

    def some(records: Sequence[Record]) -> list[dict[str, Any]]:
        places = sorted(chance.permutation(len(records))[:LENGTH].tolist())
        return [{name: getattr(records[place], name) for name in Member._fields} for place in places]

    return {
        "number": len(clusters),
        "sizes": sorted(map(len, clusters.values()), reverse=True),
        "outliers": len(left_out) / len(records),
        "people": len(set().union(*known)),
        "purity": sum(max(count.values(), default=0) for count in known) / labeled if labeled else None,
        "shown": [some(own) for own in shown],
        "left_out": some(left_out),
    }


def with_labels(config: DictConfig, data: DomainPairDataModule) -> list[Record]:
    """The target's training images with the identities that a known data set gives them; nobody's where none does.

    Read when training is over, for a reader to judge by: training's own records have none.
    """
    records, names = list(data.target.train), config.data.target
    if set(OWN) & set([names] if isinstance(names, str) else names):
        return records
    place = DomainSets("target", config.data.root, names, config.data.target_root, trial=config.data.target_trial)
    known = place.read(labeled=True).train
    pids = {record.path: record.pid for record in known}
    return [record._replace(pid=pids.get(record.path, UNLABELED)) for record in records]


def read_clusters(run_dir: Path) -> Clusters:
    """The clusters that a run of self-training kept.

    Raises:
        FileNotFoundError: the run kept none.
        ValueError: the file is torn.
    """
    path = run_dir / "clusters.json"
    content = read_json(path)
    try:
        shown, left_out = content.pop("shown"), content.pop("left_out")
        members = tuple(tuple(Member(**image) for image in own) for own in (*shown, left_out))
        sizes = tuple(content.pop("sizes", ()))
        return Clusters(**content, shown=members[:-1], left_out=members[-1], sizes=sizes)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a run's clusters: {error}. Repeat the run.") from None
