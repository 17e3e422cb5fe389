"""Leave-one-out and SYSU-MM01 by hand, and what drawn galleries look like; test_ranking.py has the slow loops."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from dien_lightning.retrieval import Protocol, evaluate_sets, expand_queries, k_reciprocal_blocks
from dien_lightning.retrieval.searches import choose_images, draw_galleries

from .galleries import make, random_sets


def test_leave_one_out_by_hand():
    # Places 0 (person 1), 1 (2), 3 (1), 7 (2): of each, the others by distance; the match stands second or third.
    sets = make(query=[0.0], gallery=[1.0, 3.0, 7.0], gallery_pids=[2, 1, 2], gallery_camids=[1, 1, 0])
    result = evaluate_sets(sets, protocol=Protocol(search="leave_one_out"))
    # 0: 1 3 7 -> 1/2; 1: 0 3 7 -> 1/3; 3: 1 0 7 -> 1/2; 7: 3 1 0 -> 1/2.
    assert result.average_precision.tolist() == pytest.approx([1 / 2, 1 / 3, 1 / 2, 1 / 2])
    assert (result.num_queries, result.num_gallery, result.protocol["search"]) == (4, 4, "leave_one_out")


@pytest.mark.parametrize("step", [expand_queries, k_reciprocal_blocks])
def test_no_step_lets_an_image_of_leave_one_out_find_itself(step):
    sets = choose_images(random_sets(), Protocol(search="leave_one_out"))
    with pytest.raises(ValueError, match=rf"needs a gallery apart from the queries; {len(sets.query)} images are both"):
        step(sets)


@pytest.mark.parametrize("search", ["leave_one_out", "sysu_all"])
def test_what_is_chosen_is_not_chosen_again(search):
    sets, protocol = random_sets(), Protocol(search=search)
    chosen = choose_images(replace(sets, query_camids=sets.query_camids * 3), protocol)
    changed = replace(chosen, query=chosen.query + 1)
    assert torch.equal(choose_images(changed, protocol).query, changed.query)


def test_sysu_by_hand():
    # Camera 3 is not shown what camera 2 sees: left are two images of person 2, the match, person 3.
    sets = make(
        query_camids=[3],
        gallery=[0.5, 1.0, 2.0, 3.0, 4.0],
        gallery_pids=[1, 2, 2, 1, 3],
        gallery_camids=[2, 1, 4, 5, 4],
    )
    result = evaluate_sets(sets, protocol=Protocol(search="sysu_all"))
    assert result.mAP == pytest.approx(1 / 3)
    assert result.rank_counts[:3].tolist() == [0, 1, 1]  # one person stands before it
    # Indoors cameras 4 and 5 are left out, and nobody is found.
    with pytest.raises(
        ValueError, match="each image of a query's identity is left out by clothes='any', search='sysu_in"
    ):
        evaluate_sets(sets, protocol=Protocol(search="sysu_indoor"))
    with pytest.raises(
        ValueError, match=r"search='sysu_all' takes query images of the cameras 3, 6; this query has cameras 0"
    ):
        evaluate_sets(replace(sets, query_camids=torch.tensor([0])), protocol=Protocol(search="sysu_all"))


def test_multi_shot_by_hand():
    # Person 1 has three images in camera 0 and one in camera 1, person 2 two in camera 0: 2 shots leave 2, 1 and 2.
    sets = make(gallery=torch.zeros(6, 1), gallery_pids=[1, 1, 1, 1, 2, 2], gallery_camids=[0, 0, 0, 1, 0, 0])
    drawn = [tuple(rows.tolist()) for rows in draw_galleries(sets, Protocol(draws=50, shots=2))]
    assert set(drawn) == {(0, 1, 3, 4, 5), (0, 2, 3, 4, 5), (1, 2, 3, 4, 5)}
    # A match at 1 and one at 3 behind a stranger at 2: AP 5/6 of all; of two shots all three are there, of one 1, 1/2.
    sets = make(query_pids=[7], gallery=[1.0, 2.0, 3.0], gallery_pids=[7, 8, 7], gallery_camids=[1, 1, 1])
    assert evaluate_sets(sets, protocol=Protocol(draws=3, shots=2)).mAP == pytest.approx(5 / 6)
    single = evaluate_sets(sets, protocol=Protocol(draws=400)).mAP
    assert single == pytest.approx(3 / 4, abs=0.05)


def test_each_draw_has_one_image_of_each_person_in_each_camera_and_every_image_is_drawn_as_often():
    pids, camids = torch.arange(60) % 3, torch.arange(60) % 2
    sets = make(gallery=torch.zeros(60, 1), gallery_pids=pids, gallery_camids=camids)
    drawn = draw_galleries(sets, Protocol(draws=2000, seed=1))
    groups = {tuple(sorted(zip(pids[rows].tolist(), camids[rows].tolist(), strict=True))) for rows in drawn}
    assert groups == {((0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1))}
    often = torch.bincount(torch.cat(drawn)) / 2000
    assert often.tolist() == pytest.approx([0.1] * 60, abs=0.04)
    assert all(
        torch.equal(a, b) for a, b in zip(drawn, draw_galleries(sets, Protocol(draws=2000, seed=1)), strict=True)
    )
    assert not torch.equal(drawn[0], draw_galleries(sets, Protocol(draws=1, seed=2))[0])
