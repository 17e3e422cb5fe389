"""What a protocol can count, asked of records alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dien_lightning import Protocol, RetrievalMetric
from dien_lightning.data import Record, Splits
from dien_lightning.training.counting import check_counting, count_matches
from dien_lightning.types import UNLABELED


def splits(query=(), gallery=(), name="own"):
    def records(part, who):
        return [Record(f"{part}/{i}.jpg", *numbers) for i, numbers in enumerate(who)]

    return Splits(name, Path("own"), (), records("query", query), records("gallery", gallery))


@pytest.mark.parametrize("clothes", ["any", "changed", "same"])
@pytest.mark.parametrize("same_camera", ["drop", "keep"])
@pytest.mark.parametrize("search", ["query", "leave_one_out", "sysu_all", "sysu_indoor"])
def test_it_counts_the_queries_that_the_evaluation_counts(search, same_camera, clothes):
    generator = np.random.default_rng(3)
    people = np.stack([generator.integers(-1, 9, 120), generator.integers(1, 7, 120)], 1)
    who = [(pid, camid, UNLABELED, 2 * abs(pid) + int(generator.integers(2))) for pid, camid in people.tolist()]
    protocol = Protocol(search=search, same_camera=same_camera, clothes=clothes)
    metric = RetrievalMetric(protocol=protocol)
    asking = [each for each in who[:40] if each[0] != UNLABELED]
    pid, camid, _, clothing = torch.tensor([*asking, *who[40:]]).T
    index = torch.arange(len(pid))
    metric.update(torch.randn(len(pid), 4), pid, camid, index < len(asking), index, clothes=clothing)
    result = metric.compute()
    assert count_matches(splits(who[:40], who[40:]), protocol) == (result.num_queries, result.num_valid_queries)


def test_sequences_ask_once():
    query = [(7, 1, 0), (7, 1, 0), (8, 1, 1)]
    assert count_matches(splits(query, [(7, 2, 2), (7, 2, 2), (8, 1, 3)]), Protocol()) == (2, 1)


@pytest.mark.parametrize(
    ("query", "gallery", "protocol", "words"),
    [
        ([(1, 4), (2, 4)], [(1, 4)], {}, r"own \(market\): No query .*only one camera.*data\.cameras=none"),
        ([(1, 1), (2, 2)], [(7, 1)], {}, r"own \(market\): No query .*none of the 2 query identities"),
        ([(1, 1)], [(1, 2)], {"clothes": "changed"}, r"own \(market\): clothes='changed' asks what people wear"),
        ([(1, 1)], [(1, 2)], {"search": "sysu_all"}, r"own \(market\): search='sysu_all' takes query images of"),
        ([], [(1, 2)], {}, r"own \(market\): The query set is empty"),
    ],
)
def test_what_cannot_be_counted_is_said_with_the_set(query, gallery, protocol, words):
    with pytest.raises(ValueError, match=words):
        count_matches(splits(query, gallery, "market"), Protocol(**protocol))


def test_a_folder_of_one_camera_is_told_how_to_name_cameras():
    with pytest.raises(ValueError, match=r"Or say how the paths tell cameras \(data\.target_camera_pattern or"):
        count_matches(splits([(1, 0)], [(1, 0)], "folder"), Protocol())


def test_where_the_same_camera_counts_no_image_may_find_itself(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.jpg").symlink_to("a.jpg")
    one, other = (Record(str(tmp_path / name), 1, 0) for name in ("a.jpg", "b.jpg"))
    for parts, search in ((([one], [other]), "query"), (((), [one, other]), "leave_one_out")):
        twice = Splits("own", Path("own"), (), *parts)
        with pytest.raises(ValueError, match=r"image is in query and gallery of own, such as .*b\.jpg\. With"):
            count_matches(twice, Protocol(same_camera="keep", search=search))


def test_a_source_that_the_protocol_cannot_count_has_a_remedy():
    def data(**sets):
        return SimpleNamespace(evaluation_domains=tuple(sets), **sets)

    plain, dressed = splits([(1, 1)], [(1, 2)]), splits([(1, 1, -1, 0)], [(1, 2, -1, 1)])
    changed = Protocol(clothes="changed")
    check_counting(data(target=dressed), changed)
    with pytest.raises(ValueError, match=r"own \(own\): clothes=.*count the target by this one afterwards \(dien eval"):
        check_counting(data(target=dressed, source=plain), changed)
    with pytest.raises(ValueError, match=r"the data module has cameras='none', and the protocol drops"):
        check_counting(SimpleNamespace(cameras="none"), Protocol())
