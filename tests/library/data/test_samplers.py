"""What a batch is made of, and that nothing but seed, epoch and step decides it."""

from __future__ import annotations

import pickle
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DistributedSampler

from dien_lightning.data.samplers import Draw, EpochSampler, IdentitySampler
from dien_lightning.data.shards import ShardSampler

PIDS = [pid for pid in range(7) for _ in range(5)] + [7]  # identity 7 has one image alone


def chunks(draws, size):
    draws = list(draws)
    return [draws[start : start + size] for start in range(0, len(draws), size)]


def identity_sampler(**changes):
    arguments = {"num_ids": 4, "num_instances": 3, "steps_per_epoch": 6, "seed": 5} | changes
    return IdentitySampler(PIDS, **arguments)


@pytest.mark.parametrize(
    "sampler", [identity_sampler(), EpochSampler(9, 4, 2), ShardSampler(9)], ids=lambda s: type(s).__name__
)
def test_lightning_leaves_distributed_samplers_alone(sampler):
    assert isinstance(sampler, DistributedSampler)


def test_each_batch_has_p_identities_with_k_images():
    for batch in chunks(identity_sampler(), 12):
        pids = [PIDS[int(draw)] for draw in batch]
        assert pids == [pid for pid in pids[::3] for _ in range(3)]  # identity after identity
        assert len(set(pids)) == 4
        assert all(len({int(d) for d in batch if PIDS[int(d)] == pid}) == 3 for pid in set(pids) - {7})


def test_an_identity_with_too_few_images_repeats_all_of_them_alike():
    sampler = IdentitySampler([0, 0, 1, 1], num_ids=2, num_instances=6, steps_per_epoch=4)
    for batch in chunks(sampler, 12):
        assert set(Counter(int(draw) for draw in batch).values()) == {3}


def test_images_of_nobody_are_left_out():
    sampler = IdentitySampler([0, -1, 0, -1, 1], num_ids=2, num_instances=2, steps_per_epoch=4)
    assert {int(draw) for draw in sampler} == {0, 2, 4}
    with pytest.raises(ValueError, match="num_ids=2 needs at least that many identities; found 1"):
        IdentitySampler([0, -1], num_ids=2, num_instances=2, steps_per_epoch=4)


def test_identities_take_turns():
    seen = Counter(PIDS[int(draw)] for draw in identity_sampler(steps_per_epoch=20, num_instances=1))
    assert set(seen.values()) == {10}  # 20 batches of 4 identities out of 8


@settings(max_examples=30)
@given(num_images=st.integers(1, 30), size=st.integers(1, 40), steps=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
def test_unlabelled_images_come_in_passes(num_images, size, steps, seed):
    items = [int(draw) for draw in EpochSampler(num_images, size, steps, seed=seed)]
    assert len(items) == size * steps
    for one_pass in chunks(items, num_images):
        assert len(set(one_pass)) == len(one_pass)
    if size <= num_images:
        assert all(len(set(batch)) == size for batch in chunks(items, size))


def test_each_pass_and_each_epoch_has_an_order_of_its_own():
    sampler = EpochSampler(num_images=20, batch_size=20, steps_per_epoch=2, seed=1)
    first, second = chunks([int(draw) for draw in sampler], 20)
    sampler.set_epoch(1)
    third = [int(draw) for draw in islice(sampler, 20)]
    assert len({tuple(first), tuple(second), tuple(third)}) == 3


@pytest.mark.parametrize("world", [2, 4])
def test_the_ranks_together_see_the_batch_of_one_process(world):
    for make, size in (
        (identity_sampler, 12),
        (lambda **where: EpochSampler(30, 8, 6, seed=3, **where), 8),
    ):
        samplers = [make(num_replicas=world, rank=rank) for rank in range(world)]
        whole = make(num_replicas=1, rank=0)
        for sampler in [*samplers, whole]:
            sampler.set_epoch(3)
        parts = [chunks(sampler, size // world) for sampler in samplers]
        joined = [[draw for part in step for draw in part] for step in zip(*parts, strict=True)]
        assert joined == chunks(whole, size)
        assert all(len(sampler) == len(whole) // world for sampler in samplers)


def test_same_seed_and_epoch_same_draws_and_only_those():
    def draws(seed, epoch):
        sampler = identity_sampler(seed=seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert draws(5, 2) == draws(5, 2)
    assert draws(5, 2) != draws(5, 3)
    assert draws(5, 2) != draws(6, 2)


def test_an_image_drawn_twice_is_augmented_twice():
    draws = list(EpochSampler(num_images=2, batch_size=2, steps_per_epoch=50))
    assert len({draw.seed for draw in draws}) == len(draws)


@pytest.mark.parametrize("make", [identity_sampler, lambda: EpochSampler(30, 12, 6)])
def test_start_in_the_middle_of_an_epoch(make):
    whole = make()
    whole.set_epoch(2)
    resumed = make()
    resumed.start_at(epoch=2, step=4)
    resumed.set_epoch(2)
    assert list(resumed) == list(whole)[4 * 12 :]
    for sampler in (resumed, whole):
        sampler.set_epoch(3)
    assert list(resumed) == list(whole)


def test_shards_cover_every_image_once_without_padding():
    shards = [ShardSampler(10, num_replicas=3, rank=rank) for rank in range(3)]
    assert [list(shard) for shard in shards] == [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]
    assert [len(shard) for shard in shards] == [4, 3, 3]


def test_shuffled_shards_agree_on_the_order():
    shards = [list(ShardSampler(10, seed=4, num_replicas=2, rank=rank)) for rank in range(2)]
    assert sorted(shards[0] + shards[1]) == list(range(10))
    assert [i for pair in zip(*shards, strict=True) for i in pair] == list(ShardSampler(10, seed=4))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: identity_sampler(num_ids=9),
            r"num_ids=9 needs at least that many identities; found 8\. Lower num_ids",
        ),
        (lambda: identity_sampler(num_instances=0), r"num_instances=0 must be a whole number of at least 1"),
        (lambda: identity_sampler(num_replicas=3, rank=0), r"num_ids=4 cannot be shared evenly by 3 processes"),
        (lambda: identity_sampler(steps_per_epoch=0), r"steps_per_epoch=0 must be a whole number of at least 1"),
        (lambda: EpochSampler(5, 3, 2, num_replicas=2, rank=0), r"batch_size=3 .* cannot be shared evenly by 2"),
        (lambda: EpochSampler(0, 3, 2), r"num_images=0 must be a whole number of at least 1"),
    ],
)
def test_bad_numbers(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_draw_is_an_index_and_keeps_its_seed_on_its_way_to_a_loader_process():
    draw = pickle.loads(pickle.dumps(Draw(3, seed=9)))
    assert "abcd"[draw] == "d"
    assert draw.seed == 9
