from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import reference
from dien_lightning.retrieval import blocks, counting
from dien_lightning.retrieval.protocol import Protocol
from dien_lightning.retrieval.ranking import evaluate_distances, evaluate_retrieval
from dien_lightning.retrieval.result import RetrievalResult

from .galleries import Images, images

DROPS = st.fixed_dictionaries(
    {
        "junk": st.sampled_from(["drop", "distractor"]),
        "same_camera": st.sampled_from(["drop", "keep"]),
        "queries": st.sampled_from(["valid", "all"]),
    }
)


def slow(sets: Images, max_rank: int, **options: str) -> dict:
    return reference.retrieval(
        sets.query.tolist(),
        sets.query_pids,
        sets.query_camids,
        sets.gallery.tolist(),
        sets.gallery_pids,
        sets.gallery_camids,
        max_rank,
        **options,
    )


def assert_same(result: RetrievalResult, expected: dict) -> None:
    for name in ("mAP", "mAP_trapezoid", "mINP", "num_valid_queries"):
        assert getattr(result, name) == pytest.approx(expected[name], abs=1e-12), name
    assert result.cmc.tolist() == pytest.approx(expected["cmc"], abs=1e-7)


def random_images(seed: int = 0, num_query: int = 20, num_gallery: int = 200, width: int = 16) -> Images:
    generator = torch.Generator().manual_seed(seed)

    def labels(high: int, number: int, low: int = 0) -> list[int]:
        return torch.randint(low, high, (number,), generator=generator).tolist()

    return Images(
        query=torch.randn(num_query, width, generator=generator),
        query_pids=labels(8, num_query, 1),
        query_camids=labels(3, num_query),
        gallery=torch.randn(num_gallery, width, generator=generator),
        gallery_pids=labels(8, num_gallery, -1),
        gallery_camids=labels(3, num_gallery),
    )


@settings(max_examples=300, deadline=None)
@given(sets=images(), drops=DROPS, max_rank=st.integers(1, 40))
def test_equals_the_slow_walk(sets, drops, max_rank):
    try:
        expected = slow(sets, max_rank, **drops)
    except ZeroDivisionError:
        expected = None
    if expected is None or not expected["num_valid_queries"]:
        with pytest.raises(ValueError, match="No query has a match"):
            evaluate_retrieval(*sets, max_rank=max_rank, protocol=Protocol(**drops))
        return
    assert_same(evaluate_retrieval(*sets, max_rank=max_rank, protocol=Protocol(**drops)), expected)


@settings(max_examples=60, deadline=None)
@given(sets=images(), rows=st.integers(1, 3), columns=st.integers(1, 7), comparisons=st.integers(1, 50))
def test_block_sizes_change_nothing(sets, rows, columns, comparisons):
    try:
        whole = evaluate_retrieval(*sets)
    except ValueError:
        assume(False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "rows_per_block", lambda width: rows)
        patch.setattr(blocks, "_CPU_COLUMNS", columns)
        patch.setattr(counting, "_CPU_COMPARISONS", comparisons)
        patch.setattr(counting, "_SORT_FROM", 4)
        in_pieces = evaluate_retrieval(*sets)
    assert torch.equal(in_pieces.rank_counts, whole.rank_counts)
    assert in_pieces.figures() == whole.figures()


def test_by_hand():
    # Distances 1..6; the query is person 1 in camera 0. Left: 2 (match), 3 (distractor), 5 (match), 6 (other).
    gallery = torch.tensor([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]])
    pids, camids = [1, 1, 0, -1, 1, 2], [0, 1, 0, 2, 2, 1]
    result = evaluate_retrieval(torch.zeros(1, 1), [1], [0], gallery, pids, camids, max_rank=8)
    # Matches at ranks 1 and 3: precisions 1 and 2/3; just before them 1 (by definition) and 1/2.
    assert result.mAP == pytest.approx((1 + 2 / 3) / 2)
    assert result.mAP_trapezoid == pytest.approx((1 + (2 / 3 + 1 / 2) / 2) / 2)
    assert result.mINP == pytest.approx(2 / 3)
    assert result.cmc.tolist() == [1.0] * 8
    assert result.num_gallery == 5
    assert (result.num_junk, result.num_same_camera, result.num_queries, result.num_valid_queries) == (1, 1, 1, 1)


def test_average_precision_of_each_query():
    # Query 0 finds its match second, query 1 first, query 2 has none.
    gallery, pids = torch.tensor([[1.0], [2.0], [9.0]]), [5, 1, 2]
    query = torch.tensor([[0.0], [8.0], [0.0]])
    result = evaluate_retrieval(query, [1, 2, 3], [0, 0, 0], gallery, pids, [1, 1, 1])
    assert result.average_precision.tolist() == pytest.approx([0.5, 1.0, float("nan")], nan_ok=True)
    assert result.mAP == pytest.approx(0.75)
    trapezoid = evaluate_retrieval(
        query, [1, 2, 3], [0] * 3, gallery, pids, [1] * 3, protocol=Protocol(average_precision="trapezoid")
    )
    assert trapezoid.average_precision.nanmean() == pytest.approx(trapezoid.mAP)


def test_a_tie_counts_against_us():
    result = evaluate_retrieval(torch.zeros(1, 1), [1], [0], torch.tensor([[1.0], [-1.0]]), [1, 2], [1, 1])
    assert result.mAP == 0.5
    assert result.cmc[0] == 0
    assert result.rank(2) == 1


@pytest.mark.parametrize("num_query", [1, 2, 40])
@pytest.mark.parametrize("num_gallery", [5, 999, 2500])
@pytest.mark.parametrize("width", [7, 100, 777])
def test_equal_gallery_images_tie_wherever_they_stand(num_query, num_gallery, width):
    # Slices that begin at odd addresses: products in blocks round these rows differently.
    generator = torch.Generator().manual_seed(num_gallery)
    gallery = torch.randn(1, width, generator=generator).expand(num_gallery + 3, width).contiguous()[3:]
    query = torch.randn(num_query, width, generator=generator)
    for _, rows in blocks.euclidean_blocks(query, gallery):
        assert bool((rows == rows[:, :1]).all())
    pids = torch.full((num_gallery,), 2)
    pids[num_gallery // 2] = 1
    result = evaluate_retrieval(
        query, [1] * num_query, [0] * num_query, gallery, pids, torch.ones(num_gallery), max_rank=num_gallery
    )
    assert result.mAP == pytest.approx(1 / num_gallery)
    assert result.rank_counts.tolist() == [0] * (num_gallery - 1) + [num_query]


def test_copies_are_told_from_rows_that_agree_in_part():
    rows = torch.randn(40, 600, generator=torch.Generator().manual_seed(0))
    rows[1:4, :500] = rows[0, :500]
    rows[7], rows[20], rows[30], rows[31] = rows[5], rows[5], rows[2], rows[5]
    originals, copies = blocks.find_copies(rows)
    assert sorted(zip(copies.tolist(), originals.tolist(), strict=True)) == [(7, 5), (20, 5), (30, 2), (31, 5)]


def test_order_of_images_changes_nothing():
    sets = random_images()
    expected = evaluate_retrieval(*sets)
    shuffled = torch.randperm(200, generator=torch.Generator().manual_seed(1))
    turned = torch.arange(20).flip(0)
    result = evaluate_retrieval(
        sets.query[turned],
        torch.tensor(sets.query_pids)[turned],
        torch.tensor(sets.query_camids)[turned],
        sets.gallery[shuffled],
        torch.tensor(sets.gallery_pids)[shuffled],
        torch.tensor(sets.gallery_camids)[shuffled],
    )
    assert torch.equal(result.rank_counts, expected.rank_counts)
    assert result.mAP == pytest.approx(expected.mAP, abs=1e-12)


def test_junk_and_same_camera_images_could_as_well_be_absent():
    sets = random_images()
    kept = torch.tensor(sets.gallery_pids) != -1
    without = evaluate_retrieval(
        *sets[:3], sets.gallery[kept], torch.tensor(sets.gallery_pids)[kept], torch.tensor(sets.gallery_camids)[kept]
    )
    assert evaluate_retrieval(*sets).figures() == without.figures()


def test_the_cmc_goes_on_past_the_gallery():
    result = evaluate_retrieval(torch.zeros(2, 1), [1, 1], [0, 0], torch.tensor([[1.0], [2.0]]), [2, 1], [1, 1])
    assert result.cmc.tolist() == [0.0] + [1.0] * 49


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_float(dtype):
    query, gallery = torch.tensor([[0.0, 1.0]], dtype=dtype), torch.tensor([[0.0, 3.0], [0.0, 2.0]], dtype=dtype)
    assert evaluate_retrieval(query, [1], [0], gallery, [1, 2], [1, 1]).mAP == 0.5


def test_float64_is_kept():
    query = torch.zeros(1, 1, dtype=torch.float64)
    gallery = torch.tensor([[1.0 + 1e-12], [1.0]], dtype=torch.float64)
    assert evaluate_retrieval(query, [1], [0], gallery, [2, 1], [1, 1]).mAP == 1.0
    assert evaluate_retrieval(query.float(), [1], [0], gallery.float(), [2, 1], [1, 1]).mAP == 0.5


def test_labels_of_any_kind():
    sets = random_images()
    expected = evaluate_retrieval(*sets).figures()
    arrays = (np.asarray(sets.query_pids, dtype=np.int32), np.asarray(sets.query_camids))
    tensors = (torch.tensor(sets.gallery_pids, dtype=torch.int32), torch.tensor(sets.gallery_camids, dtype=torch.uint8))
    assert evaluate_retrieval(sets.query, *arrays, sets.gallery, *tensors).figures() == expected


def test_embeddings_may_need_gradients_and_are_left_alone():
    sets = random_images()
    query, gallery = sets.query.clone().requires_grad_(), sets.gallery.clone()
    evaluate_retrieval(query, *sets[1:3], gallery, *sets[4:])
    assert torch.equal(query, sets.query)
    assert torch.equal(gallery, sets.gallery)


def test_neither_autocast_nor_a_lower_precision_decides_who_is_first():
    sets = random_images(width=512)
    expected = evaluate_retrieval(*sets).figures()
    backend = torch.backends.mkldnn.matmul
    before = backend.fp32_precision
    try:
        backend.fp32_precision = "bf16"
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert evaluate_retrieval(*sets).figures() == expected
        assert backend.fp32_precision == "bf16"
    finally:
        backend.fp32_precision = before


def test_many_matches_are_sorted_instead_of_compared_one_by_one(monkeypatch):
    sets = random_images(num_gallery=600)
    expected = evaluate_retrieval(*sets)
    monkeypatch.setattr(counting, "_SORT_FROM", 1)
    assert evaluate_retrieval(*sets).figures() == expected.figures()


def test_single_gallery_shot_by_hand():
    # Person 2 has images at 1 and 4, person 1 its only match at 3: the first is ahead of it in half of the draws.
    gallery, pids = torch.tensor([[1.0], [4.0], [3.0]]), [2, 2, 1]
    protocol = Protocol(single_gallery_shot=True, repeats=2000, seed=3)
    result = evaluate_retrieval(torch.zeros(1, 1), [1], [0], gallery, pids, [1, 1, 1], max_rank=2, protocol=protocol)
    assert result.cmc[0].item() == pytest.approx(0.5, abs=0.05)
    assert result.cmc[1] == 1
    assert result.rank(1) == int(result.rank_counts[0]) / 2000
    assert result.mAP == 0.5  # of the whole gallery


def test_single_gallery_shot_draws_each_match_as_often_as_the_others():
    # Person 1 at 1 (before the other) and at 3 (after it).
    gallery, pids = torch.tensor([[1.0], [2.0], [3.0]]), [1, 2, 1]
    protocol = Protocol(single_gallery_shot=True, repeats=2000)
    result = evaluate_retrieval(torch.zeros(1, 1), [1], [0], gallery, pids, [1, 1, 1], max_rank=2, protocol=protocol)
    assert result.cmc[0].item() == pytest.approx(0.5, abs=0.05)
    assert (
        evaluate_retrieval(
            torch.zeros(1, 1), [1], [0], gallery, pids, [1, 1, 1], max_rank=2, protocol=protocol
        ).rank_counts.tolist()
        == result.rank_counts.tolist()
    )


def test_trapezoid_as_the_headline():
    sets = random_images()
    result = evaluate_retrieval(*sets, protocol=Protocol(average_precision="trapezoid"))
    assert result.mAP == result.mAP_trapezoid == evaluate_retrieval(*sets).mAP_trapezoid


def test_the_result_describes_itself():
    result = evaluate_retrieval(*random_images(), max_rank=7)
    assert list(result.figures()) == ["rank1", "rank5", "mAP", "mAP_trapezoid", "mINP"]
    described = result.describe()
    assert described["num_queries"] == 20
    assert described["same_camera"] == "drop"
    assert described["num_junk"] == random_images().gallery_pids.count(-1)
    with pytest.raises(ValueError, match=r"rank 10 was not computed; it lies between 1 and max_rank=7\."):
        result.rank(10)


@settings(max_examples=60, deadline=None)
@given(sets=images(), drops=DROPS)
def test_given_distances_are_counted_alike(sets, drops):
    protocol = Protocol(**drops)
    labels = (sets.query_pids, sets.query_camids, sets.gallery_pids, sets.gallery_camids)
    try:
        expected = evaluate_retrieval(*sets, protocol=protocol)
    except ValueError:
        assume(False)
    distances = (sets.query[:, None] - sets.gallery).square().sum(-1)
    kept = distances.clone()
    assert evaluate_distances(distances, *labels, protocol=protocol).figures() == expected.figures()
    assert torch.equal(distances, kept)
    in_blocks = iter(distances.split(2))
    assert evaluate_distances(in_blocks, *labels, protocol=protocol).figures() == expected.figures()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"query": torch.zeros(20, 15)}, "query embeddings are 15 wide and gallery embeddings 16"),
        ({"query": torch.zeros(20)}, "query must be a floating-point tensor of shape"),
        ({"query": torch.zeros(20, 16, dtype=torch.int64)}, "query must be a floating-point tensor of shape"),
        ({"query": torch.zeros(19, 16)}, "query has 19 embeddings and 20 pids"),
        ({"query": torch.full((20, 16), torch.nan)}, "20 query embeddings are not finite, the first is number 0"),
        ({"gallery": torch.full((200, 16), torch.inf)}, "200 gallery embeddings are not finite"),
        ({"gallery": torch.zeros(200, 16, device="meta")}, "query is on cpu and gallery on meta"),
        ({"query_pids": [1]}, "query_pids has 1 entries and query_camids 20"),
        ({"gallery_camids": [[1], [2]]}, r"gallery_camids has shape \(2, 1\)"),
        ({"query_pids": [], "query_camids": [], "query": torch.zeros(0, 16)}, "The query set is empty"),
        ({"gallery_pids": [], "gallery_camids": [], "gallery": torch.zeros(0, 16)}, "The gallery set is empty"),
    ],
)
def test_what_cannot_be_ranked_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        evaluate_retrieval(**{**random_images()._asdict(), **change})


def test_max_rank_begins_at_one():
    with pytest.raises(ValueError, match="max_rank=0 must be a whole number of at least 1"):
        evaluate_retrieval(*random_images(), max_rank=0)


@pytest.mark.parametrize(
    ("distances", "words"),
    [
        (torch.zeros(1, 3), r"shape \(1, 3\); give rows of 2"),
        (torch.zeros(2, 2), "The distances have 2 rows; there are 1 queries"),
        (torch.full((1, 2), torch.nan), "Distances of queries 0 to 0 are not finite"),
    ],
)
def test_distances_that_do_not_fit(distances, words):
    with pytest.raises(ValueError, match=words):
        evaluate_distances(distances, [1], [0], [1, 2], [1, 1])


MEASURE = """
import resource, torch
from dien_lightning.retrieval import evaluate_retrieval
query, gallery = torch.randn(700, 512), torch.randn(82_161, 512)
query_labels = torch.randint(0, 3_060, (700,)), torch.randint(0, 15, (700,))
gallery_labels = torch.randint(0, 3_060, (82_161,)), torch.randint(0, 15, (82_161,))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
evaluate_retrieval(query, *query_labels, gallery, *gallery_labels)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is counted in KB on Linux only")
def test_memory_beyond_the_inputs_is_bounded():
    # The distances alone would be 230 MB, a copy of the gallery 168 MB; a fresh process knows its own peak.
    printed = subprocess.run([sys.executable, "-c", MEASURE], check=True, capture_output=True, text=True).stdout
    assert int(printed) / 1e3 < 220


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.int64])
def test_distances_of_other_types_are_counted_exactly(dtype):
    distances = torch.zeros(1, 3002, dtype=dtype)
    distances[0, -1] = 1
    result = evaluate_distances(distances, [7], [0], [8] * 3001 + [7], [1] * 3002)
    assert result.mAP == pytest.approx(1 / 3002)


def test_whole_numbers_keep_their_order():
    distances = torch.tensor([[2**24, 2**24 + 1, 2**24 + 1]])
    assert evaluate_distances(distances, [7], [0], [7, 8, 8], [1, 1, 1]).mAP == 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("query_pids", [1.2], "query_pids holds numbers that are not whole"),
        ("gallery_pids", [float("nan")], "gallery_pids holds numbers that are not whole"),
        ("query_camids", None, "query_camids cannot be read as whole numbers"),
        ("gallery_camids", ["left"], "gallery_camids cannot be read as whole numbers"),
    ],
)
def test_labels_are_whole_numbers(name, value, words):
    labels = {"query_pids": [1], "query_camids": [0], "gallery_pids": [1.0], "gallery_camids": [1]}
    images = {"query": torch.zeros(1, 2), "gallery": torch.zeros(1, 2)}
    assert evaluate_retrieval(**images, **labels).mAP == 1
    with pytest.raises(ValueError, match=words):
        evaluate_retrieval(**images, **(labels | {name: value}))
