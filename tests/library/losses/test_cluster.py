"""The cluster memory: loops over entries and images, hand-worked values, and what must not change it."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.nn.functional import normalize

import reference
from dien_lightning.losses import ClusterMemoryLoss


def batch(num_entries=6, num_images=8, num_classes=3, width=4, seed=0):
    """Embeddings, whose entry each is, entries of unit length, and their classes, of which each has an entry."""
    generator = torch.Generator().manual_seed(seed)
    embedding = 3 * torch.randn(num_images, width, dtype=torch.float64, generator=generator)
    rows = torch.randint(0, num_entries, (num_images,), generator=generator)
    entries = torch.randn(num_entries, width, dtype=torch.float64, generator=generator)
    classes = torch.arange(num_entries) % min(num_classes, num_entries)
    return embedding, rows, normalize(entries, dim=1), classes


@settings(max_examples=40)
@given(
    num_entries=st.integers(1, 7),
    num_images=st.integers(1, 9),
    num_classes=st.integers(1, 4),
    temperature=st.sampled_from([0.05, 1.0]),
    momentum=st.sampled_from([0.0, 0.1, 0.7]),
    hard=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_as_loops_have_it(num_entries, num_images, num_classes, temperature, momentum, hard, seed):
    embedding, rows, entries, classes = batch(num_entries, num_images, num_classes, seed=seed)
    loss = ClusterMemoryLoss(temperature, momentum, hard)
    loss.fill(7 * entries, classes)
    plain = [each.tolist() for each in (embedding, rows, entries, classes)]
    assert loss(embedding, rows).item() == pytest.approx(reference.memory_contrast(*plain, temperature), abs=1e-9)
    loss.update(embedding, rows)
    moved = reference.moved_memory(plain[2], plain[0], plain[1], momentum, hard)
    torch.testing.assert_close(loss.entries, torch.tensor(moved, dtype=torch.float64))


def test_by_hand():
    # Entries at 0, 90 and 180 degrees; the last two are one class. An image at 60 degrees, of the first.
    angles = torch.tensor([0.0, 90, 180], dtype=torch.float64).deg2rad()
    entries = torch.stack([angles.cos(), angles.sin()], dim=1)
    loss = ClusterMemoryLoss(temperature=0.5, momentum=0.25)
    loss.fill(entries, torch.tensor([0, 1, 1]))
    image, row = torch.tensor([[1.0, math.sqrt(3)]], dtype=torch.float64), torch.tensor([0])
    own, other = 0.5 / 0.5, (math.sqrt(0.75) - 0.5) / 2 / 0.5
    terms = loss.terms(image, row)
    assert terms.total.item() == pytest.approx(math.log(1 + math.exp(other - own)))
    assert terms.accuracy == 1
    loss.update(image, row)
    x, y = 0.25 + 0.75 * 0.5, 0.75 * math.sqrt(0.75)
    assert loss.entries[0].tolist() == pytest.approx([x / math.hypot(x, y), y / math.hypot(x, y)])
    assert torch.equal(loss.entries[1:], entries[1:])


def test_hard_takes_the_least_similar_image_alone():
    entries, images = torch.eye(2), torch.tensor([[1.0, 0.1], [0.1, 1.0], [1.0, 0.2]])
    loss = ClusterMemoryLoss(momentum=0.0, hard=True)
    loss.fill(entries)
    loss.update(images, torch.tensor([0, 0, 0]))
    torch.testing.assert_close(loss.entries, torch.stack([normalize(images[1], dim=0), entries[1]]))


def test_order_and_length_and_names_do_not_matter():
    embedding, rows, entries, classes = batch()
    loss = ClusterMemoryLoss()
    loss.fill(entries, classes)
    value = loss(embedding, rows)
    order = torch.tensor([3, 1, 7, 0, 2, 6, 4, 5])
    torch.testing.assert_close(loss(embedding[order], rows[order]), value)
    torch.testing.assert_close(loss(5 * embedding, rows), value)
    loss.fill(entries.flip(0), 2 - classes.flip(0))
    torch.testing.assert_close(loss(embedding, len(entries) - 1 - rows), value)


def test_a_memory_is_no_part_of_the_weights_and_learns_by_moving_alone():
    embedding, rows, entries, classes = batch()
    loss = ClusterMemoryLoss()
    loss.fill(entries, classes)
    assert not loss.state_dict()
    assert gradcheck(lambda x: loss(x, rows), (embedding.requires_grad_(),))
    value = loss(embedding, rows)
    loss.update(embedding, rows)  # between the loss and its gradient, as a training step has it
    value.backward()
    assert not loss.entries.requires_grad


@pytest.mark.parametrize("row", [-1, 3])
def test_an_image_without_an_entry_is_refused(row):
    loss = ClusterMemoryLoss()
    loss.fill(torch.eye(3))
    for call in (loss, loss.update):
        with pytest.raises(ValueError, match=f"row {row} is none of the memory's 3 entries; leave out images"):
            call(torch.eye(3)[:2], torch.tensor([0, row]))
    assert torch.equal(loss.entries, torch.eye(3))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ClusterMemoryLoss(temperature=0), r"temperature=0 is out of range; choose a number in \(0, inf\)"),
        (lambda: ClusterMemoryLoss(momentum=1), r"momentum=1 is out of range; choose a number in \[0, 1\)"),
        (lambda: ClusterMemoryLoss(hard="yes"), "hard='yes' must be true or false"),
        (lambda: ClusterMemoryLoss().fill(torch.zeros(0, 4)), r"entries of shape \(0, 4\) and classes of shape \(0,\)"),
        (lambda: ClusterMemoryLoss().fill(torch.eye(2), torch.tensor([0, 2])), "class 1 of 3 has no entry; number"),
        (lambda: ClusterMemoryLoss()(torch.eye(2), torch.tensor([0, 1])), "the memory is empty; fill it"),
    ],
)
def test_errors(call, words):
    with pytest.raises(ValueError, match=words):
        call()
