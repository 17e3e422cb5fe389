"""Add, search and kill on one store, at random: nothing acknowledged may be lost. `make soak` runs it, too.

python -m proofs.store_soak [minutes=60] [trials=N] [seed=0] [work=outputs/store_soak] [output=results/store_soak.json]

Two processes work on one store. Each add is a file of 1 to 600 embeddings, of which some are there already; it counts
as acknowledged once `Store.add` has returned and the process has said so. At random moments one of the two is ended by
SIGKILL. The parent keeps what the store must hold: after each kill all of it must be
there, once, under numbers without gaps; an add that was not acknowledged must be there as a whole or not at all.
Searches must find what a search through the parent's own list finds, to the last bit. What survived is counted in the
output file after every trial; exit code 1 if anything did not.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from dien_lightning.data.listing import ListedImage
from dien_lightning.experiments.command import run
from dien_lightning.experiments.provenance import commit
from dien_lightning.search import About, EmbeddingsFile, Filter, nearest
from dien_lightning.search.embeddings_file import as_table, write_embeddings
from dien_lightning.search.exact import Block
from processes import forkserver
from proofs.soaking import soak

WIDTH, TOP = 64, 10
ABOUT = About(fingerprint="soak", domain="target", width=WIDTH)


def work(place: Path, orders: Connection) -> None:
    """Do what each order says, the first of which makes the store, and say what came of it."""
    from dien_lightning.search.store import Store  # LanceDB may not be loaded where a process forks

    torch.set_num_threads(1)
    while True:
        try:
            order = orders.recv()
        except EOFError:  # the parent has ended
            return
        store = Store(place) if place.exists() else Store.create(place, ABOUT)
        if order["do"] == "add":
            said: Any = store.add(EmbeddingsFile(order["file"]))
        elif order["do"] == "list":
            rows = store._table.search().select(["number", "path"]).to_arrow()
            numbers = dict(zip(rows["path"].to_pylist(), rows["number"].to_pylist(), strict=True))
            said = {"rows": len(rows), "numbers": numbers}
        else:
            found = nearest(order["query"], store.blocks(order["chosen"]), TOP, without=order["without"])
            said = found.numbers.tolist(), found.distances.tolist()
        orders.send(said)


class Worker:
    """A process that works on the store; forked from one that has imported what takes long."""

    def __init__(self, place: Path) -> None:
        context = forkserver()
        self._orders, other = context.Pipe()
        self.process = context.Process(target=work, args=(place, other), daemon=True)
        self.process.start()
        other.close()

    def order(self, **order: Any) -> None:
        """Say what to do."""
        self._orders.send(order)

    def answer(self) -> Any:
        """What came of it; None where the process has ended before it said so."""
        try:
            return self._orders.recv()
        except (EOFError, ConnectionResetError):
            return None


class Soak:
    """The store, and what it must hold.

    Args:
        folder: for the store and the files; emptied.
        seed: of all that is random here.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder, self.place = folder, folder / "store"
        self.draw, self.generator = random.Random(seed), torch.Generator().manual_seed(seed)
        self.commit = commit()
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self.images: dict[str, ListedImage] = {}  # of acknowledged adds, and of others that were found whole
        self.embedding: dict[str, Tensor] = {}
        self.numbers: dict[str, int] = {}
        self.files = 0
        self.workers = [Worker(self.place), Worker(self.place)]
        self._listed(self.workers[0])  # which makes the store

    def trial(self, number: int) -> None:
        """A few adds and searches by both, and a kill of one."""
        for _ in range(self.draw.randint(1, 6)):
            self._search() if self.images and self.draw.random() < 0.4 else self._add(killing=False)
        self._add(killing=True)
        self._check()
        self.counts["images"] = len(self.images)

    def _add(self, killing: bool) -> None:
        """Both add at the same time; one may be killed meanwhile."""
        files = [self._write() for _ in self.workers]
        for worker, (path, _, _) in zip(self.workers, files, strict=True):
            worker.order(do="add", file=str(path))
        victim = self.draw.randrange(2) if killing else -1
        if killing:
            time.sleep(self.draw.choice([0.0, self.draw.uniform(0, 0.05), self.draw.uniform(0, 0.3)]))
            self.workers[victim].process.kill()
            self.workers[victim].process.join()
            self.counts["kills"] += 1
        for place, (path, images, embedding) in enumerate(files):
            answer = self.workers[place].answer()
            if answer is not None:
                self.counts["adds_acknowledged"] += 1
                self._expect(images, embedding)
            elif place == victim:
                self._look_for(path, images, embedding)
            else:
                self.faults.append(f"{path} was not added and nobody was killed")

    def _look_for(self, path: Path, images: list[ListedImage], embedding: Tensor) -> None:
        """Of an add that was killed: whole, or nothing of it; then a process takes the dead one's place."""
        dead = next(i for i, worker in enumerate(self.workers) if not worker.process.is_alive())
        self.workers[dead] = Worker(self.place)
        there = self._listed(self.workers[dead])
        new = [image for image in images if image.path not in self.images]
        found = sum(image.path in there["numbers"] for image in new)
        self.counts["adds_killed_before_they_were_acknowledged"] += 1
        self.counts["of_them_absent" if not found else "of_them_whole"] += 1
        if found == len(new):
            self._expect(images, embedding)
        elif found:
            self.faults.append(f"{found} of {len(new)} images of {path} are there after a kill")

    def _check(self) -> None:
        """All that must be there is, once, under numbers without gaps that have not changed."""
        for place, worker in enumerate(self.workers):
            if not worker.process.is_alive():
                self.workers[place] = Worker(self.place)
        there = self._listed(self.workers[0])
        numbers = there["numbers"]
        lost = [path for path in self.images if path not in numbers]
        self.faults += [f"{len(lost)} acknowledged images are lost, the first is {lost[0]}"] if lost else []
        if there["rows"] != len(self.images) or sorted(numbers.values()) != list(range(len(numbers))):
            self.faults.append(f"{there['rows']} rows and {len(numbers)} numbers for {len(self.images)} images")
        if any(numbers.get(path) != number for path, number in self.numbers.items()):
            self.faults.append("a number has changed")
        self.numbers = numbers

    def _search(self) -> None:
        """What a worker finds is what the parent finds in its own list."""
        worker = self.draw.choice(self.workers)
        self.numbers = self._listed(worker)["numbers"]
        query = normalize(torch.randn(3, WIDTH, generator=self.generator), dim=1)
        query[0] = self.embedding[self.draw.choice(list(self.embedding))]
        chosen = Filter(self.draw.choice([None, ("1", "2")]), self.draw.choice([None, 100.0]))
        without = [self.draw.choice([None, "1", "3"]) for _ in query]
        worker.order(do="search", query=query, chosen=chosen, without=without)
        found = worker.answer()
        paths = sorted(self.images, key=self.numbers.__getitem__)
        cameras = np.array([self.images[path].camera for path in paths], dtype=object)
        kept = np.flatnonzero(chosen.passes(cameras, np.array([self.images[p].time for p in paths])))
        rows = torch.stack([self.embedding[path] for path in paths])[torch.from_numpy(kept)]
        expected = nearest(query, [Block(kept, cameras[kept], rows)] if len(kept) else [], TOP, without=without)
        same = found == (expected.numbers.tolist(), expected.distances.tolist())
        self.counts["searches"] += 1
        self.counts["searches_identical"] += same
        self.faults += [] if same else [f"a search among {len(paths)} images found something else"]

    def _listed(self, worker: Worker) -> dict[str, Any]:
        worker.order(do="list")
        answer = worker.answer()
        assert answer is not None, "a process ended by itself"
        return answer

    def _write(self) -> tuple[Path, list[ListedImage], Tensor]:
        """A file of embeddings, some of which are there already."""
        self.files += 1
        known = self.draw.sample(list(self.images), min(len(self.images), self.draw.choice([0, 0, 5])))
        names = [f"/crops/{self.files}/{i}.jpg" for i in range(self.draw.choice([1, 20, self.draw.randint(1, 600)]))]
        images = [self.images[path] for path in known]
        images += [ListedImage(name, str(i % 4), float(self.draw.randrange(200))) for i, name in enumerate(names)]
        embedding = normalize(torch.randn(len(images), WIDTH, generator=self.generator), dim=1).half()
        embedding[: len(known)] = torch.stack([self.embedding[p] for p in known]) if known else embedding[:0]
        embedding[-1] = embedding[0]  # a tie
        path = self.folder / f"{self.files % 4}.parquet"
        write_embeddings(path, ABOUT, iter([as_table(ABOUT, images, embedding)]))
        return path, images, embedding

    def _expect(self, images: list[ListedImage], embedding: Tensor) -> None:
        for image, row in zip(images, embedding, strict=True):
            if image.path not in self.images:
                self.images[image.path], self.embedding[image.path] = image, row


def main() -> None:
    """Soak a store."""
    soak("store_soak", Soak)


if __name__ == "__main__":
    run(main)
