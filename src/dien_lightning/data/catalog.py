"""The data sets we know, a few lines each. Nothing here is ever downloaded.

Counts are those that the sets' own pages or papers state; where we found none, none is given. The table is laid out by
hand: title, layouts, citation, terms, the folders its archive unpacks to, counts.
"""

from __future__ import annotations

from dien_lightning.data.catalog_special import SPECIAL
from dien_lightning.data.entries import (
    DUKE_WITHDRAWN,
    FOR_RESEARCH,
    MARKET_FOLDERS,
    MARKET_LAYOUT,
    MARKET_NAME,
    NOBODY_REAL,
    Entry,
)
from dien_lightning.data.layouts import FileName, FolderLayout, ListLayout, PeopleLayout

_MARKET = "Zheng et al., Scalable Person Re-identification: A Benchmark, ICCV 2015"
_MARKET_TERMS = "For research only, not to be passed on or used commercially; ask its authors for it."
_MARKET_ARCHIVES = ["Market-1501-v15.09.15", "Market-1501", "Market1501", "market1501"]
_CUHK03 = "Li et al., CVPR 2014; split of Zhong et al., CVPR 2017"
_CUHK03_TERMS = "For research, with respect for the students' privacy; ask its authors for it."
_PERSONX = "Sun and Zheng, Dissecting Person Re-identification from the Viewpoint of Viewpoint, CVPR 2019"
_PERSONX_NAME = FileName(  # whether a camera's number says the background is not written down: the folder's does
    r"(?P<camid_part>[1-6])/[^/]+/(?P<pid>\d+)_c(?P<camid>\d+)[^/]*$", "1/query/0001_c1s1_32.jpg"
)
_SCENE_NAME = FileName(r"(?:^|/)(?P<pid>\d+)_s(?P<camid_part>\d+)_c(?P<camid>\d+)_", "700000_s02_c00_f023389.jpg")
_DRAWN = "Draw it with `dien draw`; nobody in it is real."


def _msmt17_layout(train: str, test: str) -> ListLayout:
    return ListLayout(
        {
            "train": [("list_train.txt", train), ("list_val.txt", train)],
            "query": [("list_query.txt", test)],
            "gallery": [("list_gallery.txt", test)],
        },
        pattern=r"(?:^|/)\d+_\d+_(?P<camid>\d+)_",
        example="0000/0000_000_01_0303morning_0008_0.jpg 0",
    )


# fmt: off
CATALOG: dict[str, Entry] = {
    "market1501": Entry(
        "Market-1501", [MARKET_LAYOUT], _MARKET, _MARKET_TERMS, _MARKET_ARCHIVES,
        {"train": (751, 12936), "query": (750, 3368), "gallery": (None, 19732)}),
    "market1501_500k": Entry(
        "Market-1501 with 500k distractors",
        [FolderLayout({**MARKET_FOLDERS, "gallery": ["bounding_box_test", "images"]}, MARKET_NAME)],
        _MARKET, _MARKET_TERMS, _MARKET_ARCHIVES, {"train": (751, 12936), "query": (750, 3368)}),
    "dukemtmcreid": Entry(
        "DukeMTMC-reID", [MARKET_LAYOUT], "Ristani et al., ECCV Workshops 2016; Zheng et al., ICCV 2017",
        DUKE_WITHDRAWN, ["DukeMTMC-reID", "dukemtmc-reid", "DukeMTMCreID", "dukemtmcreid"],
        {"train": (702, 16522), "query": (702, 2228), "gallery": (1110, 17661)}),
    "occluded_duke": Entry(
        "Occluded-DukeMTMC", [MARKET_LAYOUT],
        "Miao et al., Pose-Guided Feature Alignment for Occluded Person Re-Identification, ICCV 2019", DUKE_WITHDRAWN,
        ["Occluded_Duke", "Occluded-DukeMTMC", "occluded_duke"],
        {"train": (None, 15618), "query": (519, 2210), "gallery": (1110, 17661)}),
    "msmt17": Entry(
        "MSMT17", [_msmt17_layout("train", "test"), _msmt17_layout("mask_train_v2", "mask_test_v2"), MARKET_LAYOUT],
        "Wei et al., Person Transfer GAN to Bridge Domain Gap for Person Re-Identification, CVPR 2018", FOR_RESEARCH,
        ["MSMT17_V1", "MSMT17_V2", "MSMT17", "msmt17"],
        {"train": (1041, 32621), "query": (3060, 11659), "gallery": (3060, 82161)}),
    "cuhk03np_labeled": Entry(
        "CUHK03-NP, boxes drawn by hand", [MARKET_LAYOUT], _CUHK03, _CUHK03_TERMS,
        ["labeled", "cuhk03-np/labeled", "CUHK03-NP/labeled", "cuhk03np/labeled"],
        {"train": (767, 7368), "query": (700, 1400), "gallery": (700, 5328)}),
    "cuhk03np_detected": Entry(
        "CUHK03-NP, boxes found by a detector", [MARKET_LAYOUT], _CUHK03, _CUHK03_TERMS,
        ["detected", "cuhk03-np/detected", "CUHK03-NP/detected", "cuhk03np/detected"],
        {"train": (767, 7365), "query": (700, 1400), "gallery": (700, 5332)}),
    "cuhk01": Entry(
        "CUHK01",
        [PeopleLayout(["campus"], FileName(r"(?:^|/)(?P<pid>\d{4})(?P<camid>00[1-4])\.", "campus/0001001.png",
                                           cameras={"001": 1, "002": 1, "003": 2, "004": 2}), query=r"00[12]\.\w+$")],
        "Li et al., Human Reidentification with Transferred Metric Learning, ACCV 2012", FOR_RESEARCH,
        ["CUHK01", "cuhk01"], {"all": (971, 3884)}),
    "viper": Entry(
        "VIPeR",
        [PeopleLayout(["cam_a", "cam_b"], FileName(r"cam_(?P<camid>[ab])/(?P<pid>\d+)_", "cam_a/000_45.bmp",
                                                   cameras={"a": 1, "b": 2}), query=r"^cam_a/")],
        "Gray et al., Evaluating Appearance Models for Recognition, Reacquisition, and Tracking, PETS 2007",
        FOR_RESEARCH, ["VIPeR", "viper"], {"all": (632, 1264)}),
    "grid": Entry(
        "QMUL underGround Re-IDentification (GRID)",
        [PeopleLayout(["probe", "gallery"], FileName(r"(?:^|/)(?P<pid>\d{4})_(?P<camid>\d+)_",
                                                     "probe/0001_1_25004_107_32_106_221.jpeg"),
                      query=r"^probe/", paired=range(1, 251))],
        "Loy et al., Multi-camera Activity Correlation Analysis, CVPR 2009", FOR_RESEARCH,
        ["underground_reid", "grid/underground_reid", "grid"], {"all": (None, 1275)}),
    "prid2011": Entry(
        "PRID 2011, single shot",
        [PeopleLayout(["cam_a", "cam_b"], FileName(r"cam_(?P<camid>[ab])/person_(?P<pid>\d+)", "cam_a/person_0001.png",
                                                   cameras={"a": 1, "b": 2}),
                      query=r"^cam_a/", paired=range(1, 201))],
        "Hirzer et al., Person Re-Identification by Descriptive and Discriminative Classification, SCIA 2011",
        FOR_RESEARCH,
        ["single_shot", "prid_2011/single_shot", "prid2011/prid_2011/single_shot", "prid2011/single_shot"],
        {"train": (100, 200), "query": (100, 100), "gallery": (None, 649)}),
    "ilids": Entry(
        "QMUL-iLIDS (its cameras are not given: every image of a person counts as a camera of its own)",
        [PeopleLayout(["Persons"], FileName(r"(?:^|/)(?P<pid>\d{4})(?P<camid>\d{3})\.", "Persons/0001001.jpg"),
                      query=r"001\.\w+$")],
        "Zheng et al., Associating Groups of People, BMVC 2009", FOR_RESEARCH,
        ["i-LIDS_Pedestrian", "ilids/i-LIDS_Pedestrian", "ilids"], {"all": (119, 476)}),
    "pku_reid": Entry(
        "PKU-Reid",
        [PeopleLayout(["PKUv1a_128x48"],
                      FileName(r"(?:^|/)(?P<pid>\d+)_(?P<camid>\d+)_", "PKUv1a_128x48/001_01_01.png"),
                      query=r"/\d+_0*1_[^/]*$")],
        "Ma et al., Orientation Driven Bag of Appearances for Person Re-identification, 2016", FOR_RESEARCH,
        ["PKU-Reid-Dataset", "PKU-Reid", "pku_reid"], {"all": (114, 1824)}),
    "sensereid": Entry(
        "SenseReID (for evaluation only: it has no training images)",
        [FolderLayout({"query": ["test_probe"], "gallery": ["test_gallery"]},
                      FileName(r"(?:^|/)(?P<pid>\d+)_(?P<camid>\d+)\.", "test_probe/00000_0.jpg"))],
        "Zhao et al., Spindle Net, CVPR 2017", FOR_RESEARCH,
        ["SenseReID", "sensereid/SenseReID", "sensereid"], {"query": (522, 1040), "gallery": (1717, 3388)}),
    "personx": Entry(
        "PersonX (rendered; its later, harder subset)", [MARKET_LAYOUT], _PERSONX, NOBODY_REAL,
        ["PersonX", "personx"], {"train": (None, 9840), "query": (None, 5136), "gallery": (None, 30816)}),
    "personx_v1": Entry(
        "PersonX v1 (rendered; each person before six backgrounds, a folder for each)",
        [FolderLayout({split: [f"[1-6]/{names[0]}"] for split, names in MARKET_FOLDERS.items()}, _PERSONX_NAME)],
        _PERSONX, NOBODY_REAL, ["PersonX_v1", "personx_v1"], {"all": (1266, 273456)}),
    "randperson": Entry(
        "RandPerson (rendered; the subset of the paper)",
        [FolderLayout({"train": ["."]}, FileName(
            r"(?:^|/)(?P<pid>\d+)_(?=(?:c\d+_)?s(?P<camid_part>\d+)_)(?=(?:s\d+_)?c(?P<camid>\d+)_)",
            "000000_s00_c00_f000264.jpg"))],
        "Wang et al., Surpassing Real-World Source Training Data: Random 3D Characters, ACM MM 2020", NOBODY_REAL,
        ["randperson_subset/randperson_subset", "randperson_subset", "randperson", "RandPerson"],
        {"train": (8000, 132145)}),
    "unrealperson": Entry(
        "UnrealPerson (rendered)",
        [FolderLayout({"train": ["unreal_v*/images"]}, FileName(
            r"unreal_v(?P<camid_part>\d+)\.(?P<pid_part>\d+)/images/(?P<pid>\d+)_c(?P<camid>\d+)_",
            "unreal_v3.1/images/333_c001_78.jpg"))],
        "Zhang et al., UnrealPerson: An Adaptive Pipeline Towards Costless Person Re-Identification, 2021", NOBODY_REAL,
        ["UnrealPerson-data", "UnrealPerson", "unrealperson", "unreal"]),
    "clonedperson": Entry(
        "ClonedPerson (rendered, in clothes cloned from photographs)",
        [FolderLayout({"train": ["train"], "query": ["test/query"], "gallery": ["test/gallery"]}, _SCENE_NAME)],
        "Wang et al., Cloning Outfits from Real-World Images to 3D Characters, CVPR 2022",
        "Nobody in it is real, their clothes are; ask its authors for it.",
        ["clonedperson", "ClonedPerson"], {"all": (5621, 887766)}),
    "veri776": Entry(
        "VeRi-776 (vehicles)",
        [FolderLayout({"train": ["image_train"], "query": ["image_query"], "gallery": ["image_test"]}, MARKET_NAME)],
        "Liu et al., A Deep Learning-based Approach to Progressive Vehicle Re-identification, ECCV 2016", FOR_RESEARCH,
        ["VeRi", "VeRi-776", "veri776"], {"train": (None, 37778), "query": (None, 1678), "gallery": (None, 11579)}),
    **SPECIAL,
    "pedestrians_day": Entry("drawn pedestrians, day", [MARKET_LAYOUT], "this library", _DRAWN),
    "pedestrians_night": Entry("drawn pedestrians, night", [MARKET_LAYOUT], "this library", _DRAWN),
}
# fmt: on


def is_drawn(name: str) -> bool:
    """Whether the set is one that `draw_pedestrians` draws."""
    return name.startswith("pedestrians_")
