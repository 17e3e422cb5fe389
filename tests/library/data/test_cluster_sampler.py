from __future__ import annotations

from collections import Counter

import pytest

from dien_lightning.data.cluster_sampler import ClusterSampler

CAMERAS = [1, 1, 1, 2, 2, 3] * 4  # six images of each of four clusters
CLUSTERS = [number // 6 for number in range(24)]


def sampler(groups=CLUSTERS, num_ids=2, num_instances=3, steps=6, **options) -> ClusterSampler:
    made = ClusterSampler(CAMERAS, num_ids, num_instances, steps, **options)
    made.assign(groups)
    return made


def batches(made: ClusterSampler) -> list[list[int]]:
    draws = [int(draw) for draw in made]
    return [draws[start : start + made.local_batch_size] for start in range(0, len(draws), made.local_batch_size)]


def test_a_batch_holds_p_clusters_with_k_images_of_as_many_cameras_as_can_be():
    for batch in batches(sampler()):
        for part in (batch[:3], batch[3:]):
            assert len({CLUSTERS[image] for image in part}) == 1
            assert sorted(CAMERAS[image] for image in part) == [1, 2, 3]
        assert CLUSTERS[batch[0]] != CLUSTERS[batch[3]]
    four, ten = (batches(sampler(num_ids=1, num_instances=k, steps=20)) for k in (4, 10))
    assert {tuple(sorted(CAMERAS[image] for image in batch)) for batch in four} == {(1, 1, 2, 3), (1, 2, 2, 3)}
    assert all(
        Counter(batch).most_common() == [(i, 2) for i in batch[:4]] + [(i, 1) for i in batch[4:6]] for batch in ten
    )


def test_every_cluster_comes_as_often_as_any_other_and_an_outlier_never():
    found = Counter(CLUSTERS[batch[0]] for batch in batches(sampler(num_ids=1, steps=12)))
    assert set(found.values()) == {3}
    groups = [-1] * 6 + [7] * 6 + [3] * 12
    drawn = {image for batch in batches(sampler(groups, steps=40)) for image in batch}
    assert drawn == set(range(6, 24))


def test_fewer_clusters_than_p_come_twice():
    for batch in batches(sampler([0] * 12 + [1] * 12, num_ids=4)):
        assert Counter(CLUSTERS[image] // 2 for image in batch) == {0: 6, 1: 6}


def test_processes_share_the_batch_of_one_and_a_new_assignment_counts_from_the_next_epoch():
    whole = batches(sampler())
    parts = [batches(sampler(num_replicas=2, rank=rank)) for rank in (0, 1)]
    assert whole == [one + other for one, other in zip(*parts, strict=True)]
    made = sampler()
    made.set_epoch(1)
    assert batches(made) != whole
    made.assign([image % 4 for image in range(24)])
    made.set_epoch(0)
    assert all(image % 4 == batch[0] % 4 for batch in batches(made) for image in batch[:3])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_ids": 0}, "num_ids=0 must be a whole number of at least 1; it is the number of clusters in a batch"),
        ({"num_instances": 0}, "num_instances=0 must be a whole number of at least 1"),
        (
            {"num_ids": 3, "num_replicas": 2, "rank": 0},
            r"num_ids=3 \(data.target_batch_size / .* cannot be shared evenly",
        ),
    ],
)
def test_errors(options, words):
    with pytest.raises(ValueError, match=words):
        sampler(**options)


def test_without_clusters_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match="ClusterSampler has no clusters to draw from; assign each image to one first"):
        list(ClusterSampler([0, 0], 1, 2, 1))
