"""Records become Samples; a draw decides the augmentation; unreadable images stop or are counted."""

from __future__ import annotations

import pytest
import torch

from dien_lightning.data.dataset import ReIDDataset
from dien_lightning.data.images import UnreadableImageError
from dien_lightning.data.records import Record
from dien_lightning.data.samplers import Draw
from dien_lightning.data.transforms import evaluation_transform, train_transform
from library.data.folders import write_image


@pytest.fixture
def records(tmp_path):
    paths = [write_image(tmp_path / f"{i}.jpg", seed=i) for i in range(6)]
    return [Record(str(path), pid=i // 2, camid=i % 2) for i, path in enumerate(paths)]


def test_sample(records):
    dataset = ReIDDataset(records, evaluation_transform((32, 16)), num_query=2)
    assert len(dataset) == 6
    sample = dataset[3]
    assert sample.image.shape == (3, 32, 16)
    assert (sample.pid, sample.camid, sample.index, sample.is_query) == (1, 1, 3, False)
    assert dataset[1].is_query


def test_the_draw_alone_decides_the_augmentation(records):
    dataset = ReIDDataset(records, train_transform((32, 16)))
    first = dataset[Draw(2, 77)].image
    torch.rand(3)
    torch.testing.assert_close(dataset[Draw(2, 77)].image, first, rtol=0, atol=0)
    assert not torch.equal(dataset[Draw(2, 78)].image, first)


def test_the_callers_random_stream_is_left_alone(records):
    dataset = ReIDDataset(records, train_transform((32, 16)))
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    dataset[Draw(0, 1)]
    assert torch.equal(torch.rand(4), expected)


def test_an_unreadable_image_stops_with_its_path(records):
    dataset = ReIDDataset([*records, Record("gone.jpg", 2, 0)], evaluation_transform())
    with pytest.raises(UnreadableImageError, match=r"gone\.jpg cannot be read .*data\.on_error=skip"):
        dataset[6]


def test_skipping_takes_the_next_image_of_the_identity_and_counts(records):
    broken = [*records[:2], records[2]._replace(path="gone.jpg"), *records[3:]]
    dataset = ReIDDataset(broken, evaluation_transform((32, 16)), on_error="skip")
    sample = dataset[2]
    assert (sample.pid, sample.index) == (1, 3)
    assert dataset.skipped == ["gone.jpg"]


def test_skipping_an_identity_with_no_image_left_takes_the_next_image(records):
    broken = [
        *records[:2],
        *(record._replace(path=f"gone{i}.jpg") for i, record in enumerate(records[2:4])),
        *records[4:],
    ]
    dataset = ReIDDataset(broken, evaluation_transform((32, 16)), on_error="skip")
    assert (dataset[3].pid, dataset[3].index) == (2, 4)
    assert len(dataset.skipped) == 2


def test_skipping_everything_is_an_error():
    dataset = ReIDDataset([Record("a.jpg", 0, 0), Record("b.jpg", 0, 0)], evaluation_transform(), on_error="skip")
    with pytest.raises(UnreadableImageError, match=r"None of the 2 images beside a\.jpg can be read"):
        dataset[0]


def test_on_error_is_checked(records):
    with pytest.raises(ValueError, match=r"on_error='ignore' is not allowed; choose one of raise, skip"):
        ReIDDataset(records, evaluation_transform(), on_error="ignore")


@pytest.mark.parametrize("numbers", [(2**63, 0), (0, -2), (1.0, 0), (float("nan"), 0), ("anna", 0), (None, 0)])
def test_records_made_by_hand_hold_numbers_that_travel(numbers):
    with pytest.raises(ValueError, match=r"(pid|camid)=.* of a\.jpg must be a whole number below 2\*\*63, or -1"):
        ReIDDataset([Record("a.jpg", *numbers)], lambda image: image)
