#!/usr/bin/env bash
# A gallery added again with the next network's embeddings keeps the last one's: rank-1 falls from 1.00 to 0.02.
#
# With:   chromadb 1.5.9, numpy 2.4.6
# Does:   add() passes over each id that the collection holds, and says nothing. add is for new ids alone.
# Guess:  it replaces them, or it raises, as it does for an id that one call lists twice (DuplicateIDError).
# Seen:   50 people, embedded by one network and then by another, under the same ids. Queries of the second network find
#         their person first for 1 of 50; those of the first still for all. One new crop in the second call is added.
# Beside: upsert() replaces: all. get_or_create_collection(space cosine) passes over what it is told as well, if the
#         collection exists: it stays one of squared distances, and a query twice as long is 1 away from its crop.
# Use:    upsert(), or a collection for each network, named by its digest; and look at collection.configuration.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile chromadb==1.5.9 numpy==2.4.6
cd "$folder"
OMP_NUM_THREADS=1 ANONYMIZED_TELEMETRY=False "$folder/venv/bin/python" - <<'PYTHON'
import sys

import chromadb
import numpy as np

draw = np.random.default_rng(0)
first, second = draw.normal(size=(2, 51, 64)).astype(np.float32)
first /= np.linalg.norm(first, axis=1, keepdims=True)
second /= np.linalg.norm(second, axis=1, keepdims=True)
ids = [f"{person:04d}.jpg" for person in range(51)]
gallery = chromadb.EphemeralClient().create_collection("gallery", embedding_function=None)


def rank_1(queries):
    """How many of the 50 people who were there from the start are found first."""
    found = gallery.query(query_embeddings=queries[:50], n_results=1)["ids"]
    return sum(of == [name] for of, name in zip(found, ids, strict=False))


gallery.add(ids=ids[:50], embeddings=first[:50])
once = rank_1(first)
gallery.add(ids=ids, embeddings=second)
number = gallery.count()
new = gallery.query(query_embeddings=second[50:], n_results=1)["ids"] == [ids[50:]]
again, still = rank_1(second), rank_1(first)
gallery.upsert(ids=ids, embeddings=second)
upserted = rank_1(second)
try:
    gallery.add(ids=["twice.jpg", "twice.jpg"], embeddings=second[:2])
    raised = False
except chromadb.errors.DuplicateIDError:
    raised = True

cosine = {"hnsw": {"space": "cosine"}}
client = chromadb.EphemeralClient()
told = client.get_or_create_collection("gallery", embedding_function=None, configuration=cosine)
new_one = client.get_or_create_collection("other", embedding_function=None, configuration=cosine)
new_one.add(ids=ids, embeddings=second)
twice = [of.query(query_embeddings=2 * second[:1], n_results=1)["distances"][0][0] for of in (told, new_one)]
print(f"first: {once}, second: {again}, first still: {still} of 50; {number} crops, the new one is found: {new}")
print(f"upserted: {upserted}; the same id twice raises: {raised}; twice as long: {twice}, {told.configuration['hnsw']}")
same = (once, still, upserted, number) == (50, 50, 50, 51) and again <= 3 and new and raised
sys.exit(0 if same and np.allclose(twice, [1, 0], atol=1e-4) else "changed; before, 1 of 50 were found")
PYTHON
