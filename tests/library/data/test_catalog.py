"""Every catalogue entry on a folder drawn in its layout."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from scipy.io import savemat

from dien_lightning.data.catalog import CATALOG
from dien_lightning.data.catalog_special import SPECIAL
from dien_lightning.data.inspection import inspect
from dien_lightning.data.reading import read_dataset, recognize
from dien_lightning.types import UNLABELED
from library.data.folders import triples, write_image
from library.data.test_catalog_halved import HALVED

# Where the splits are the data set's own: the set, a file of it, and what that is read as: split, identity, camera and
# clothes (if they are told). The first folder is the archive's.
LAYOUTS = """
market1501 Market-1501-v15.09.15/bounding_box_train/0002_c1s1_000451_03.jpg train 2 1
market1501 Market-1501-v15.09.15/query/0003_c2s1_000451_00.jpg query 3 2
market1501 Market-1501-v15.09.15/bounding_box_test/0003_c6s3_000451_00.jpg gallery 3 6
market1501 Market-1501-v15.09.15/bounding_box_test/0000_c4s3_000451_00.jpg gallery 0 4
market1501 Market-1501-v15.09.15/bounding_box_test/-1_c1s1_000401_03.jpg gallery -1 1
market1501_500k bounding_box_train/0002_c1s1_000451_03.jpg train 2 1
market1501_500k query/0003_c2s1_000451_00.jpg query 3 2
market1501_500k bounding_box_test/0003_c6s3_000451_00.jpg gallery 3 6
market1501_500k images/0000_c5s1_000451_03.jpg gallery 0 5
dukemtmcreid DukeMTMC-reID/bounding_box_train/0005_c2_f0046985.jpg train 5 2
dukemtmcreid DukeMTMC-reID/query/0006_c8_f0046985.jpg query 6 8
dukemtmcreid DukeMTMC-reID/bounding_box_test/0006_c1_f0046985.jpg gallery 6 1
occluded_duke Occluded_Duke/bounding_box_train/0005_c2_f0046985.jpg train 5 2
occluded_duke Occluded_Duke/query/0006_c8_f0046985.jpg query 6 8
occluded_duke Occluded_Duke/bounding_box_test/0006_c1_f0046985.jpg gallery 6 1
cuhk03np_labeled labeled/bounding_box_train/0001_c1_1.png train 1 1
cuhk03np_labeled labeled/query/0002_c1_2.png query 2 1
cuhk03np_labeled labeled/bounding_box_test/0002_c2_6.png gallery 2 2
cuhk03np_detected cuhk03-np/detected/bounding_box_train/0001_c1_1.png train 1 1
cuhk03np_detected cuhk03-np/detected/query/0002_c1_2.png query 2 1
cuhk03np_detected cuhk03-np/detected/bounding_box_test/0002_c2_6.png gallery 2 2
sensereid SenseReID/test_probe/00010_0.jpg query 10 0
sensereid SenseReID/test_gallery/00010_1.jpg gallery 10 1
personx PersonX/bounding_box_train/0004_c12s1_01.jpg train 4 12
personx PersonX/query/0001_c3s1_32.jpg query 1 3
personx PersonX/bounding_box_test/0001_c4s1_02.jpg gallery 1 4
personx_v1 PersonX_v1/1/bounding_box_train/0004_c1s1_01.jpg train 4 1001
personx_v1 PersonX_v1/6/bounding_box_train/0004_c1s1_01.jpg train 4 6001
personx_v1 PersonX_v1/2/query/0001_c1s1_32.jpg query 1 2001
personx_v1 PersonX_v1/3/bounding_box_test/0001_c1s1_02.jpg gallery 1 3001
randperson randperson_subset/000007_c00_s03_f000264.jpg train 7 3000
randperson randperson_subset/000007_c01_s00_f001632.jpg train 7 1
randperson randperson_subset/000012_s10_c02_f001632.jpg train 12 10002
unrealperson unreal_v3.1/images/333_c001_78.jpg train 100333 3001
unrealperson unreal_v3.2/images/333_c001_78.jpg train 200333 3001
unrealperson unreal_v4.2/images/333_c001_5.jpg train 200333 4001
clonedperson clonedperson/train/700000_s02_c00_f023389.jpg train 700000 2000
clonedperson clonedperson/test/query/705227_s02_c02_f001117.jpg query 705227 2002
clonedperson clonedperson/test/gallery/705227_s12_c02_f005521.jpg gallery 705227 12002
veri776 VeRi/image_train/0001_c001_00016450_0.jpg train 1 1
veri776 VeRi/image_query/0002_c002_00030600_0.jpg query 2 2
veri776 VeRi/image_test/0002_c020_00030600_0.jpg gallery 2 20
pedestrians_day bounding_box_train/0002_c1s1_000451_03.jpg train 2 1
pedestrians_day query/0003_c2s1_000451_00.jpg query 3 2
pedestrians_day bounding_box_test/0003_c6s3_000451_00.jpg gallery 3 6
pedestrians_day bounding_box_test/0000_c4s3_000451_00.jpg gallery 0 4
pedestrians_day bounding_box_test/-1_c1s1_000401_03.jpg gallery -1 1
ltcc LTCC_ReID/train/000_1_c5_003654.png train 0 5 0
ltcc LTCC_ReID/query/094_1_c9_015833.png query 94 9 1
ltcc LTCC_ReID/test/094_2_c10_015901.png gallery 94 10 2
ltcc LTCC_ReID/test/095_1_c10_015901.png gallery 95 10 3
prcc prcc/rgb/train/001/A_cropped_rgb001.jpg train 1 1 0
prcc prcc/rgb/train/001/B_cropped_rgb001.jpg train 1 2 0
prcc prcc/rgb/train/001/C_cropped_rgb001.jpg train 1 3 1
prcc prcc/rgb/test/A/012/cropped_rgb001.jpg gallery 12 1 2
prcc prcc/rgb/test/B/012/cropped_rgb001.jpg query 12 2 2
prcc prcc/rgb/test/C/012/cropped_rgb001.jpg query 12 3 3
celebreid Celeb-reID/train/12_1_0.jpg train 12 0
celebreid Celeb-reID/query/1_5_0.jpg query 1 1
celebreid Celeb-reID/gallery/1_6_0.jpg gallery 1 2
last last/train/000000/000000_1_2_3_7.jpg train 0 0 0
last last/train/000000/000000_1_2_3_8.jpg train 0 0 1
last last/test/query/005001_1_2_3_4.jpg query 5001 1
last last/test/gallery/005001/005001_1_2_3_5.jpg gallery 5001 2
regdb RegDB/Visible/1/male_back_v_00001_1.bmp train 0 1
regdb RegDB/Thermal/1/male_back_t_00001_1.bmp train 0 2
regdb RegDB/Visible/2/male_back_v_00001_2.bmp query 0 1
regdb RegDB/Thermal/2/male_back_t_00001_2.bmp gallery 0 2
sysumm01 SYSU-MM01/cam1/0001/0001.jpg train 1 1
sysumm01 SYSU-MM01/cam3/0002/0001.jpg train 2 3
sysumm01 SYSU-MM01/cam6/0006/0001.jpg query 6 6
sysumm01 SYSU-MM01/cam1/0006/0001.jpg gallery 6 1
sysumm01 SYSU-MM01/cam2/0006/0001.jpg gallery 6 2
sysumm01 SYSU-MM01/cam4/0006/0001.jpg gallery 6 4
sysumm01 SYSU-MM01/cam5/0006/0001.jpg gallery 6 5
occluded_reid Occluded_REID/occluded_body_images/001/001_01.tif query 1 1
occluded_reid Occluded_REID/whole_body_images/001/001_01.tif gallery 1 2
pdukemtmc P-DukeMTMC-reid/train/occluded_body_images/0001/0001_c2_f0046302.jpg train 1 1
pdukemtmc P-DukeMTMC-reid/train/whole_body_images/0001/0001_c2_f0046182.jpg train 1 2
pdukemtmc P-DukeMTMC-reid/test/occluded_body_images/0003/0003_c1_f0044158.jpg query 3 1
pdukemtmc P-DukeMTMC-reid/test/whole_body_images/0003/0003_c1_f0044278.jpg gallery 3 2
agreid AG-ReID/bounding_box_train/P0001T04041A0C0F31.jpg train 1 0
agreid AG-ReID/query_all_c0/P0000T02140A0C0F91.jpg query 0 0
agreid AG-ReID/bounding_box_test_all_c3/P0000T02140A0C3F691.jpg gallery 0 3
agreid_from_ground AG-ReID/bounding_box_train/P0001T04041A0C0F31.jpg train 1 0
agreid_from_ground AG-ReID/query_all_c3/P0000T02140A0C3F91.jpg query 0 3
agreid_from_ground AG-ReID/bounding_box_test_all_c0/P0000T02140A0C0F691.jpg gallery 0 0
mars MARS/bbox_train/0001/0001C1T0001F001.jpg train 1 1
mars MARS/bbox_test/0002/0002C2T0001F001.jpg gallery 2 2
mars MARS/bbox_test/0002/0002C1T0001F001.jpg gallery 2 1
mars MARS/bbox_test/00-1/00-1C1T0001F001.jpg gallery -1 1
mars MARS/bbox_test/0000/0000C1T0001F001.jpg gallery 0 1
"""
FIXED: dict[str, dict[str, tuple[Any, ...]]] = {}
for _name, _path, _split, *_numbers in map(str.split, LAYOUTS.strip().splitlines()):
    FIXED.setdefault(_name, {})[_path] = (_split, *map(int, _numbers))
FIXED["pedestrians_night"] = FIXED["pedestrians_day"]
LISTS = {
    "regdb": {
        "RegDB/idx/train_visible_1.txt": "Visible/1/male_back_v_00001_1.bmp 0\n",
        "RegDB/idx/train_thermal_1.txt": "Thermal/1/male_back_t_00001_1.bmp 0\n",
        "RegDB/idx/test_visible_1.txt": "Visible/2/male_back_v_00001_2.bmp 0\n",
        "RegDB/idx/test_thermal_1.txt": "Thermal/2/male_back_t_00001_2.bmp 0\n",
    },
    "sysumm01": {
        "SYSU-MM01/exp/train_id.txt": "1,3\n",
        "SYSU-MM01/exp/val_id.txt": "2",
        "SYSU-MM01/exp/test_id.txt": "6,7",
    },
}


def draw(root, name):
    """A data set of a few noisy images, drawn as it lies on disk."""
    for seed, path in enumerate(FIXED[name]):
        write_image(root / path, seed)
    for path, lines in LISTS.get(name, {}).items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(lines)
    if name == "mars":
        info = root / "MARS/info"
        info.mkdir()
        (info / "test_name.txt").write_text("00-1C1T0001F001.jpg\n0000C1T0001F001.jpg\n0002C2T0001F001.jpg\n")
        savemat(info / "tracks_test_info.mat", {"track_test_info": [[1, 1, -1, 1], [2, 2, 0, 1], [3, 3, 2, 2]]})
        savemat(info / "query_IDX.mat", {"query_IDX": [[3]]})
    return root


@pytest.mark.parametrize("name", FIXED)
def test_sets_with_splits(tmp_path, name):
    assert triples(tmp_path, read_dataset(name, draw(tmp_path, name))) == FIXED[name]
    unlabelled = read_dataset(name, tmp_path, labeled=False).train
    assert {(record.pid, record.clothes) for record in unlabelled} <= {(UNLABELED, UNLABELED)}


@pytest.mark.parametrize("name", SPECIAL)
def test_check_recognises_a_drawn_copy_and_has_nothing_to_do(tmp_path, name):
    draw(tmp_path, name)
    complete, _ = recognize(tmp_path)
    assert name in {place.name for place in complete}
    found = inspect(read_dataset(name, tmp_path), num_ids=1, num_instances=1)
    assert [problem for problem in found.problems if "one image: no loss" not in problem] == []


def test_mars_asks_with_sequences_that_stay_in_the_gallery(tmp_path):
    splits = read_dataset("mars", draw(tmp_path, "mars"))
    assert [(record.pid, record.camid) for record in splits.query] == [(2, 2)]
    assert splits.query[0] in splits.gallery
    assert len({record.tracklet for record in splits.gallery} - {UNLABELED}) == 4


def test_regdb_has_ten_trials(tmp_path):
    draw(tmp_path, "regdb")
    for part, view in itertools.product(("train", "test"), ("visible", "thermal")):
        pid = 2 if part == "train" else 1  # the other way round
        line = f"{view.title()}/{pid}/male_back_{view[0]}_00001_{pid}.bmp 0\n"
        (tmp_path / f"RegDB/idx/{part}_{view}_3.txt").write_text(line)
    first, third = (read_dataset("regdb", tmp_path, trial=trial) for trial in (None, 3))
    assert (first.trial, third.trial) == (1, 3)
    assert {record.path for record in first.train} == {record.path for record in (*third.query, *third.gallery)}
    with pytest.raises(FileNotFoundError, match=r"idx/train_visible_2\.txt"):
        read_dataset("regdb", tmp_path, trial=2)
    with pytest.raises(ValueError, match=r"trial=11 names one of its authors' splits, and RegDB .* has 1 to 10"):
        read_dataset("regdb", tmp_path, trial=11)
    with pytest.raises(ValueError, match=r"trial=1 names .*, and Market-1501 has no such splits"):
        read_dataset("market1501", tmp_path, trial=1)
    with pytest.raises(ValueError, match="trial=1 names one of its authors' splits, and 'folder' has none"):
        read_dataset("folder", tmp_path, trial=1)


def test_markets_further_queries_are_those_of_people_that_ask(tmp_path):
    for seed, path in enumerate(FIXED["pedestrians_day"]):
        write_image(tmp_path / path, seed)
    for path in ("0003_c2s1_000459_00.jpg", "0003_c1s1_000459_00.jpg", "0002_c1s1_000459_00.jpg"):
        write_image(tmp_path / "gt_bbox" / path)
    (record,) = read_dataset("market1501", tmp_path).further
    assert (record.pid, record.camid) == (3, 2)


def test_msmt17_in_markets_folders(tmp_path):
    for path in FIXED["pedestrians_day"]:
        write_image(tmp_path / path)
    assert triples(tmp_path, read_dataset("msmt17", tmp_path)) == FIXED["pedestrians_day"]


def test_every_entry_is_tested_and_says_its_terms():
    assert set(CATALOG) == {*FIXED, *HALVED, "msmt17"}
    for entry in CATALOG.values():
        assert entry.citation
        assert entry.terms.endswith(".")
        assert set(entry.published) <= {"train", "query", "gallery", "all"}
