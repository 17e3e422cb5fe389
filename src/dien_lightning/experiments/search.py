"""Search a file or a store of embeddings for the images that look most like these.

dien search gallery=FILE|STORE query=IMAGE|DIR|LIST|TABLE|FILE [top=10] [camera=NAME,...] [after=TIME] [before=TIME]
    [same_camera=drop|keep] [approximate=false] [checkpoint=FILE] [camera_pattern=REGEX] [output=FILE.csv] [threads=N]

Exact, unless `approximate=true` asks a store's index. `camera` lists the cameras to search in; `after` and `before` are
dates or numbers, as the gallery has them: from `after` on, and earlier than `before`. What the query's own camera took
is left out where that camera is known, and the query itself always. Equal distances come in the order of the gallery.

The network is the one that the gallery was embedded by; `checkpoint` says where it lies now. Distances go from 0 (the
same) to 2 (the opposite). A network that `dien calibrate` has calibrated says, too, how many strangers look this alike.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dien_lightning.checks import amount, check_choice, check_int
from dien_lightning.data.listing import ListedImage, read_time, show_time
from dien_lightning.data.names import spelled
from dien_lightning.data.scanning import unreadable_in_words
from dien_lightning.experiments.files import write_csv
from dien_lightning.experiments.options import MISSING, take_all
from dien_lightning.experiments.run_folder import check_file
from dien_lightning.experiments.threads import use_threads
from dien_lightning.search import Filter
from dien_lightning.search.answers import Hit, ask, check_cameras, find, open_gallery
from dien_lightning.search.words import in_words, notes_on_words

_PRINTED = 5  # queries; the file has all
_COLUMNS = ("query", "rank", "image", "camera", "time", "distance", "says")


@dataclass
class Options:
    """As in the lines above."""

    gallery: str = MISSING
    query: str = MISSING
    top: int = 10
    camera: str | None = None
    after: str | None = None
    before: str | None = None
    same_camera: str = "drop"
    approximate: bool = False
    checkpoint: str | None = None
    camera_pattern: str | None = None
    output: str | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        check_int("top", self.top, 1, "it is the length of a list")
        check_choice("same_camera", self.same_camera, ("drop", "keep"))
        inputs = [os.path.realpath(path) for path in (self.gallery, self.query, self.checkpoint) if path]
        if self.output and os.path.realpath(self.output) in inputs:
            raise ValueError(f"output={self.output} is a file that is read, and would be lost; name another.")


def main() -> None:
    """Open, embed, find, print."""
    options = take_all(Options, sys.argv[1:])
    chosen = choose(options.camera.split(",") if options.camera is not None else (), options.after, options.before)
    check_file("output", options.output)
    use_threads(options.threads)
    gallery = open_gallery(options.gallery)
    check_cameras(chosen, gallery)
    questions, network = ask(gallery, options.query, options.checkpoint, camera_pattern=options.camera_pattern)
    if questions.unreadable:
        print(unreadable_in_words(questions.unreadable), file=sys.stderr)
    for note in notes_on_words(network, gallery.about):
        print(f"{note}.", file=sys.stderr)
    how = {"same_camera": options.same_camera, "approximate": options.approximate}
    lists = find(gallery, questions, top=options.top, chosen=chosen, **how)  # type: ignore[arg-type]  # by name
    table: list[list[object]] = []
    for place, (query, hits) in enumerate(zip(questions.images, lists, strict=True)):
        rows = [row(hit, in_words(network, gallery.about, hit, query.camera)) for hit in hits]
        table += [[query.path, rank, *cells] for rank, cells in enumerate(rows, start=1)]
        if place < _PRINTED:
            print(described(query, rows, options.same_camera, chosen))
    if len(lists) > _PRINTED:
        more = amount(len(lists) - _PRINTED, "more query", "more queries")
        print(f"... and {more}{'' if options.output else '; output=FILE.csv has all'}.")
    if options.output:
        write_csv(Path(options.output), _COLUMNS, table)
        print(f"{amount(len(lists), 'query', 'queries')} against {amount(len(gallery), 'image')}: {options.output}")


def choose(cameras: Sequence[str], after: str | None, before: str | None) -> Filter:
    """The filter that these texts mean; None or nothing leaves a matter open.

    Raises:
        ValueError: names that are all blank, a time that is none, or an `after` that is not earlier than `before`.

    Example:
        >>> choose(["1", " 02"], None, "1970-01-02")
        Filter(cameras=('1', '2'), after=None, before=86400.0)
    """
    names = tuple(spelled(name) for name in cameras if name.strip())
    if cameras and not names:
        raise ValueError(f"camera={','.join(cameras)} names no camera; leave it out to search in all of them.")
    times = [read_time(text) if text else None for text in (after, before)]
    if times[0] is not None and times[1] is not None and times[0] >= times[1]:
        raise ValueError(f"after={after} is not earlier than before={before}, so nothing is between them.")
    return Filter(names or None, *times)


def row(hit: Hit, said: str) -> list[str]:
    """A hit as cells: image, camera, time, distance, and what the calibration says."""
    time = "" if hit.image.time is None else show_time(hit.image.time)
    return [hit.image.path, hit.image.camera or "", time, f"{hit.distance:.4f}", said]


def described(query: ListedImage, rows: Sequence[Sequence[str]], same_camera: str, chosen: Filter) -> str:
    """One query's list, as it is printed."""
    if same_camera == "keep":
        left_out = ""
    elif query.camera is None:
        left_out = " (its camera is not known, so none is left out)"
    else:
        left_out = f" (without its own camera, {query.camera})"
    lines = [f"{query.path}{left_out}"]
    for rank, (path, camera, time, distance, said) in enumerate(rows, start=1):
        about = [f"camera {camera}" if camera else "", time, said]
        lines.append("  ".join([f"{rank:>4}. {distance}", path, *filter(None, about)]))
    if not rows:
        others = "from another camera" if query.camera is not None and same_camera == "drop" else "else"
        lines.append(f"      nothing {others} {'is in the gallery' if chosen == Filter() else 'passes the filters'}")
    return "\n".join(lines)
