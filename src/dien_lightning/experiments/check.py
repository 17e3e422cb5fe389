"""Check a folder of images before an hour is spent on it: layout, counts, unreadable files, traps.

dien check ROOT [layout=NAME] [role=source|target] [camera_pattern=REGEX] [pid_pattern=REGEX] [trial=N]
    [cameras=required|none] [protocol=NAME] [num_ids=16] [num_instances=4] [files=true] [workers=N]

`layout` is a catalogue name, `folder` or `csv`; left out, it is recognised. A plain folder is read as a target, with
`role=source` as one sub-folder per identity. Ends with `ready` and exit code 0, or with
a numbered list of what to do and exit code 1. `protocol` is a name in conf/protocol: whether queries have a match is
asked by its rules. `trial` is one of the splits that a set's authors give (RegDB). `files=false` leaves out reading the
images themselves.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from dien_lightning import Protocol
from dien_lightning.checks import check_choice, check_int
from dien_lightning.data.catalog import CATALOG
from dien_lightning.data.files import image_files
from dien_lightning.data.inspection import Inspection, inspect
from dien_lightning.data.layouts import passed_over
from dien_lightning.data.own import OWN, is_table, table_files
from dien_lightning.data.reading import read_dataset, recognize
from dien_lightning.data.records import SPLITS, Splits
from dien_lightning.data.scanning import FileState, check_files, scan_files
from dien_lightning.experiments.config import as_word, compose_config, protocol
from dien_lightning.experiments.keys import groups_of
from dien_lightning.experiments.options import take_paths
from dien_lightning.training.counting import count_matches
from dien_lightning.types import UNLABELED


@dataclass
class Options:
    """As in the lines above."""

    layout: str | None = None
    role: str | None = None
    camera_pattern: str | None = None
    pid_pattern: str | None = None
    trial: int | None = None
    cameras: str = "required"
    protocol: str = "default"
    num_ids: int = 16
    num_instances: int = 4
    files: bool = True
    workers: int = os.cpu_count() or 1

    def __post_init__(self) -> None:
        check_choice("role", self.role or "target", ("source", "target"))
        check_choice("cameras", self.cameras, ("required", "none"))
        check_choice("protocol", self.protocol, groups_of("train")["protocol"])
        for name in ("num_ids", "num_instances", "workers"):
            check_int(name, getattr(self, name), 1, "see --help")


def main() -> None:
    """Check what the command line names."""
    wanted = "folders were named; name one: dien check ROOT [layout=NAME]."
    (named,), options = take_paths(Options, sys.argv[1:], 1, wanted)
    root = Path(named)
    if not root.exists():
        raise FileNotFoundError(f"{root} does not exist; name the folder that holds the images.")
    patterned = options.camera_pattern is not None or options.pid_pattern is not None
    layout = options.layout or ("folder" if patterned and root.is_dir() else guess(root))
    splits, role = read(layout, root, options)
    print(
        f"{splits.root}: {CATALOG[layout].title if layout in CATALOG else OWN[layout]} (layout={layout}), as a {role}"
    )
    counting = protocol(compose_config([f"protocol={options.protocol}", f"data.cameras={options.cameras}"]))
    found = inspect(splits, labeled=role == "source", num_ids=options.num_ids, num_instances=options.num_instances)
    if options.role == "source" and not splits.train:
        found.problems.append(
            "There are no training images, so it cannot be a source; add them, or check it as it is with role=target."
        )
    check_matches(splits, counting, found)
    found.notes += beside(root, splits) if layout in CATALOG else []
    if options.files:
        paths = sorted({record.path for split in SPLITS for record in getattr(splits, split)})

        def bar(states: Iterable[FileState]) -> Iterable[FileState]:
            return track(states, "reading images", total=len(paths), console=Console(stderr=True), transient=True)

        states = scan_files(paths, options.workers, bar)
        check_files(splits, states, found, same_camera=counting.same_camera, search=counting.search)
    for line in found.counts:
        print(f"  {line}")
    for line in found.notes:
        print(f"note: {line}")
    if layout in CATALOG:
        print(f"terms: {CATALOG[layout].terms} Cite {CATALOG[layout].citation}.")
    if not found.problems:
        overrides = [f"data.{role}={layout}", as_word(f"data.{role}_root", str(root))]
        for name in ("camera_pattern", "pid_pattern", "trial"):
            if (value := getattr(options, name)) is not None:
                overrides.append(as_word(f"data.{role}_{name}", value))
        if options.cameras == "none":
            overrides.append("data.cameras=none")
        if options.protocol != "default":
            overrides.append(f"protocol={options.protocol}")
        print("ready:", shlex.join(overrides))
        return
    print("to do:")
    for number, line in enumerate(found.problems, start=1):
        print(f"  {number}. {line}")
    sys.exit(1)


def beside(root: Path, splits: Splits) -> list[str]:
    """A note on folders with images that lie beside the one that holds the set, where it lies below `root`."""
    if root.resolve() == Path(splits.root).resolve():
        return []
    folders = [path for path in sorted(root.iterdir()) if path.is_dir() and path not in Path(splits.root).parents]
    others = [path for path in folders if path.resolve() != Path(splits.root).resolve() and image_files(path)]
    told = ", ".join(map(str, others[:3])) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    return [f"Images beside it are not read: {told}. Name one folder to check it."] if others else []


def check_matches(splits: Splits, counting: Protocol, found: Inspection) -> None:
    """Add whether queries have a match under the protocol."""
    if not splits.is_evaluated(counting.search):
        labeled, shown = ({r.pid for r in part} - {UNLABELED} for part in (splits.query, splits.gallery))
        if labeled and splits.gallery and not shown:
            found.notes.append(
                f"The queries are labelled ({len(labeled)} people), but the gallery shows none of them: all "
                f"{len(splits.gallery)} images there are without identity. It trains, but is not evaluated."
            )
            return
        hint = " A gallery alone is ranked by protocol=leave_one_out." if splits.is_evaluated("leave_one_out") else ""
        found.notes.append(f"There is no labelled query and gallery: it trains, but is not evaluated.{hint}")
        return
    try:
        number = count_matches(splits, counting)
    except ValueError as error:
        found.problems.append(str(error))
        return
    if number.matched < number.queries:
        elsewhere = "" if counting.same_camera == "keep" else " in another camera"
        found.notes.append(
            f"{number.queries - number.matched} of {number.queries} queries have no match{elsewhere} and do not count."
        )


def guess(root: Path) -> str:
    """Recognise the layout.

    Raises:
        ValueError: if nothing fits; says how near the folder came, and what is missing.
    """
    tables = table_files(root)
    if root.is_file() or any(map(is_table, tables)):
        return "csv"
    if tables:
        print(f"note: {tables[0]} has no column 'path' in its first line and is not read")
    complete, partial = recognize(root)
    if complete:
        best = complete[0]
        others = sorted({place.name for place in complete[1:]} - {best.name})
        if others and root.name != best.name and best.folder.name not in CATALOG[best.name].subfolders:
            print(f"recognised as {best.name}; {', '.join(others)} lie in the same way (say layout=NAME)")
        return best.name
    if any(path.name.casefold() == "gallery" for path in root.iterdir()):
        return "folder"
    if partial:
        nearest = partial[0]
        reason = f"{', '.join(nearest.missing)} missing"
        if not nearest.missing:
            try:
                nearest.layout.read(nearest.name, nearest.folder)
            except ValueError as error:
                reason = str(error).rstrip(".")
        raise ValueError(
            f"{nearest.folder} comes nearest to {nearest.name} ({CATALOG[nearest.name].title}), but {reason}; "
            "complete it, or read it as it is with layout=folder."
        )
    suffixes: Counter[str] = Counter()
    if image_files(root, suffixes):
        return "folder"
    told = " ".join(["name the folder that holds them, or unpack its archive.", *passed_over(suffixes)])
    raise ValueError(f"{root} holds no image and no layout we know; {told}")


def read(layout: str, root: Path, options: Options) -> tuple[Splits, str]:
    """Read the records; crops and tables without identities are read as a target unless the role is said."""
    names = ("camera_pattern", "pid_pattern", "trial")
    patterns: dict[str, Any] = {name: getattr(options, name) for name in names}
    role = options.role or ("target" if layout == "folder" else None)
    if role != "target":
        splits = read_dataset(layout, root, **patterns)
        unlabeled = sum(record.pid == UNLABELED for record in splits.train)
        if role or layout in CATALOG or not unlabeled:
            return splits, "source" if splits.train else "target"
        if unlabeled < len(splits.train):
            print(f"note: {unlabeled} of {len(splits.train)} training images have no identity: read as a target")
    return read_dataset(layout, root, labeled=False, **patterns), "target"
