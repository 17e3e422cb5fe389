"""What the search page answers; without a word of HTTP."""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from dien_lightning.atomic import atomic_write
from dien_lightning.checks import first_line
from dien_lightning.data.images import FAULTS, check_upright, decode, read_picture
from dien_lightning.data.listing import ListedImage, show_time
from dien_lightning.data.transforms import evaluation_transform
from dien_lightning.experiments.reports.attention_maps import overlay
from dien_lightning.network import DIEN
from dien_lightning.search import Filter
from dien_lightning.search.answers import Questions, extractor, find
from dien_lightning.search.marks import KeptMark, append_mark, marks_of
from dien_lightning.search.store import Store
from dien_lightning.search.words import in_words, notes_on_words
from dien_lightning.training.extractor import pixels_of

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""What an upload may be: decoding some other formats starts external programs (EPS: Ghostscript)."""
MOST_PIXELS = 20_000_000
_KEPT = 64  # queries whose answers may still be marked
_HEIGHT = 256  # of the gallery's pictures on the page
SAID = {"yes": "yes", "no": "no", "none": ""}


class Query(NamedTuple):
    """A crop that was asked with; `name` is its content's."""

    name: str
    picture: Image.Image
    embedding: Tensor
    camera: str | None


class Service:
    """Answers from a store, by its network.

    Args:
        store: what is searched.
        network: the one that embedded it.
        marks: folder for marks.csv, and for the queries that were marked.
    """

    def __init__(self, store: Store, network: DIEN, marks: Path) -> None:
        self.store, self.network, self.marks = store, network, marks
        self._extract = extractor(network, store.about)
        self._queries: OrderedDict[str, Query] = OrderedDict()
        self._lock = Lock()  # one question at a time: they would slow one another down

    def about(self) -> dict[str, Any]:
        """What the page says of itself."""
        store = self.store
        return {
            "images": len(store),
            "cameras": store.cameras(),
            "fingerprint": store.about.fingerprint,
            "domain": store.about.domain,
            "passes": self.network.attention_loops,
            "calibrated": self.network.calibration is not None,
            "notes_on_words": notes_on_words(self.network, store.about),
            "marks": str(self.marks / "marks.csv"),
        }

    def search(
        self, content: bytes, *, top: int, chosen: Filter, same_camera: str, camera: str | None
    ) -> dict[str, Any]:
        """The images that look most like an uploaded crop.

        Args:
            content: of the image file.
            top: the longest list.
            chosen: what may be found.
            same_camera: "drop" or "keep".
            camera: that took the crop, None where nobody knows.

        Raises:
            ValueError: it is no image, too large, or wider than high; or an argument.
        """
        picture = open_upload(content)
        name = hashlib.blake2b(content, digest_size=16).hexdigest()
        key = name if camera is None else f"{name}, camera {camera}"  # a mark keeps the camera of its own list
        with self._lock:
            query = Query(name, picture, self._extract([picture]), camera)
            self._queries[key] = query
            self._queries.move_to_end(key)
            while len(self._queries) > _KEPT:
                self._queries.popitem(last=False)
            asked = Questions([ListedImage(f"upload {name}", camera)], query.embedding)
            (hits,) = find(self.store, asked, top=top, chosen=chosen, same_camera=same_camera)
        said = marks_of(self.marks / "marks.csv", self._picture(name))
        rows = [
            {
                "number": hit.number,
                "name": Path(hit.image.path).name,
                "camera": hit.image.camera,
                "time": None if hit.image.time is None else show_time(hit.image.time),
                "distance": round(hit.distance, 4),
                "says": in_words(self.network, self.store.about, hit, camera),
                "same": said.get(hit.image.path, ""),
            }
            for hit in hits
        ]
        return {"query": key, "hits": rows}

    def image(self, number: int) -> bytes:
        """An image of the store, small, as JPEG.

        Raises:
            KeyError: the store has none of that number.
            ValueError: its file is gone or damaged.
        """
        picture = read_picture(self._listed(number).path)
        picture.thumbnail((2 * _HEIGHT, _HEIGHT))
        content = io.BytesIO()
        picture.save(content, "JPEG", quality=90)
        return content.getvalue()

    def why(self, key: str, number: int) -> dict[str, list[dict[str, str]]]:
        """Where each pass looked, on the query and on an image that was found; empty without attention.

        Raises:
            KeyError: a query that is not kept any more, or a number that the store has not.
        """
        pictures = {"query": self._queries[key].picture, "image": read_picture(self._listed(number).path)}
        if not self.network.attention_loops:
            return {name: [] for name in pictures}
        resize = evaluation_transform(self.network.hyperparameters["image_size"])
        with self._lock, torch.no_grad():
            batch = torch.stack([resize(pixels_of(picture)) for picture in pictures.values()])
            masks = [2 * mask.spatial[:, 0] for mask in self.network(batch, self.store.about.domain).masks]
        reach = max(float((mask - 1).abs().max()) for mask in masks)
        return {
            name: [
                {
                    "title": f"pass {step}: from {float(mask[row].min()):.2f} to {float(mask[row].max()):.2f}",
                    "picture": overlay(picture, mask[row].numpy(), "RdBu_r", 1 - reach, 1 + reach),
                }
                for step, mask in enumerate(masks, start=1)
            ]
            for row, (name, picture) in enumerate(pictures.items())
        }

    def mark(self, key: str, number: int, said: str) -> None:
        """Keep what somebody said of a query and an image: "yes", "no", or "none" to take it back.

        Raises:
            KeyError: as `why`.
            ValueError: something else was said.
        """
        if said not in SAID:
            raise ValueError(f"same={said!r} is not allowed; choose one of {', '.join(SAID)}.")
        query, image, about = self._queries[key], self._listed(number), self.store.about
        embedding = self.store.embedding_of(number)
        distance = float(torch.dist(query.embedding[0].to(embedding.dtype).double(), embedding.double()))
        path = self._picture(query.name)
        if not path.is_file():
            with atomic_write(path) as draft:
                query.picture.save(draft, "PNG")
        about_it = (about.fingerprint, about.domain, query.camera or "", image.camera or "")
        append_mark(self.marks / "marks.csv", KeptMark(str(path), image.path, SAID[said], distance, *about_it))

    def _picture(self, name: str) -> Path:
        """Where a query that is marked is kept."""
        return (self.marks / "queries" / f"{name}.png").absolute()

    def _listed(self, number: int) -> ListedImage:
        (image,) = self.store.images([number])
        return image


def open_upload(content: bytes) -> Image.Image:
    """Decode what a stranger may have sent: few formats, few pixels.

    Raises:
        ValueError: it is no image of these, too large, or wider than high.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as header:
            width, height = header.size
        if width * height > MOST_PIXELS:
            raise ValueError(f"it has {width * height:,} pixels, and {MOST_PIXELS:,} are allowed")
        picture = decode(io.BytesIO(content), FORMATS)
    except FAULTS as error:
        said = first_line(error).split(" <")[0]
        raise ValueError(f"The file cannot be read as an image ({said}); send one of {', '.join(FORMATS)}.") from None
    check_upright(picture.size, "This crop")
    return picture
