from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dien_lightning.retrieval import EvaluationSets, Protocol
from dien_lightning.retrieval.matches import Matching


def numbered(query_pids, query_camids, gallery_pids, gallery_camids) -> EvaluationSets:
    embeddings = {"query": torch.zeros(len(query_pids), 0), "gallery": torch.zeros(len(gallery_pids), 0)}
    return EvaluationSets(
        query_pids=query_pids,
        query_camids=query_camids,
        gallery_pids=gallery_pids,
        gallery_camids=gallery_camids,
        **embeddings,
    )


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (
            ([1, 2], [4, 4], [1, 2, 2], [4, 4, 4]),
            r"No query has a match in the gallery: there is only one camera, and images of the query's identity in the "
            r"query's camera are not counted \(camera 4: 2 query, 3 gallery images\)\. Check the camera numbers, or "
            r"evaluate without the same-camera rule: data\.cameras=none\.",
        ),
        (
            ([1, 2], [0, 1], [1, 2], [0, 1]),
            r"each identity's images come from one camera only, .* "
            r"\(camera 0: 1 query, 1 gallery images; camera 1: 1 query, 1 gallery images\)",
        ),
        (
            ([1, 2, -1], [0, 1, 0], [3, 4, 5, -1], [0, 1, 1, 1]),
            r"none of the 2 query identities is among the 3 gallery identities \(strangers\)",
        ),
        (([1], [0], [-1, -1], [0, 1]), r"all 2 gallery images are junk \(pid -1\)"),
        (([-1], [0], [-1, 1], [0, 1]), r"all 1 query images have no identity \(pid -1\)"),
        ((range(20), range(20), [30], [0]), "camera 11: 1 query, 0 gallery images; and 8 more cameras"),
    ],
)
def test_no_match_says_which_way(labels, words):
    with pytest.raises(ValueError, match=words):
        Matching(numbered(*labels), Protocol()).count()


def test_a_query_that_could_find_itself_alone_is_told():
    sets = numbered([1, 2], [0, 1], [1, 2, 3], [0, 1, 1])
    copies = replace(sets, query_index=torch.tensor([0, 1]), gallery_index=torch.tensor([0, 1, 2]))
    with pytest.raises(ValueError, match="the only gallery image of a query's identity is the query itself"):
        Matching(copies, Protocol(same_camera="keep")).count()


def test_large_and_negative_numbers_do_not_collide():
    pids, camids = [10**9, 10**9 + 1], [-5, 10**6]
    num_matches, _ = Matching(numbered(pids, camids, pids, camids[::-1]), Protocol()).count()
    assert num_matches.tolist() == [1, 1]


@pytest.mark.parametrize(("clothes", "matches"), [("any", [2]), ("changed", [1]), ("same", [1])])
def test_clothes_by_hand(clothes, matches):
    # The gallery shows person 1 in the query's clothes, in others, in others in the query's camera, and person 2.
    sets = numbered([1], [0], [1, 1, 1, 2], [1, 1, 0, 1])
    dressed = replace(sets, query_clothes=torch.tensor([5]), gallery_clothes=torch.tensor([5, 6, 6, 5]))
    matching = Matching(dressed, Protocol(clothes=clothes))
    assert matching.count()[0].tolist() == matches
    if clothes != "any":
        with pytest.raises(ValueError, match=rf"clothes='{clothes}' asks what people wear, and of 4 images nobody kn"):
            Matching(sets, Protocol(clothes=clothes))
        undressed = dressed.take(gallery=[int(clothes == "same"), 3])
        with pytest.raises(ValueError, match=rf"each image of a query's identity is left out by clothes='{clothes}'"):
            Matching(undressed, Protocol(clothes=clothes)).count()
