"""Keep embeddings in a store that grows: every add is whole or not there, and searches see it at once.

dien store create store=DIR embeddings=FILE
dien store add store=DIR embeddings=FILE
dien store search store=DIR query=... (as dien search gallery=DIR)
dien store index store=DIR [queries=200]
dien store info store=DIR

`embeddings` is what `dien embed` wrote; `create` creates the store and adds the file's embeddings. Images whose path is
there already are not added again. A file with another picture under such a path is refused, as its embedding tells
(give new crops new names, or create the store anew), and so are embeddings of another network. A store lies in a
folder, or at any address that LanceDB takes (s3://bucket/crops). `index` makes what `approximate=true` asks, and shows
what it misses: recall of the nearest and of the ten nearest, against exact search. Exact search needs no index.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from dien_lightning.checks import amount, check_choice, check_int
from dien_lightning.experiments import search
from dien_lightning.experiments.options import MISSING, take, take_all
from dien_lightning.search import EmbeddingsFile
from dien_lightning.search.store import Added, Recall, Store

ACTIONS = ("create", "add", "search", "index", "info")


@dataclass
class Place:
    """What `info` takes."""

    store: str = MISSING


@dataclass
class Filling(Place):
    """What `create` and `add` take."""

    embeddings: str = MISSING


@dataclass
class Indexing(Place):
    """What `index` takes."""

    queries: int = 200


def main() -> None:
    """Do what the command line says, and tell LanceDB's own error, such as that of a full disk, in a sentence."""
    try:
        act()
    except RuntimeError as error:
        if "LanceError" not in str(error):
            raise
        raise OSError(
            f"LanceDB cannot go on ({str(error).split(', /')[0]}); what the store held before stays. Make room or give "
            f"access, then run this again."
        ) from error


def act() -> None:
    """Do what the first word says."""
    action, words = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("", [])
    check_choice("dien store", action, ACTIONS)
    if action == "search":
        take(Place, words)  # what is missing is `store`, and not `gallery`
        sys.argv[1:] = [f"gallery={word[6:]}" if word.startswith("store=") else word for word in words]
        search.main()
    elif action == "index":
        indexing = take_all(Indexing, words)
        check_int("queries", indexing.queries, 1, "they measure the recall")
        print(measured(Store(indexing.store).build_index(indexing.queries)))
    elif action == "info":
        print(described(Store(take_all(Place, words).store)))
    else:
        filling = take_all(Filling, words)
        file = EmbeddingsFile(filling.embeddings)
        if action == "create":
            file.check()  # else an empty store would be left, which the next attempt would trip over
            store = Store.create(filling.store, file.about)
        else:
            store = Store(filling.store)
        print(f"{filled(store.add(file))} {described(store)}")


def filled(added: Added) -> str:
    """What an add did."""
    known = f", {added.known:,} there already" if added.known else ""
    return f"{amount(added.new, 'image')} added{known}."


def described(store: Store) -> str:
    """What is in a store, and whose."""
    about, cameras, recall = store.about, store.cameras(), store.recall
    said = f"{store.place}: {amount(len(store), 'image')}, {amount(len(cameras), 'camera')}"
    said += f"; network {about.fingerprint}, {about.domain}'s statistics, width {about.width}, {about.dtype}"
    return f"{said}; {measured(recall) if recall else 'no index, searches are exact.'}"


def measured(recall: Recall) -> str:
    """What an index finds."""
    return (
        f"indexed at {recall.images:,} images; approximate=true finds of what exact search finds: recall@1 "
        f"{recall.at1:.3f}, recall@10 {recall.at10:.3f} ({recall.queries} stored images asked)."
    )
