"""Fit what a network's distances say, on pairs of images whose people are known, and keep it in the network's file.

dien calibrate checkpoint=FILE data=NAME|DIR|TABLE [domain=target|source] [split=test|train] [data_root=data]
    [layout=NAME] [camera_pattern=REGEX] [pid_pattern=REGEX] [cameras=required|none]
dien calibrate checkpoint=FILE marks=FILE [domain=target|source]

Either takes [false_matches=10] [method=logistic|isotonic] [output=FILE] [batch_size=64] [seed=0] [threads=N].

`data` is a data set of the catalogue, looked for below data_root, or images of your own with identities, as for `dien
check`. Pairs are those of different cameras; with cameras=none those of one count, too. `domain=target` (the default)
says that they are people of the cameras that you will ask about; `domain=source` that they are people of the source,
held out of its training, which a network's file cannot tell: what those show does not carry over to the target's
cameras. `split=test` takes query and gallery, `split=train` what lies there to train on; left out, the first that has
labels. `marks` is a file of pairs somebody has looked at, a table with the columns image_a, image_b and same (yes or
no), or JSON lines with these names; paths are relative to it. Where camera_a and camera_b name one camera (in the
page's marks query_camera and camera), the pair is left out. So is, here and in `data`, a picture beside its own copy.

`false_matches` is how many strangers of 1,000 a threshold may let through. Fewer than 20 people, or fewer false matches
than the pairs can show, are refused. The network is written to `output`, else in the place of `checkpoint`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dien_lightning import embed_images
from dien_lightning.calibration import (
    CAMERAS,
    METHODS,
    Pairs,
    calibrate,
    pairs_across_cameras,
    people_of_marks,
    read_marks,
)
from dien_lightning.checks import amount, check_choice, check_int, check_range
from dien_lightning.data.catalog import CATALOG
from dien_lightning.data.files import locate
from dien_lightning.data.reading import default_root, read_dataset
from dien_lightning.data.records import Record, Splits
from dien_lightning.experiments.check import guess
from dien_lightning.experiments.options import MISSING, take_all
from dien_lightning.experiments.run_folder import check_file
from dien_lightning.experiments.threads import use_threads
from dien_lightning.network import DIEN, DOMAINS, Calibration, fingerprint, load_network, save_network
from dien_lightning.types import UNLABELED

_OF_A_COPY = 2e-3  # a smaller distance is one picture twice, and not two of one person
_OF_DATA = ("split", "data_root", "layout", "camera_pattern", "pid_pattern", "cameras")


@dataclass
class Options:
    """As in the lines above."""

    checkpoint: str = MISSING
    data: str | None = None
    marks: str | None = None
    domain: str = "target"
    split: str | None = None
    data_root: str = "data"
    layout: str | None = None
    camera_pattern: str | None = None
    pid_pattern: str | None = None
    cameras: str = "required"
    false_matches: float = 10.0
    method: str = "logistic"
    output: str | None = None
    batch_size: int = 64
    seed: int = 0
    threads: int | None = None

    def __post_init__(self) -> None:
        check_choice("domain", self.domain, DOMAINS)
        check_choice("split", self.split, (None, "test", "train"))
        check_choice("cameras", self.cameras, CAMERAS)
        check_choice("method", self.method, METHODS)
        check_range("false_matches", self.false_matches, 0, 1000, include_low=False)
        check_int("batch_size", self.batch_size, 1, "it is the number of images that are embedded at once")
        given = [place for place in (self.data, self.marks) if place is not None]
        if len(given) != 1 or not given[0]:
            raise ValueError("Give either data=... or marks=..., see dien calibrate --help.")
        for name in _OF_DATA:
            if self.marks and (value := getattr(self, name)) != getattr(Options, name):
                raise ValueError(f"{name}={value} is for data=..., and marks are read without it; leave it out.")
        if self.data in CATALOG and self.layout:
            raise ValueError(f"layout={self.layout}: data={self.data} has its own; leave it out, or name the folder.")
        output = self.output or self.checkpoint
        if Path(output).suffix != ".safetensors":
            raise ValueError(
                f"{output} is no .safetensors file; name one to write the calibrated network to: output=FILE."
            )


def main() -> None:
    """Read, embed, fit, write."""
    options = take_all(Options, sys.argv[1:])
    output = Path(options.output or options.checkpoint)
    use_threads(options.threads)
    network = load_network(options.checkpoint)
    check_file("output" if options.output else "checkpoint", output)
    pairs, about = marked_pairs(network, options) if options.marks else labelled_pairs(network, options)
    network.calibration = calibrate(
        pairs,
        fingerprint=fingerprint(network),
        domain=network.statistics_for(options.domain),
        false_matches=options.false_matches,
        method=options.method,
        seed=options.seed,
        about=about,
    )
    save_network(network, output)
    print("\n".join(describe(network.calibration)))
    print(f"Written to {output}; dien same A B checkpoint={output} answers by it.")


def labelled_pairs(network: DIEN, options: Options) -> tuple[Pairs, dict[str, Any]]:
    """Pairs of a data set's people, without those of one picture, and where they are from."""
    name, splits = _read(options)
    parts = {"test": [*splits.query, *splits.gallery], "train": [*splits.train]}
    asked = {record.pid for record in splits.query}  # Market's pid 0 is many people, and nobody asks for it
    people = {"test": asked - {UNLABELED}, "train": {record.pid for record in splits.train} - {UNLABELED}}
    split = options.split or ("test" if people["test"] else "train")
    if options.domain == "source" and split == "train":
        raise ValueError(
            f"{splits.root}: the source's people must be held out of its training, and split=train is what trains; "
            "name a set with query and gallery."
        )
    if options.domain == "source" and splits.shared:
        raise ValueError(
            f"{splits.root}: the source's people must be held out of its training, and {splits.shared} people of query "
            "and gallery train, too; name a set whose people are apart."
        )
    records = [record for record in parts[split] if record.pid in people[split]]
    if not records:
        raise ValueError(f"{splits.root} has no labelled people in split={split}; label some, or name another split.")
    whose = "the target's labelled people" if options.domain == "target" else "taken for the source's people, held out"
    embeddings = _embed(network, [record.path for record in records], options)
    pairs = pairs_across_cameras(
        embeddings,
        [record.pid for record in records],
        [record.camid for record in records],
        cameras=options.cameras,
        seed=options.seed,
    )
    kept = pairs.distances > _OF_A_COPY
    cameras = None if options.cameras == "none" else _count_cameras(records)
    about = {"data": name, "split": split, "whose": whose, "cameras": cameras}
    return pairs.take(kept), {**about, "left_out": int((~kept).sum())}


def marked_pairs(network: DIEN, options: Options) -> tuple[Pairs, dict[str, Any]]:
    """Pairs that somebody has marked, without those of one camera or of one picture, and what to know of them."""
    marks = read_marks(options.marks or "")
    images, places, people = people_of_marks(marks)
    folder = Path(options.marks or "").parent
    embeddings = _embed(network, [locate(image, folder) for image in images], options)
    first, second = embeddings[places[:, 0]], embeddings[places[:, 1]]
    distances = (first - second).norm(dim=1).double().cpu().numpy()
    kept = np.array([not mark.is_of_one_camera for mark in marks]) & (distances > _OF_A_COPY)
    whose = f"pairs of the {options.domain} that somebody has marked"
    about = {"data": Path(options.marks or "").name, "whose": whose, "left_out": int((~kept).sum())}
    return Pairs(distances, people).take(kept), about


def describe(calibration: Calibration) -> list[str]:
    """What a calibration rests on, and how good it is."""
    about = calibration.about

    def share(name: str, scale: float, digits: int) -> str:
        value, low, high = (scale * number for number in about[name])
        return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"

    low, high = about["log10_bounds"]
    left_out = about.get("left_out", 0)
    why = "one picture" if "split" in about else "one camera or one picture"
    said = [
        f"{about['data']}: {about['whose']}, embedded with the {about['domain']}'s statistics.",
        f"It rests on {about['people']} people: {about['pairs_of_one']:,} pairs of one person, "
        f"{about['pairs_of_strangers']:,} of strangers ({about['pairs_of_people']:,} pairs of people)"
        + (f", from {about['cameras']} cameras." if about.get("cameras") else ".")
        + (f" Left out: {amount(left_out, 'pair')} of {why}." if left_out else ""),
        f"  likelihood ratio  from {10**low:.3g} to {10**high:.3g}: the data carry no more",
        f"  Cllr              {share('cllr', 1, 2)}, of people unseen by the fit: 0 is perfect, 1 says nothing",
        f"  equal error rate  {share('eer', 100, 1)} %: both errors stay at or below it",
        f"  at distance {about['threshold']:.3f}, {share('false_matches', 1, 1)} of 1,000 strangers match, and "
        f"{share('misses', 100, 1)} % of the pairs of one person do not",
        "In brackets: 95 % of what other draws of as many people would have given.",
    ]
    return said + [f"Note: {note}." for note in calibration.notes()]


def _read(options: Options) -> tuple[str, Splits]:
    patterns: dict[str, Any] = {"camera_pattern": options.camera_pattern, "pid_pattern": options.pid_pattern}
    data = options.data or ""
    if data in CATALOG:
        return data, read_dataset(data, default_root(options.data_root, data), **patterns)
    root = Path(data).expanduser()
    if not root.exists():
        raise FileNotFoundError(
            f"data={data} is neither a data set of the catalogue nor a folder or table that exists."
        )
    layout = options.layout or ("folder" if any(patterns.values()) and root.is_dir() else guess(root))
    return root.name, read_dataset(layout, root, **patterns)


def _embed(network: DIEN, paths: Sequence[str], options: Options) -> Any:
    domain = network.statistics_for(options.domain)
    return embed_images(network, paths, batch_size=options.batch_size, domain=domain, progress=True)


def _count_cameras(records: Sequence[Record]) -> int:
    return len({record.camid for record in records})
