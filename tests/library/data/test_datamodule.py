"""Two domains side by side, through a real Lightning run."""

from __future__ import annotations

import pytest
import torch

from dien_lightning.data import DomainPairDataModule
from dien_lightning.types import UNLABELED
from library.data.folders import make, write_image, write_market

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers:UserWarning")


def test_a_training_batch_holds_both_domains(root):
    data = make(root)
    batch, _, _ = next(iter(data.train_dataloader()))
    assert batch["source"].image.shape == (8, 3, 32, 16)
    assert batch["source"].pid.unique().numel() == 4
    assert batch["source"].pid.max() < data.num_classes == 6
    assert batch["target"].image.shape == (6, 3, 32, 16)


def test_target_training_images_carry_no_identity(root):
    data = make(root)
    assert {record.pid for record in data.target.train} == {UNLABELED}
    assert all((batch["target"].pid == UNLABELED).all() for batch, _, _ in data.train_dataloader())
    assert all((batch.pid == UNLABELED).all() for batch in data.statistics_dataloader())


def test_an_epoch_is_one_pass_over_the_source_unless_said(root):
    for options, expected in (({}, 24 // 8), ({"steps_per_epoch": 5}, 5)):
        data = make(root, **options)
        assert data.steps_per_epoch == len(list(data.train_dataloader())) == expected


def test_without_a_target_batch_there_is_no_target(root):
    batch, _, _ = next(iter(make(root, target_batch_size=0).train_dataloader()))
    assert set(batch) == {"source"}


def test_both_domains_may_be_one_folder(root):
    data = make(root, target="market1501")
    batch, _, _ = next(iter(data.train_dataloader()))
    assert (batch["source"].pid >= 0).all()
    assert (batch["target"].pid == UNLABELED).all()


def test_evaluation_loaders_hold_query_and_gallery_and_its_junk(root):
    data = make(root)
    assert data.evaluation_domains == ("target", "source")
    for loader, splits in zip(data.val_dataloader(), (data.target, data.source), strict=True):
        samples = list(loader)
        index = torch.cat([sample.index for sample in samples])
        assert sorted(index.tolist()) == list(range(len(splits.query) + len(splits.gallery)))
        assert sum(int(sample.is_query.sum()) for sample in samples) == len(splits.query)
        assert sum(int((sample.pid == UNLABELED).sum()) for sample in samples) == 1  # the protocol decides about junk


def test_queries_without_identity_are_left_out_and_records_follow_the_index(root, tmp_path):
    write_market(tmp_path)
    write_image(tmp_path / "query" / "-1_c1s1_900002_00.jpg", 902)
    data = make(root, target_root=str(tmp_path))
    query, gallery = data.evaluation_records("target")
    records = [*query, *gallery]
    assert len(query) == len(data.target.query) - 1
    for sample in data.val_dataloader()[0]:
        assert [records[i].pid for i in sample.index.tolist()] == sample.pid.tolist()
        assert [i < len(query) for i in sample.index.tolist()] == sample.is_query.tolist()


def test_it_can_be_printed_before_and_after_it_has_read_the_folders(root):
    data = make(root, source=["market1501", "dukemtmcreid"])
    assert str(data).splitlines()[1] == f"target: dukemtmcreid in {root}/dukemtmcreid, not read yet"
    data.setup()
    assert str(data).splitlines() == [
        f"source: market1501+dukemtmcreid in {root}/market1501 and {root}/dukemtmcreid: 54 train, 15 query, 19 gallery "
        "images",
        f"target: dukemtmcreid in {root}/dukemtmcreid: 30 train, 9 query, 11 gallery images",
    ]
    assert str(make(root, source=None)).startswith("target: ")


def test_statistics_are_gathered_over_every_target_image_in_one_shuffled_order(root):
    def order(**changes):
        return [sample.index.tolist() for sample in make(root, gather_batch_size=20, **changes).statistics_dataloader()]

    first, rest = order()
    assert (len(first), len(rest)) == (20, 10)
    assert sorted(first + rest) == list(range(30)) != first + rest
    assert order(seed=3, eval_batch_size=1) == [first, rest]


def test_augmentation_options_reach_the_pictures(root):
    batch, _, _ = next(iter(make(root, augmentation={"erasing": 1.0, "crop": "pad"}).train_dataloader()))
    assert (batch["target"].image == 0).any()


def test_a_target_without_labels_is_not_evaluated(root, tmp_path):
    write_market(tmp_path, train_ids=4)
    for folder in ("query", "bounding_box_test"):
        for path in (tmp_path / folder).iterdir():
            path.unlink()
    data = make(root, target_root=str(tmp_path))
    data.setup()
    assert data.evaluation_domains == ("source",)
    assert len(data.val_dataloader()) == 1


def test_a_gallery_without_queries_is_evaluated_by_leave_one_out_alone(root, tmp_path):
    write_market(tmp_path)
    rows = [
        f"{tmp_path}/bounding_box_test/{path.name},{path.name.split('_')[0]},{path.name[6]},gallery"
        for path in sorted((tmp_path / "bounding_box_test").glob("0*.jpg"))
    ]
    (tmp_path / "t.csv").write_text("\n".join(["path,pid,camid,split", *rows]))
    table = {"target": "csv", "target_root": str(tmp_path / "t.csv")}
    assert make(root, **table).evaluation_domains == ("source",)
    data = make(root, **table, search="leave_one_out")
    assert data.evaluation_domains == ("target", "source")
    assert len(data.evaluation_records("target")[0]) == 0
    with pytest.raises(ValueError, match="multi_query=true pools queries, and search='leave_one_out' asks with every"):
        make(root, search="leave_one_out", multi_query=True)


def test_a_plain_folder_of_crops_is_a_target(root, tmp_path):
    for i in range(8):
        write_image(tmp_path / f"cam{i % 2}" / f"{i}.png", seed=i)
    data = make(root, target="folder", target_root=str(tmp_path), target_camera_pattern="subfolder")
    batch, _, _ = next(iter(data.train_dataloader()))
    assert (batch["target"].pid == UNLABELED).all()
    assert data.evaluation_domains == ("source",)


def test_a_test_part_among_a_targets_crops_is_said(root, tmp_path):
    for i in range(4):
        write_image(tmp_path / "query" / f"{i}.png", seed=i)
    pair = make(root, target="folder", target_root=str(tmp_path))._pair
    (note,) = [line for line in pair.read() if "test part" in line]
    assert note.startswith(f"{tmp_path}: query: named like the test part of a labelled set, whose images would train")


def test_a_flat_folder_whose_names_tell_people_is_a_source_and_a_target(root, tmp_path):
    for pid in range(4):
        for camera in range(2):
            for part in ("train", "query", "gallery"):
                write_image(tmp_path / part / f"{pid}_cam{camera}.png", seed=2 * pid + camera)
    flat = {"_root": str(tmp_path), "_camera_pattern": r"cam(\d)", "_pid_pattern": r"/(\d+)_"}
    options = {f"{role}{key}": value for role in ("source", "target") for key, value in {"": "folder", **flat}.items()}
    data = make(root, **options)
    assert data.num_classes == 4
    assert {record.pid for record in data.target.query} == {0, 1, 2, 3}
    assert {record.pid for record in data.target.train} == {UNLABELED}
    assert (data.source.shared, data.target.shared) == (4, 0)


def test_several_sources(root):
    data = make(root, source=["market1501", "dukemtmcreid"])
    assert data.num_classes == 11
    assert {record.pid for record in data.source.train} == set(range(11))


def test_a_target_for_evaluation_alone(root, tmp_path):
    for path in ("test_probe/00001_0.jpg", "test_gallery/00001_1.jpg"):
        write_image(tmp_path / path)
    with pytest.raises(ValueError, match=r"\(sensereid\) has no training images: it is for evaluation alone"):
        make(root, target="sensereid", target_root=str(tmp_path)).setup("fit")
    data = make(root, target="sensereid", target_root=str(tmp_path))
    data.setup("test")
    assert data.evaluation_domains == ("target", "source")


def test_without_a_source_the_target_is_only_evaluated(root):
    data = make(root, source=None)
    data.prepare_data()
    data.setup("test")
    assert data.evaluation_domains == ("target",)
    assert len(list(data.statistics_dataloader())) == 1
    with pytest.raises(ValueError, match=r"No source is named \(data\.source\)"):
        data.train_dataloader()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cameras": "some"}, r"cameras='some' is not allowed; choose one of required, none"),
        ({"search": "leave-one-out"}, r"search='leave-one-out' is not allowed; choose one of query, leave_one_out, sy"),
        ({"target_batch_size": -1}, r"target_batch_size=-1 must be a whole number of at least 0"),
        ({"num_ids": 2.5}, r"num_ids=2\.5 must be a whole number of at least 1"),
        ({"num_instances": 0}, r"num_instances=0 must be a whole number of at least 1"),
        ({"steps_per_epoch": 0}, r"steps_per_epoch=0 must be a whole number of at least 1"),
        ({"eval_batch_size": None}, r"eval_batch_size=None must be a whole number of at least 1"),
        ({"gather_batch_size": 1}, r"gather_batch_size=1 must be a whole number of at least 2; one image alone has no"),
        ({"num_workers": "two"}, r"num_workers='two' must be a whole number of at least 0"),
        ({"seed": "x"}, r"seed='x' must be a whole number of at least 0"),
        ({"cache_gigabytes": float("inf")}, r"cache_gigabytes=inf is out of range"),
        ({"augmentation": {"erase": 1.0}}, r"augmentation has no 'erase'; it has crop, .*erasing"),
        ({"image_size": (64,)}, r"image_size=64 must be two whole numbers"),
    ],
)
def test_bad_arguments(root, changes, words):
    with pytest.raises(ValueError, match=words):
        make(root, **changes)


def test_asked_again_it_gives_the_same_fault(drawn_pair):
    data = DomainPairDataModule(str(drawn_pair), num_ids=99, num_workers=0)
    for _ in range(2):
        with pytest.raises(ValueError, match="num_ids=99 needs at least that many identities"):
            _ = data.num_classes
