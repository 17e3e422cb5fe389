"""A source and a target: which data sets they are made of, where those lie, what their records are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dien_lightning.checks import check_choice, check_int, check_keywords, check_path
from dien_lightning.data.catalog import CATALOG, is_drawn
from dien_lightning.data.fingerprint import fingerprint
from dien_lightning.data.inspection import against_published, test_part
from dien_lightning.data.own import OWN
from dien_lightning.data.reading import default_root, find_entry, read_dataset
from dien_lightning.data.records import SPLITS, Record, Splits, ask_with_all_images, check_training, combine, relabel
from dien_lightning.types import UNLABELED

SEARCHES = ("query", "leave_one_out", "sysu_all", "sysu_indoor")
"""Who asks whom, by the names of `Protocol`."""


class DomainSets:
    """The data sets of one domain, by name and folder.

    Args:
        role: "source" or "target", for messages.
        data_root: folder of all data sets, for those without a folder of their own.
        names: catalogue name, "folder", "csv", or a list of these to be joined.
        roots: folder, or a list that pairs with `names`; None looks below `data_root`.
        camera_pattern: how a "folder" tells its cameras, see `read_folder`.
        pid_pattern: how it tells its identities.
        trial: which split of the sets that have several, see `read_dataset`.

    Raises:
        ValueError: if a name is unknown, names and folders do not pair, or a trial is asked of sets that have none.
    """

    def __init__(
        self,
        role: str,
        data_root: str | Path,
        names: str | Sequence[str],
        roots: str | Sequence[str] | None = None,
        *,
        camera_pattern: str | None = None,
        pid_pattern: str | None = None,
        trial: int | None = None,
    ) -> None:
        if not names:
            raise ValueError(f"{role}={names!r} names no data set; give a catalogue name, folder or csv.")
        names = [names] if isinstance(names, str) else list(names)
        listed: list[Any] = [*roots] if isinstance(roots, Sequence) and not isinstance(roots, str) else [roots]
        listed *= len(names) if roots is None else 1
        check_path("data_root", data_root)
        if len(names) != len(listed):
            raise ValueError(f"{role} names {len(names)} data sets and {role}_root {len(listed)} folders; pair them.")
        for name, root in zip(names, listed, strict=True):
            if name not in OWN:
                find_entry(name)
            elif root is None:
                raise ValueError(f"{role}={name!r} needs {role}_root: {OWN[name]}.")
            if root is not None:
                check_path(f"{role}_root", root)
        if trial is not None:
            check_int(f"{role}_trial", trial, 1, "it is one of the splits that the set's authors give")
            if not any(map(_has_trials, names)):
                raise ValueError(
                    f"{role}_trial={trial} names one of its authors' splits, and {' and '.join(names)} has none."
                )
        self.trial = trial
        self.patterns = {"camera_pattern": camera_pattern, "pid_pattern": pid_pattern}
        for option, pattern in self.patterns.items():
            if pattern is not None and "folder" not in names:
                what = "cameras" if option == "camera_pattern" else "identities"
                raise ValueError(
                    f"{role}_{option}={pattern!r} is for {role}='folder'; others name their {what} themselves."
                )
        self.places = [
            (name, default_root(data_root, name) if root is None else Path(root).expanduser())
            for name, root in zip(names, listed, strict=True)
        ]

    def __str__(self) -> str:
        return " and ".join(f"{name} in {root}" for name, root in self.places) + ", not read yet"

    def draw_missing(self, drawing: Mapping[str, Any] | None) -> None:
        """Draw the drawn sets among them that are not there, or all of them as `drawing` says."""
        for name, root in self.places:
            if is_drawn(name) and (drawing is not None or not _holds(name, root)):
                from dien_lightning.pedestrians import draw_pedestrians  # noqa: PLC0415  (only where it is needed)

                check_keywords("drawing", drawing or {}, draw_pedestrians)
                draw_pedestrians(root, name.removeprefix("pedestrians_"), **(drawing or {}))

    def read(self, *, labeled: bool) -> Splits:
        """List the images; with `labeled=False` the training records are made without identities."""
        parts = []
        for name, root in self.places:
            patterns = self.patterns if name == "folder" else {}
            trial = self.trial if _has_trials(name) else None
            part = read_dataset(name, root, labeled=labeled, trial=trial, **patterns)
            _, others = against_published(part)
            parts.append(replace(part, notes=(*part.notes, *others)))
        return combine(parts)


def _has_trials(name: str) -> bool:
    return name in CATALOG and CATALOG[name].has_trials


def _holds(name: str, root: Path) -> bool:
    try:
        read_dataset(name, root)
    except FileNotFoundError:
        return False
    return True


class DomainPair:
    """Source and target, listed when they are first asked for.

    Args:
        source: the labelled domain; None where the target is only evaluated.
        target: the unlabelled domain.
        num_ids: P, source identities in a batch.
        cameras: "required", or "none" if cameras tell nothing apart.
        multi_query: ask with all images of a query's person in its camera.
        search: who asks, as `DomainPairDataModule` takes it.

    Raises:
        ValueError: an unknown search, or one that asks with every image where queries are pooled.
    """

    def __init__(
        self,
        source: DomainSets | None,
        target: DomainSets,
        num_ids: int,
        cameras: str,
        *,
        multi_query: bool,
        search: str,
    ) -> None:
        check_choice("search", search, SEARCHES)
        if multi_query and search == "leave_one_out":
            raise ValueError(
                "multi_query=true pools queries, and search='leave_one_out' asks with every image; choose one of them."
            )
        self._domains = {"source": source, "target": target}
        self._num_ids = num_ids
        self._cameras = cameras
        self._multi_query = multi_query
        self._search = search
        self._splits: dict[str, Splits] = {}
        self.source_pids: list[int] = []  # as the data set numbers the people whom training numbers from 0

    def __str__(self) -> str:
        return "\n".join(f"{role}: {self._splits.get(role, part)}" for role, part in self._domains.items() if part)

    def draw_missing(self, drawing: Mapping[str, Any] | None) -> None:
        """Draw the drawn sets that are named and missing."""
        for domain in filter(None, self._domains.values()):
            domain.draw_missing(drawing)

    def read(self) -> list[str]:
        """List the images of both domains; the target's training images are listed without identities.

        Returns:
            What a user should know, in sentences; nothing when asked again.

        Raises:
            FileNotFoundError: a folder is missing.
            ValueError: a domain cannot be trained on or evaluated.
        """
        if self._splits:
            return []
        said: list[str] = []
        read = {}
        for role, domain in reversed(self._domains.items()):
            if domain is None:
                continue
            splits = domain.read(labeled=role == "source")
            if role == "source":
                check_training(splits, self._num_ids)
                self.source_pids = sorted({record.pid for record in splits.train})
                splits = replace(splits, train=relabel(splits.train))
            if not splits.is_evaluated(self._search):
                said.append(f"{splits.root} has no labelled query and gallery: it is not evaluated.")
            elif self._multi_query:
                splits = ask_with_all_images(splits, self._cameras)
            notes = (*splits.notes, test_part(splits))
            said += [f"{splits.root}: {note}" for note in filter(None, notes)]
            read[role] = splits
        self._splits = read  # both or none, so that asking again gives the same fault
        return said

    @property
    def source(self) -> Splits:
        """The labelled domain; identities of its training split are numbered from 0."""
        if "source" not in self._splits:
            raise ValueError("No source is named (data.source), so there is nothing labelled to train on.")
        return self._splits["source"]

    @property
    def target(self) -> Splits:
        """The unlabelled domain."""
        return self._splits["target"]

    @property
    def source_places(self) -> list[tuple[str, Path]]:
        """Name and folder of each data set that the labelled domain is made of."""
        source = self._domains["source"]
        return [] if source is None else source.places

    @property
    def paths(self) -> list[str]:
        """Every file that `read` has listed, once, alike on every process."""
        listed = [getattr(splits, split) for splits in self._splits.values() for split in SPLITS]
        return list(dict.fromkeys(record.path for records in listed for record in records))

    @cached_property
    def fingerprints(self) -> dict[str, dict[str, Any]]:
        """Of the source's training images, and of all images of the target; once `read` has listed them."""
        listed = {"target": [*self.target.train, *self.target.query, *self.target.gallery]}
        listed |= {"source": list(self.source.train)} if "source" in self._splits else {}
        return {role: fingerprint(records) for role, records in listed.items()}

    @property
    def evaluation_domains(self) -> tuple[str, ...]:
        """Those with labelled images that ask and are looked through, the target first."""
        known = [role for role in ("target", "source") if role in self._splits]
        return tuple(role for role in known if self._splits[role].is_evaluated(self._search))

    def evaluation_records(self, domain: str) -> tuple[list[Record], list[Record]]:
        """A domain's query and gallery, without the queries that ask for nobody."""
        splits = self.target if domain == "target" else self.source
        return [record for record in splits.query if record.pid != UNLABELED], list(splits.gallery)

    def check_target(self) -> None:
        """Refuse a target that has nothing to train on.

        Raises:
            ValueError: it has no training images.
        """
        if not self.target.train:
            raise ValueError(
                f"{self.target.root} ({self.target.name}) has no training images: it is for evaluation alone."
            )
