"""Batches in training: with Lightning's samplers, resumed, with images that cannot be read."""

from __future__ import annotations

import multiprocessing

import pytest
import pytorch_lightning as pl
import torch

from dien_lightning.data import EpochSampler, IdentitySampler, ShardSampler
from dien_lightning.data.images import UnreadableImageError
from dien_lightning.data.loaders import worker_options
from library.data.folders import make, write_market
from library.training.modules import trainer
from processes import run_on_processes


class Recorder(pl.LightningModule):
    """Keeps what every step was given."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.steps, self.evaluated = [], {}

    def training_step(self, batch, batch_idx):
        numbers = {domain: (s.index.tolist(), round(s.image.sum().item(), 2)) for domain, s in batch.items()}
        self.steps.append((self.current_epoch, batch_idx, numbers))
        return self.layer(torch.ones(1, 1)).sum()

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        self.evaluated.setdefault(dataloader_idx, []).extend(batch.index.tolist())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(data, folder, epochs=2, ckpt_path=None, **changes):
    module, run = Recorder(), trainer(max_epochs=epochs, default_root_dir=folder, **changes)
    run.fit(module, data, ckpt_path=ckpt_path)
    return module, run


def test_batches_are_the_same_with_and_without_decoded_images_in_memory(root):
    def epoch(**changes):
        return [batch for batch, _, _ in make(root, **changes).train_dataloader()]

    for kept, read in zip(epoch(cache_gigabytes=1e-5), epoch(cache_gigabytes=0), strict=True):
        assert all(torch.equal(kept[domain].image, read[domain].image) for domain in ("source", "target"))


def test_lightning_keeps_the_samplers(root, tmp_path):
    module, run = fit(make(root), tmp_path)
    loaders = run.fit_loop._combined_loader.flattened
    assert [type(loader.sampler) for loader in loaders] == [IdentitySampler, EpochSampler]
    assert [type(loader.sampler) for loader in run.val_dataloaders] == [ShardSampler, ShardSampler]
    assert [step[:2] for step in module.steps] == [(epoch, step) for epoch in range(2) for step in range(3)]
    assert module.steps[0][2] != module.steps[3][2]  # the second epoch draws anew
    assert {k: len(v) for k, v in module.evaluated.items()} == {0: 2 * 20, 1: 2 * 14}


def test_a_loader_leaves_the_choice_of_a_start_method_open(monkeypatch):
    monkeypatch.setattr("multiprocessing.context._default_context._actual_context", None)
    assert worker_options(1)["multiprocessing_context"] is None
    assert multiprocessing.get_start_method(allow_none=True) is None


def test_batches_do_not_depend_on_the_number_of_workers(root, tmp_path):
    alone, _ = fit(make(root), tmp_path)
    helped, _ = fit(make(root, num_workers=2), tmp_path)
    assert alone.steps == helped.steps


class SaveAfter(pl.Callback):
    """Writes a checkpoint after some step, or at an epoch's end, as ModelCheckpoint does."""

    def __init__(self, path, step=None):
        self.path, self.step = path, step

    def on_train_batch_end(self, trainer, *args):
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)

    def on_train_epoch_end(self, trainer, *args):
        if self.step is None:
            trainer.save_checkpoint(self.path)


@pytest.mark.parametrize("step", [2, 3])  # in the middle of epoch 0, at its end; a worker is ahead of both
def test_a_resumed_run_sees_the_batches_that_were_left(root, tmp_path, step):
    path = tmp_path / "stopped.ckpt"
    whole, _ = fit(make(root, num_workers=1), tmp_path, epochs=3, callbacks=[SaveAfter(path, step)])
    resumed, _ = fit(make(root, num_workers=1), tmp_path, epochs=3, ckpt_path=path)
    assert resumed.steps == whole.steps[step:]


def test_a_run_resumed_from_an_epochs_end_sees_the_next_epoch(root, tmp_path):
    path = tmp_path / "last.ckpt"
    whole, _ = fit(make(root), tmp_path, epochs=1, callbacks=[SaveAfter(path)])
    resumed, _ = fit(make(root, num_workers=1), tmp_path, epochs=3, ckpt_path=path)
    assert whole.steps + resumed.steps == fit(make(root), tmp_path, epochs=3)[0].steps


def test_skipped_images_are_counted_at_the_end(root, tmp_path):
    write_market(tmp_path)
    broken = next(iter(sorted((tmp_path / "bounding_box_train").glob("*.jpg"))))
    broken.write_bytes(b"")
    data = make(root, source_root=str(tmp_path), on_error="skip", num_workers=1, steps_per_epoch=12)
    with pytest.warns(UserWarning, match=rf"1 unreadable image was skipped, the first is .*{broken.name}"):
        fit(data, tmp_path, epochs=1, limit_val_batches=0)


def test_what_an_earlier_loader_skipped_is_counted(root, tmp_path):
    write_market(tmp_path)
    broken = min((tmp_path / "query").glob("*.jpg"))
    broken.write_bytes(b"")
    data = make(root, target_root=str(tmp_path), on_error="skip")
    list(data.val_dataloader()[0])
    data.val_dataloader()
    with pytest.warns(UserWarning, match=rf"1 unreadable image was skipped, the first is .*{broken.name}"):
        data.teardown()


@pytest.mark.parametrize("num_workers", [0, 1])
def test_an_unreadable_image_stops_with_one_sentence(root, tmp_path, num_workers):
    write_market(tmp_path)
    broken = min((tmp_path / "bounding_box_train").glob("*.jpg"))
    broken.write_bytes(b"")
    loader = make(root, source_root=str(tmp_path), num_workers=num_workers, steps_per_epoch=12).train_dataloader()
    with pytest.raises(UnreadableImageError, match=rf"^[^\n]*{broken.name} cannot be read as an image[^\n]*$"):
        list(loader)


def skipped_in_evaluation(root, target_root):
    data = make(root, target_root=target_root, on_error="skip")
    data.setup("fit")
    list(data.val_dataloader()[0])
    return data._skipped.everywhere(data._pair.paths)


def test_what_one_of_two_processes_skipped_both_count(root, tmp_path):
    write_market(tmp_path)
    broken = sorted((tmp_path / "query").glob("*.jpg"))[1]  # the second process embeds it
    broken.write_bytes(b"")
    assert run_on_processes(skipped_in_evaluation, root, str(tmp_path)) == [[str(broken)]] * 2
