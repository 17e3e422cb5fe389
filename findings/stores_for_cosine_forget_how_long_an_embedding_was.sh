#!/usr/bin/env bash
# An embedding of length 3.5 comes back from a store with length 1, and how sure the network was of it is gone.
#
# With:   qdrant-client 1.20.0, hnswlib 0.8.0, voyager 2.2.3, usearch 2.26.6, numpy 2.4.6
# Does:   Qdrant, hnswlib and Voyager normalize what they are given for the cosine, and keep the normalized.
# Guess:  a store gives back what it was given; normalizing is a part of comparing.
# Seen:   lengths from 0.5 to 3.5, longer for clearer crops: all 1 from Qdrant's retrieve, hnswlib's get_items and
#         Voyager's get_vectors.
#         A threshold on the length, or a mean that weighs clear crops more, no longer tells them apart.
# Beside: usearch's "cos", and every one of them for Euclidean distances, returns 0.5 to 3.5.
# Use:    the length in a column of its own, or the embeddings kept elsewhere.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet qdrant-client==1.20.0 hnswlib==0.8.0 voyager==2.2.3 usearch==2.26.6 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import hnswlib
import numpy as np
import voyager
from qdrant_client import QdrantClient, models
from usearch.index import Index

CROPS, WIDTH = 7, 16
draw = np.random.default_rng(0)
lengths = np.linspace(0.5, 3.5, CROPS, dtype=np.float32)
directions = draw.normal(size=(CROPS, WIDTH))
crops = (directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(np.float32) * lengths[:, None]


def qdrant(distance):
    client = QdrantClient(":memory:")
    client.create_collection("crops", vectors_config=models.VectorParams(size=WIDTH, distance=distance))
    client.upsert("crops", [models.PointStruct(id=row, vector=crop.tolist()) for row, crop in enumerate(crops)])
    return [point.vector for point in client.retrieve("crops", list(range(CROPS)), with_vectors=True)]


def hnsw(space):
    index = hnswlib.Index(space, WIDTH)
    index.init_index(CROPS)
    index.add_items(crops)
    return index.get_items(range(CROPS))


def spotify(space):
    index = voyager.Index(space, WIDTH)
    index.add_items(crops)
    return index.get_vectors(range(CROPS))


def use(metric):
    index = Index(ndim=WIDTH, metric=metric, dtype="f32")
    index.add(np.arange(CROPS), crops)
    return index.get(np.arange(CROPS))


def span(returned):
    """The shortest and the longest."""
    long = np.linalg.norm(np.asarray(returned), axis=1)
    return round(float(long.min()), 2), round(float(long.max()), 2)


cosine = {
    "Qdrant": span(qdrant(models.Distance.COSINE)),
    "hnswlib": span(hnsw("cosine")),
    "Voyager": span(spotify(voyager.Space.Cosine)),
}
kept = {
    "usearch, cosine": span(use("cos")),
    "Qdrant": span(qdrant(models.Distance.EUCLID)),
    "hnswlib": span(hnsw("l2")),
    "Voyager": span(spotify(voyager.Space.Euclidean)),
    "usearch": span(use("l2sq")),
}
print(f"cosine: {cosine}", f"else: {kept}", sep="\n")
same = set(cosine.values()) == {(1.0, 1.0)} and set(kept.values()) == {(0.5, 3.5)}
sys.exit(0 if same else "changed; before, the first three returned lengths of 1, the others 0.5 to 3.5")
PYTHON
