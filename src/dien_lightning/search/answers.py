"""Questions to a gallery: which of its images look most like these."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor

from dien_lightning.checks import check_choice, check_int, first_line
from dien_lightning.data.files import path_below
from dien_lightning.data.folders import camera_expression
from dien_lightning.data.images import UnreadableImageError, check_upright, read_picture
from dien_lightning.data.listing import ListedImage, list_images
from dien_lightning.data.names import spelled
from dien_lightning.network import DIEN, fingerprint, load_network
from dien_lightning.search.about import About, check_same_network
from dien_lightning.search.embeddings_file import EmbeddingsFile
from dien_lightning.search.exact import Gallery, nearest
from dien_lightning.search.filters import Filter
from dien_lightning.training.embedding import resolve_precision
from dien_lightning.training.extractor import Extractor

if TYPE_CHECKING:
    from dien_lightning.search.store import Store

_NAMED = 12  # of a gallery's cameras


class Hit(NamedTuple):
    """A gallery image in an answer; its distance is 0 for the same and 2 for the opposite."""

    number: int
    image: ListedImage
    distance: float


class Questions(NamedTuple):
    """What is asked.

    Attributes:
        images: Q query images.
        embedding: (Q, D) theirs, of length 1.
        unreadable: paths of those that were left out, for they cannot be read.
    """

    images: list[ListedImage]
    embedding: Tensor
    unreadable: Sequence[str] = ()


def open_gallery(place: str | os.PathLike[str]) -> Gallery:
    """A file of `dien embed`, or a store.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: something else is there, or no image in it.
    """
    is_store = Path(place).expanduser().is_dir() or "://" in os.fspath(place)
    return open_store(place) if is_store else EmbeddingsFile(place)


def open_store(place: str | os.PathLike[str]) -> Store:
    """A store that has images.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: something else is there, or no image in it.
    """
    from dien_lightning.search.store import Store  # noqa: PLC0415 - a file needs no database

    if Path(place).expanduser().is_file():
        raise ValueError(f"store={place} is a file; make a store: dien store create store=DIR embeddings={place}.")
    store = Store(place)
    if not len(store):
        raise ValueError(f"store={place} holds no image: there is nothing to be found in it; dien store add fills it.")
    return store


def network_of(about: About, checkpoint: str | None = None) -> DIEN:
    """The network that made these embeddings.

    Args:
        about: the embeddings.
        checkpoint: its file; None is the one that `about` names.

    Raises:
        FileNotFoundError: it is not there any more.
        ValueError: it is another network.
    """
    path = checkpoint or about.checkpoint
    if path is None:
        raise ValueError("checkpoint=... is missing: the gallery does not say where its network lies.")
    network = load_network(path)
    if fingerprint(network) != about.fingerprint:
        raise ValueError(
            f"checkpoint={path} is not the network of the gallery's embeddings: its fingerprint is "
            f"{fingerprint(network)}, theirs {about.fingerprint}. Name theirs, or embed the gallery anew."
        )
    return network


def ask(
    gallery: Gallery, query: str, checkpoint: str | None = None, *, camera_pattern: str | None = None
) -> tuple[Questions, DIEN | None]:
    """The queries that a place names, embedded as the gallery is, and the network.

    A query's camera is what its own list, pattern or row in the gallery says; else what the gallery's pattern finds.
    Of many images those that cannot be read are left out. A file of embeddings needs no network: without one, None is
    given, and a line says how to have the calibration's words.

    Args:
        gallery: whose network embeds.
        query: an image, folder, list or table, see `list_images`; or a file of embeddings.
        checkpoint: see `network_of`.
        camera_pattern: see `list_images`.

    Raises:
        FileNotFoundError: no such place.
        ValueError: the queries are another network's, all unreadable, or wider than high; or a pattern for a file.
    """
    about = gallery.about
    unreadable: list[str] = []
    if query.endswith(".parquet"):
        if camera_pattern is not None:
            raise ValueError(f"camera_pattern={camera_pattern} is for images; {query} names its cameras itself.")
        file = EmbeddingsFile(query)
        check_same_network("the gallery", about, file.about)
        images, embedding = file.images(range(len(file))), file.embedding().float()
        network = network_of(about, checkpoint) if checkpoint else _network_if_there(about)
    else:
        network = network_of(about, checkpoint)
        place = os.path.abspath(os.path.expanduser(query))
        listed = list_images(place, camera_pattern=camera_pattern, option="query")
        images = []
        for image in listed:
            try:
                check_upright(read_picture(image.path).size, f"query={image.path}")
                images.append(image)
            except UnreadableImageError:
                unreadable.append(image.path)
                if len(unreadable) == len(listed):
                    raise
        embedding = extractor(network, about)([image.path for image in images])
    return Questions(with_cameras(images, gallery), embedding, unreadable), network


def _network_if_there(about: About) -> DIEN | None:
    try:
        return network_of(about)
    except (OSError, ValueError) as error:
        where = "may lie anywhere"
        if about.checkpoint:
            is_gone = isinstance(error, FileNotFoundError)
            where = f"is not at {about.checkpoint} any more" if is_gone else f"cannot be used ({first_line(error)})"
        rank_zero_info(f"no words beside the distances: the gallery's network {where}; name checkpoint=... for them.")
        return None


def extractor(network: DIEN, about: About) -> Extractor:
    """What embeds as the gallery was embedded; in float32 where this machine lacks the hardware for its precision."""
    fast = resolve_precision("auto", next(network.parameters()).device.type)
    precision = about.precision if about.precision == fast else "32-true"
    how: dict[str, Any] = {"domain": about.domain, "flip": about.flip, "precision": precision}
    return Extractor(network, **how)


def find(
    gallery: Gallery,
    questions: Questions,
    *,
    top: int = 10,
    chosen: Filter | None = None,
    same_camera: str = "drop",
    approximate: bool = False,
) -> list[list[Hit]]:
    """For each query the gallery images nearest to it, without itself.

    Args:
        gallery: a file or a store.
        questions: of `ask`.
        top: the longest list.
        chosen: which images may be found.
        same_camera: "drop" leaves out what the query's own camera took, where it is known; "keep" does not.
        approximate: by the store's index, which may miss some.

    Raises:
        ValueError: an argument, or embeddings that have no distance.
    """
    check_int("top", top, 1, "it is the length of a list")
    check_choice("same_camera", same_camera, ("drop", "keep"))
    own = gallery.numbers_of([image.path for image in questions.images])
    hidden = [own.get(image.path, -1) for image in questions.images]
    without = [image.camera for image in questions.images] if same_camera == "drop" else []
    chosen = chosen or Filter()
    if approximate:
        if isinstance(gallery, EmbeddingsFile):
            raise ValueError("approximate=true needs a store with an index (dien store create, dien store index).")
        found = gallery.approximate(questions.embedding, top, chosen, without=without, hidden=hidden)  # type: ignore[attr-defined]
    else:
        found = nearest(questions.embedding, gallery.blocks(chosen), top, without=without, hidden=hidden)
    numbers = sorted(set(found.numbers.flatten().tolist()) - {-1})
    images = dict(zip(numbers, gallery.images(numbers), strict=True))
    return [
        [Hit(n, images[n], d) for n, d in zip(*row, strict=True) if n >= 0]
        for row in zip(found.numbers.tolist(), found.distances.tolist(), strict=True)
    ]


def check_cameras(chosen: Filter, gallery: Gallery) -> None:
    """Refuse a filter on a camera that no image of the gallery is from: it would find nothing, and not say why.

    Raises:
        ValueError: the cameras that there are stand beside it.
    """
    if chosen.cameras is None:
        return
    there = gallery.cameras()
    if unknown := [name for name in chosen.cameras if name not in there]:
        more = f" and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
        known = f"its cameras are {', '.join(there[:_NAMED])}{more}" if there else "it has no cameras at all"
        raise ValueError(f"camera={','.join(unknown)}: the gallery has no image from there; {known}.")


def with_cameras(images: Sequence[ListedImage], gallery: Gallery) -> list[ListedImage]:
    """The images with their cameras, as far as the gallery has them or its pattern finds them in their paths."""
    own = gallery.numbers_of([image.path for image in images if image.camera is None])
    rows = {path: image.camera for path, image in zip(own, gallery.images([*own.values()]), strict=True)}
    cameras = cache(gallery.cameras)  # reads them all: once, and only if a path elsewhere seems to name one
    told = (each.camera or rows.get(each.path) or _told_by(each.path, gallery.about, cameras) for each in images)
    return [image._replace(camera=camera) for image, camera in zip(images, told, strict=True)]


def _told_by(path: str, about: About, cameras: Callable[[], Sequence[str]]) -> str | None:
    """What the gallery's pattern finds below its root's folder; elsewhere one of its cameras in a path's last parts."""
    pattern, root = about.camera_pattern, Path(about.root or "")
    if pattern is None:
        return None
    root = root.parent if root.is_file() else root  # of a list or a table
    inside = root == Path() or path.startswith(os.path.join(root, ""))
    below = path_below(path, root) if inside else "/".join(Path(path).parts[-2:])
    match = re.search(camera_expression(pattern), below)
    camera = next((spelled(group) for group in match.groups() if group), None) if match else None
    return camera if camera is None or inside or camera in cameras() else None
