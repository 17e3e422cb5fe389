"""Data sets that ask another question: sequences, changed clothes, infrared, people half hidden or seen from the air.

How each lies on disk follows public readers of them; nobody here has held a copy. The counts of each part of LTCC, PRCC
and SYSU-MM01 were not found in print: what was found, or is known, is their sum (17,119 images; 33,698 with 5,002 for
validation; 44,745), and the parts add up to it. For AG-ReID only both directions' total was found (388 identities,
21,983 images), for MARS no identities.
"""

from __future__ import annotations

from dien_lightning.data.entries import DUKE_WITHDRAWN, FOR_RESEARCH, Entry
from dien_lightning.data.layouts import FileName, FolderLayout, ListLayout, PeopleLayout
from dien_lightning.data.tracklets import TrackletLayout

_AG_NAME = FileName(r"(?:^|/)(?P<pid>P\d+T\d+A\d+)C(?P<camid>\d+)F\d+\.", "P0001T04041A0C0F31.jpg")
_AG = "Nguyen et al., Aerial-Ground Person Re-ID, ICME 2023"
_BODY_NAME = FileName(
    r"(?:^|/)(?P<camid>occluded|whole)_body_images/(?:[^/]+/)?(?P<pid>\d+)_",
    "occluded_body_images/001/001_01.tif",
    cameras={"occluded": 1, "whole": 2},
)
_OCCLUDED = "Zhuo et al., Occluded Person Re-identification, ICME 2018"
_PRCC_NAME = FileName(
    r"^(?=.*/(?P<camid>[ABC])[_/])(?=.*/(?P<clothes>[ABC])[_/]).*/(?P<pid>\d+)/[^/]+$",
    "rgb/train/001/A_cropped_rgb001.jpg",
    cameras={"A": 1, "B": 2, "C": 3},
    clothes={"A": "1", "B": "1", "C": "2"},
)


def _agreid(title: str, query: int, gallery: int) -> Entry:
    folders = {
        "train": ["bounding_box_train"],
        "query": [f"query_all_c{query}"],
        "gallery": [f"bounding_box_test_all_c{gallery}"],
    }
    return Entry(title, [FolderLayout(folders, _AG_NAME)], _AG, FOR_RESEARCH, ["AG-ReID", "AG_ReID_v1", "agreid"])


def _regdb(trial: int) -> ListLayout:
    lists = {
        "train": [(f"idx/train_visible_{trial}.txt", "."), (f"idx/train_thermal_{trial}.txt", ".")],
        "query": [(f"idx/test_visible_{trial}.txt", ".")],
        "gallery": [(f"idx/test_thermal_{trial}.txt", ".")],
    }
    pattern, example = r"(?:^|/)(?P<camid>Visible|Thermal)/", "Visible/1/male_back_v_00001_1.bmp 0"
    return ListLayout(lists, pattern, example, cameras={"Visible": 1, "Thermal": 2})


# fmt: off
SPECIAL: dict[str, Entry] = {
    "mars": Entry(
        "MARS (sequences; its queries lie in the gallery too)",
        [TrackletLayout(FileName(r"(?:^|/)(?P<pid>00-1|\d{4})C(?P<camid>\d)T(?P<tracklet>\d+)F\d+\.",
                                 "bbox_train/0001/0001C1T0001F001.jpg"))],
        "Zheng et al., MARS: A Video Benchmark for Large-Scale Person Re-identification, ECCV 2016", FOR_RESEARCH,
        ["MARS", "mars", "Mars"], {"train": (None, 509914), "gallery": (None, 681089)}),
    "ltcc": Entry(
        "LTCC (changed clothes)",
        [FolderLayout({"train": ["train"], "query": ["query"], "gallery": ["test"]},
                      FileName(r"(?:^|/)(?P<pid>\d+)_(?P<clothes>\d+)_c(?P<camid>\d+)_", "094_1_c9_015833.png"))],
        "Qian et al., Long-Term Cloth-Changing Person Re-identification, ACCV 2020", FOR_RESEARCH,
        ["LTCC_ReID", "LTCC-reID", "LTCC", "ltcc"],
        {"train": (77, 9576), "query": (75, 493), "gallery": (75, 7050)}),
    "prcc": Entry(
        "PRCC (changed clothes: cameras B, the same, and C, others, ask A)",
        [FolderLayout({"train": ["rgb/train"], "query": ["rgb/test/B", "rgb/test/C"], "gallery": ["rgb/test/A"]},
                      _PRCC_NAME)],
        "Yang et al., Person Re-identification by Contour Sketch under Moderate Clothing Change, TPAMI 2021",
        FOR_RESEARCH, ["prcc", "PRCC"], {"train": (150, 17896), "query": (71, 7416), "gallery": (71, 3384)}),
    "celebreid": Entry(
        "Celeb-reID (photographs of celebrities; its cameras are not given: its parts count as cameras)",
        [FolderLayout({"train": ["train"], "query": ["query"], "gallery": ["gallery"]},
                      FileName(r"(?:^|/)(?P<camid>train|query|gallery)/(?P<pid>\d+)_\d+_\d+\.\w+$", "query/1_5_0.jpg",
                               cameras={"train": 0, "query": 1, "gallery": 2}))],
        "Huang et al., Beyond Scalar Neuron: Adopting Vector-Neuron Capsules for Long-Term Re-ID, TCSVT 2019",
        "For research only, not to be passed on or used commercially; its authors' page links it.",
        ["Celeb-reID", "celebreid"], {"train": (632, 20208), "query": (420, 2972), "gallery": (420, 11006)}),
    "last": Entry(
        "LaST (film scenes; its cameras are not given: its parts count as cameras; clothes are told in training)",
        [FolderLayout({"train": ["train"], "query": ["test/query"], "gallery": ["test/gallery"]}, FileName(
            r"^(?P<camid>(?P<is_train>train)|test/query|test/gallery)/(?:[^/]+/)?(?P<pid>-?\d+)_[^/]*?"
            r"(?(is_train)(?P<clothes>[^/_]+))\.\w+$", "train/000000/000000_0_0_1_2.jpg",
            cameras={"train": 0, "test/query": 1, "test/gallery": 2}))],
        "Shu et al., Large-Scale Spatio-Temporal Person Re-identification: Algorithm and Benchmark, TCSVT 2022",
        "For academic research only; its authors' page links it.", ["last", "LaST"], {"train": (5000, 71248)}),
    "sysumm01": Entry(
        "SYSU-MM01 (infrared: cameras 3 and 6 ask 1, 2, 4 and 5; train and val people train)",
        [PeopleLayout(["cam[1-6]"], FileName(r"(?:^|/)cam(?P<camid>\d)/(?P<pid>\d+)/[^/]+$", "cam1/0001/0001.jpg"),
                      query=r"^cam[36]/",
                      lists={"train": ["exp/train_id.txt", "exp/val_id.txt"], "test": ["exp/test_id.txt"]})],
        "Wu et al., RGB-IR Person Re-Identification by Cross-Modality Similarity Preservation, IJCV 2020",
        "Send its authors a signed agreement; for research only.", ["SYSU-MM01", "sysu", "SYSU"],
        {"train": (395, 34167), "query": (96, 3803), "gallery": (96, 6775)}),
    "regdb": Entry(
        "RegDB (thermal; visible asks thermal, in one of ten splits)", [_regdb(trial) for trial in range(1, 11)],
        "Nguyen et al., Person Recognition System Based on a Combination of Body Images, Sensors 2017", FOR_RESEARCH,
        ["RegDB", "regdb"], {"train": (206, 4120), "query": (206, 2060), "gallery": (206, 2060)}, has_trials=True),
    "occluded_reid": Entry(
        "Occluded-REID (for evaluation only; its cameras are not given: hidden and whole people count as two)",
        [FolderLayout({"query": ["occluded_body_images"], "gallery": ["whole_body_images"]}, _BODY_NAME)],
        _OCCLUDED, "For academic use only; its authors' page links it.",
        ["Occluded_REID", "Occluded-REID", "occluded_reid"], {"query": (200, 1000), "gallery": (200, 1000)}),
    "pdukemtmc": Entry(
        "P-DukeMTMC-reID (hidden and whole people count as two cameras, as in its papers)",
        [FolderLayout({"train": ["train/occluded_body_images", "train/whole_body_images"],
                       "query": ["test/occluded_body_images"], "gallery": ["test/whole_body_images"]}, _BODY_NAME)],
        _OCCLUDED, DUKE_WITHDRAWN, ["P-DukeMTMC-reid", "P-DukeMTMC-reID", "pdukemtmc"], {"all": (1299, 24143)}),
    "agreid": _agreid("AG-ReID, from the air (camera 0 asks camera 3)", 0, 3),
    "agreid_from_ground": _agreid("AG-ReID, from the ground (camera 3 asks camera 0)", 3, 0),
}
# fmt: on
