from __future__ import annotations

import re
import subprocess
import sys

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import reference_retrieval
from dien_lightning.retrieval import Protocol, blocks, evaluate_sets, matches, query_scores
from dien_lightning.retrieval.searches import choose_images, draw_galleries

from .galleries import as_lists, make, random_sets, small_sets

RULES = st.fixed_dictionaries(
    {
        "junk": st.sampled_from(["drop", "distractor"]),
        "same_camera": st.sampled_from(["drop", "keep"]),
        "queries": st.sampled_from(["valid", "all"]),
        "ties": st.sampled_from(["non-match first", "match first", "gallery order"]),
        "clothes": st.sampled_from(["any", "changed", "same"]),
        "search": st.sampled_from(["query", "leave_one_out", "sysu_all", "sysu_indoor"]),
    }
)


@settings(max_examples=400)
@given(sets=small_sets(), rules=RULES, drawing=st.sampled_from([(0, 1), (3, 1), (3, 2)]), max_rank=st.integers(1, 40))
def test_equals_the_slow_walk(sets, rules, drawing, max_rank):
    chosen = reference_retrieval.chosen_images(as_lists(sets), rules["search"])
    assume(chosen["query"] and chosen["gallery"])
    draws, shots = (0, 1) if rules["search"] == "leave_one_out" else drawing
    protocol = Protocol(**rules, draws=draws, shots=shots)
    drawn = draw_galleries(make(**chosen), protocol)
    galleries = [chosen if rows is None else as_lists(make(**chosen).take(gallery=rows)) for rows in drawn]
    walks = [reference_retrieval.retrieval(gallery, max_rank, **rules) for gallery in galleries]
    if not walks[0]["num_valid_queries"]:
        with pytest.raises(ValueError, match="No query has a match"):
            evaluate_sets(sets, max_rank=max_rank, protocol=protocol)
        return
    result = evaluate_sets(sets, max_rank=max_rank, protocol=protocol)
    for name in ("mAP", "mAP_trapezoid", "mINP", "num_valid_queries"):
        assert getattr(result, name) == pytest.approx(sum(walk[name] for walk in walks) / len(walks), abs=1e-12), name
    cmc = torch.tensor([walk["cmc"] for walk in walks], dtype=torch.float64).mean(0)
    torch.testing.assert_close(result.cmc.double(), cmc, rtol=0, atol=1e-7)
    assert [result.rank(k + 1) for k in range(max_rank)] == pytest.approx(cmc.tolist(), abs=1e-12)
    whole = reference_retrieval.retrieval(chosen, max_rank, **rules)
    assert (result.num_same_camera, result.num_junk) == (whole["num_same_camera"], whole["num_junk"])


@settings(max_examples=60)
@given(sets=small_sets(), rules=RULES, rows=st.integers(1, 3), columns=st.integers(1, 7), pieces=st.integers(1, 50))
def test_neither_block_sizes_nor_who_took_the_distances_change_a_figure(sets, rules, rows, columns, pieces):
    protocol = Protocol(**rules)
    try:
        sets = choose_images(sets, protocol)
        whole = evaluate_sets(sets, protocol=protocol)
    except ValueError as error:
        if not re.match("search='sysu_(all|indoor)' takes|No query has a match", str(error)):
            raise
        assume(False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "rows_per_block", lambda width: rows)
        patch.setattr(blocks, "_CPU_COLUMNS", columns)
        patch.setattr(query_scores, "_CPU_COMPARISONS", pieces)
        patch.setattr(query_scores, "_SORT_FROM", 4)
        patch.setattr(matches, "_AT_ONCE", rows)
        in_pieces = evaluate_sets(sets, protocol=protocol)
    assert torch.equal(in_pieces.rank_counts, whole.rank_counts)
    assert in_pieces.figures() == whole.figures()
    distances = (sets.query[:, None] - sets.gallery).square().sum(-1)
    kept = distances.clone()
    assert evaluate_sets(sets, distances, protocol=protocol).figures() == whole.figures()
    assert torch.equal(distances, kept)
    assert evaluate_sets(sets, iter(distances.split(2)), protocol=protocol).figures() == whole.figures()


def test_by_hand():
    # Distances 1..6; the query is person 1 in camera 0. Left: 2 (match), 3 (distractor), 5 (match), 6 (other).
    sets = make(gallery=[1.0, 2, 3, 4, 5, 6], gallery_pids=[1, 1, 0, -1, 1, 2], gallery_camids=[0, 1, 0, 2, 2, 1])
    result = evaluate_sets(sets, max_rank=8)
    # Matches at ranks 1 and 3: precisions 1 and 2/3; just before them 1 (by definition) and 1/2.
    assert result.mAP == pytest.approx((1 + 2 / 3) / 2)
    assert result.mAP_trapezoid == pytest.approx((1 + (2 / 3 + 1 / 2) / 2) / 2)
    assert result.mINP == pytest.approx(2 / 3)
    assert result.cmc.tolist() == [1.0] * 8
    assert result.num_gallery == 5
    assert (result.num_junk, result.num_same_camera, result.num_queries, result.num_valid_queries) == (1, 1, 1, 1)


def test_average_precision_of_each_query():
    # Query 0 finds its match second, query 1 first, query 2 has none.
    queries = {"query": [0.0, 8, 0], "query_pids": [1, 2, 3], "query_camids": [0, 0, 0]}
    sets = make(**queries, gallery=[1.0, 2, 9], gallery_pids=[5, 1, 2])
    result = evaluate_sets(sets)
    assert result.average_precision.tolist() == pytest.approx([0.5, 1.0, float("nan")], nan_ok=True)
    assert result.mAP == pytest.approx(0.75)
    trapezoid = evaluate_sets(sets, protocol=Protocol(average_precision="trapezoid"))
    assert trapezoid.mAP == trapezoid.mAP_trapezoid == result.mAP_trapezoid
    assert trapezoid.average_precision.nanmean() == pytest.approx(trapezoid.mAP)


def test_the_cmc_goes_on_past_the_gallery_and_rank_k_ends_with_it():
    result = evaluate_sets(make(gallery=[1.0, 2.0], gallery_pids=[2, 1]))
    assert result.cmc.tolist() == [0.0] + [1.0] * 49
    result = evaluate_sets(random_sets(), max_rank=7)
    assert list(result.figures()) == ["rank1", "rank5", "mAP", "mAP_trapezoid", "mINP"]
    assert result.describe()["num_queries"] == 20
    with pytest.raises(ValueError, match=r"rank 10 was not computed; it lies between 1 and max_rank=7\."):
        result.rank(10)
    with pytest.raises(ValueError, match="max_rank=0 must be a whole number of at least 1"):
        evaluate_sets(random_sets(), max_rank=0)


@pytest.mark.parametrize(
    ("ties", "ranks"), [("non-match first", [4, 5]), ("match first", [1, 2]), ("gallery order", [2, 4])]
)
def test_ties_by_hand(ties, ranks):
    # Five images at one distance, the second and the fourth of them matches; a sixth is further away.
    sets = make(gallery=[1.0, -1, 1, -1, 1, 2], gallery_pids=[2, 1, 3, 1, 4, 5])
    result = evaluate_sets(sets, protocol=Protocol(ties=ties))
    assert result.mAP == pytest.approx((1 / ranks[0] + 2 / ranks[1]) / 2)
    assert result.mINP == pytest.approx(2 / ranks[1])
    assert result.rank_counts.tolist().index(1) + 1 == ranks[0]


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
    labels = {"query_pids": [1] * num_query, "query_camids": [0] * num_query}
    result = evaluate_sets(make(query=query, **labels, gallery=gallery, gallery_pids=pids), max_rank=num_gallery)
    assert result.mAP == pytest.approx(1 / num_gallery)
    assert result.rank_counts.tolist() == [0] * (num_gallery - 1) + [num_query]


def test_neither_the_order_of_images_nor_junk_changes_a_figure():
    sets = random_sets()
    expected = evaluate_sets(sets)
    shuffled = torch.randperm(200, generator=torch.Generator().manual_seed(1))
    result = evaluate_sets(sets.take(query=torch.arange(20).flip(0), gallery=shuffled))
    assert torch.equal(result.rank_counts, expected.rank_counts)
    assert result.mAP == pytest.approx(expected.mAP, abs=1e-12)
    assert evaluate_sets(sets.take(gallery=sets.gallery_pids != -1)).figures() == expected.figures()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_float_and_float64_is_kept(dtype):
    query = torch.zeros(1, 1, dtype=dtype)
    assert evaluate_sets(make(query=query, gallery=query + torch.tensor([[3], [2]]), gallery_pids=[1, 2])).mAP == 0.5
    near = torch.tensor([[1.0 + 1e-12], [1.0]], dtype=torch.float64).to(dtype)
    expected = 1.0 if dtype == torch.float64 else 0.5
    assert evaluate_sets(make(query=query, gallery=near, gallery_pids=[2, 1])).mAP == expected


def test_neither_autocast_nor_a_lower_precision_decides_who_is_first(monkeypatch):
    sets = random_sets(width=512)
    expected = evaluate_sets(sets).figures()
    backend = torch.backends.mkldnn.matmul
    before, seen, multiply = backend.fp32_precision, [], blocks._add_products

    def watched(*args):
        seen.append((backend.fp32_precision, torch.is_autocast_enabled("cpu")))
        multiply(*args)

    monkeypatch.setattr(blocks, "_add_products", watched)
    try:
        backend.fp32_precision = "bf16"
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert evaluate_sets(sets).figures() == expected
        assert backend.fp32_precision == "bf16"
    finally:
        backend.fp32_precision = before
    assert set(seen) == {("ieee", False)}  # few processors multiply in bf16, so figures alone would agree anywhere


@pytest.mark.parametrize(
    ("change", "distances", "words"),
    [
        ({"query": [[torch.nan]]}, None, "1 query embeddings are not finite, the first is number 0"),
        ({"gallery": [1.0, torch.inf]}, None, "1 gallery embeddings are not finite, the first is number 1"),
        ({}, torch.zeros(1, 3), r"shape \(1, 3\); give rows of 2"),
        ({}, torch.zeros(2, 2), "The distances have 2 rows; there are 1 queries"),
        ({}, torch.full((1, 2), torch.nan), "Distances of queries 0 to 0 are not finite"),
    ],
)
def test_what_has_no_rank_is_named(change, distances, words):
    with pytest.raises(ValueError, match=words):
        evaluate_sets(make(**{"gallery": [1.0, 2.0], "gallery_pids": [1, 2]} | change), distances)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.int64])
def test_distances_of_other_types_are_counted_exactly(dtype):
    distances = torch.zeros(1, 3002, dtype=dtype)
    distances[0, -1] = 1
    sets = make(gallery=torch.zeros(3002, 1), gallery_pids=[8] * 3001 + [1])
    assert evaluate_sets(sets, distances).mAP == pytest.approx(1 / 3002)
    if dtype == torch.int64:  # beyond what float32 counts
        large = torch.tensor([[2**24, 2**24 + 1, 2**24 + 1]])
        assert evaluate_sets(make(gallery=[0.0, 0, 0], gallery_pids=[1, 8, 8]), large).mAP == 1


MEASURE = """
import resource, torch
from dien_lightning.retrieval import evaluate_retrieval
sets = {}
for role, number in (("query", 700), ("gallery", 82_161)):
    sets[role] = torch.randn(number, 512)
    sets[f"{role}_pids"], sets[f"{role}_camids"] = torch.randint(0, 3_060, (number,)), torch.randint(0, 15, (number,))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
evaluate_retrieval(**sets)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is counted in KB on Linux only")
def test_memory_beyond_the_inputs_is_bounded():
    # The distances alone would be 230 MB, a copy of the gallery 168 MB; a fresh process knows its own peak.
    printed = subprocess.run([sys.executable, "-c", MEASURE], check=True, capture_output=True, text=True).stdout
    assert int(printed) / 1e3 < 220
