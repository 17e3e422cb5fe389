"""Rounds: labels by each method, and what is said of clusters that show no people."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses import FakeTensorMode
from torch.nn.functional import normalize

from dien_lightning import clustering
from dien_lightning.clustering import ClusterSummary, pseudo_labels, reliable_labels, summarize_clusters
from dien_lightning.training import Rounds
from dien_lightning.training.rounds import check_two_clusters, troubles


def crowd(people=8, each=8, cameras=2, by_person=1.0, by_camera=0.0, noise=0.1):
    """L2-normalised embeddings that tell persons and cameras apart as strongly as asked, and the images' cameras."""
    generator = torch.Generator().manual_seed(0)
    person = torch.arange(people).repeat_interleave(each)
    camids = torch.arange(people * each) % cameras
    draw = [torch.randn(number, 32, generator=generator) for number in (people, cameras, people * each)]
    return normalize(by_person * draw[0][person] + by_camera * draw[1][camids] + noise * draw[2], dim=1), camids


def test_clusters_are_those_of_pseudo_labels_and_by_pul_those_of_k_means():
    embeddings, _ = crowd()
    assert torch.equal(Rounds(k1=6, k2=3).label(embeddings).labels, pseudo_labels(embeddings, k1=6, k2=3))
    found = Rounds(method="pul", num_clusters=8, seed=4).label(embeddings)
    assert torch.equal(found.labels, reliable_labels(embeddings, 8, seed=4))
    assert found.threshold is None


@pytest.mark.parametrize(
    ("function", "options"), [("pseudo_labels", {}), ("reliable_labels", {"method": "pul", "num_clusters": 8})]
)
def test_labels_lie_on_the_cpu_where_embeddings_are_on_a_gpu(function, options, monkeypatch):
    embeddings, _ = crowd()
    with FakeTensorMode():
        on_gpu = torch.zeros(len(embeddings), dtype=torch.long, device="cuda:0")
        monkeypatch.setattr(clustering, function, lambda *_, **__: on_gpu)
        assert Rounds(**options).label(embeddings).labels.device.type == "cpu"


def test_reliable_rounds_keep_the_first_rounds_threshold():
    embeddings, _ = crowd(noise=0.6)
    rounds = Rounds(k1=6, k2=3, reliable=True)
    found = rounds.label(embeddings)
    assert 0 < found.threshold <= 1
    assert rounds.label(embeddings, threshold=0.0).threshold == 0
    kept = rounds.label(embeddings, threshold=1.1).labels
    assert (kept == -1).all()  # nothing is as independent as that
    assert sorted(set(found.labels.tolist()) - {-1}) == list(range(int(found.labels.max()) + 1))


def said(embeddings, camids, **options) -> dict[str, str]:
    rounds = Rounds(**({"k1": 6, "k2": 3} | options))
    return troubles(summarize_clusters(rounds.label(embeddings).labels, camids=camids), rounds.method)


@pytest.mark.parametrize(
    ("method", "clusters", "words"),
    [
        (
            "clusters",
            0,
            r"and 100% of .* images are in no cluster.* Raise rounds\.eps.* in the same memory: source_term=spcl",
        ),
        ("pul", 0, r"Lower rounds\.similarity, or begin with a network that was trained longer on the source\.$"),
        ("clusters", 1, r"and one cluster holds 100% of the clustered images.* Lower rounds\.eps\. Or keep the"),
    ],
)
def test_fewer_than_two_clusters_are_refused_with_what_the_method_can_change(method, clusters, words):
    summary = ClusterSummary(1.0 - clusters, clusters, torch.empty(0), largest=float(clusters))
    with pytest.raises(ValueError, match=f"epoch 3: self-training needs two clusters to tell apart, .*{words}"):
        check_two_clusters(summary, method, epoch=3)


def test_people_are_no_trouble():
    assert said(*crowd()) == {}


def test_one_giant_cluster_is_told():
    found = said(*crowd(noise=3.0), eps=0.97)
    assert set(found) == {"giant"}
    assert "different people are taken for one. Lower rounds.eps." in found["giant"]


@pytest.mark.parametrize(
    ("clusters", "largest", "is_giant"),
    [
        (74, 0.45, True),  # as measured at a purity of 0.24, docs/self-training.md
        (230, 0.04, False),  # and at 0.59
        (3, 0.4, False),  # three people are rarely photographed alike often
        (3, 0.7, True),
        (2, 0.6, False),
        (2, 0.95, True),
        (0, 0.0, False),
    ],
)
def test_a_cluster_is_giant_beside_how_many_there_are(clusters, largest, is_giant):
    summary = ClusterSummary(outliers=0.0, clusters=clusters, sizes=torch.empty(0), largest=largest)
    assert ("giant" in troubles(summary)) is is_giant


@pytest.mark.parametrize(
    ("same", "chance", "is_told"), [(0.61, 0.25, False), (0.64, 0.25, True), (0.96, 0.89, True), (1.0, 0.95, False)]
)
def test_clusters_follow_cameras_where_more_than_half_of_the_pairs_do(same, chance, is_told):
    summary = ClusterSummary(0.0, 9, torch.empty(0), 0.2, same_camera=same, chance=chance)
    assert ("cameras" in troubles(summary)) is is_told


def test_nothing_but_outliers_is_told():
    found = said(*crowd(noise=3.0), eps=0.05)
    assert set(found) == {"outliers"}
    assert found["outliers"].startswith(
        "100% of the target's images are in no cluster: they are left out or, with source_term=spcl, each learned "
        "alone. Raise rounds.eps"
    )
    found = said(*crowd(noise=3.0), method="pul", num_clusters=3, similarity=0.99)
    assert "Lower rounds.similarity" in found["outliers"]


def test_clusters_that_are_cameras_are_told():
    found = said(*crowd(people=16, cameras=4, by_person=0.2, by_camera=1.0, noise=0.2), k1=12)
    assert set(found) == {"cameras"}
    assert "two images of a cluster are of one camera in 100% of all cases (by chance 25%)" in found["cameras"]
    assert "or begin with a network that was adapted to the target" in found["cameras"]
    one_camera, _ = crowd()
    assert said(one_camera, torch.zeros(64)) == {}  # where there is one camera, that says nothing


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "mean"}, "method='mean' is not allowed; choose one of clusters, pul"),
        ({"epochs": 0}, "epochs=0 must be a whole number of at least 1"),
        ({"eps": 0}, r"eps=0 is out of range; choose a number in \(0, 1\)"),
        ({"eps": 0.99, "reliable": True}, r"eps=0.99 is out of range; choose a number in \(0.02, 0.98\)"),
        ({"min_samples": 0}, "min_samples=0 must be a whole number of at least 1"),
        ({"reliable": 1}, "reliable=1 must be true or false"),
        ({"similarity": 2}, "similarity=2 is out of range"),
        ({"seed": -1}, "seed=-1 must be a whole number of at least 0"),
        ({"method": "pul"}, "num_clusters=None must be a whole number of at least 2; PUL takes about as many"),
    ],
)
def test_errors(options, words):
    with pytest.raises(ValueError, match=words):
        Rounds(**options)
