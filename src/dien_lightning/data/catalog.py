"""The data sets we know, a dozen lines each. Nothing here is ever downloaded.

Counts are those that the sets' own pages or papers state; where we found none, none is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dien_lightning.data.layouts import FileName, FolderLayout, Layout, ListLayout, PeopleLayout


class Counts(NamedTuple):
    """What a data set's authors counted; None where they do not say."""

    identities: int | None
    images: int | None


@dataclass(frozen=True)
class Entry:
    """What we know of one data set.

    Args:
        title: its name in prose.
        layouts: how it may lie on disk; the first one that fits is read.
        citation: the paper that introduced it.
        terms: what its authors ask of those who use it, and where to ask for it, in one sentence.
        subfolders: folder names that its archive unpacks to.
        cameras: how many there are.
        published: split (or "all") -> counts.
    """

    title: str
    layouts: Sequence[Layout]
    citation: str
    terms: str
    subfolders: Sequence[str] = ()
    cameras: int | None = None
    published: Mapping[str, Counts] = field(default_factory=dict)


MARKET_NAME = FileName(r"(?:^|/)(?P<pid>-1|\d+)_c(?P<camid>\d+)[^/]*$", "0002_c1s1_000451_03.jpg")
PERSONX_NAME = FileName(  # whether a camera's number says the background is not written down: the folder's does
    r"(?P<camid_part>[1-6])/[^/]+/(?P<pid>\d+)_c(?P<camid>\d+)[^/]*$", "1/query/0001_c1s1_32.jpg"
)
SCENE_NAME = FileName(r"(?:^|/)(?P<pid>\d+)_s(?P<camid_part>\d+)_c(?P<camid>\d+)_", "700000_s02_c00_f023389.jpg")
MARKET_FOLDERS = {"train": ["bounding_box_train"], "query": ["query"], "gallery": ["bounding_box_test"]}
MARKET_LAYOUT = FolderLayout(MARKET_FOLDERS, MARKET_NAME)
FOR_RESEARCH = "Made for research; ask its authors for it and for its terms."
DUKE_WITHDRAWN = "DukeMTMC was withdrawn by its authors in 2019: a copy you have is read, none is fetched."


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


CATALOG: dict[str, Entry] = {
    "market1501": Entry(
        title="Market-1501",
        layouts=[MARKET_LAYOUT],
        citation="Zheng et al., Scalable Person Re-identification: A Benchmark, ICCV 2015",
        terms="For research only, not to be passed on or used commercially; ask its authors for it.",
        subfolders=["Market-1501-v15.09.15", "Market-1501", "Market1501", "market1501"],
        cameras=6,
        published={"train": Counts(751, 12936), "query": Counts(750, 3368), "gallery": Counts(None, 19732)},
    ),
    "market1501_500k": Entry(
        title="Market-1501 with 500k distractors",
        layouts=[FolderLayout({**MARKET_FOLDERS, "gallery": ["bounding_box_test", "images"]}, MARKET_NAME)],
        citation="Zheng et al., Scalable Person Re-identification: A Benchmark, ICCV 2015",
        terms="For research only, not to be passed on or used commercially; ask its authors for it.",
        subfolders=["Market-1501-v15.09.15", "Market-1501", "Market1501", "market1501"],
        cameras=6,
        published={"train": Counts(751, 12936), "query": Counts(750, 3368)},
    ),
    "dukemtmcreid": Entry(
        title="DukeMTMC-reID",
        layouts=[MARKET_LAYOUT],
        citation="Ristani et al., ECCV Workshops 2016; Zheng et al., ICCV 2017",
        terms=DUKE_WITHDRAWN,
        subfolders=["DukeMTMC-reID", "dukemtmc-reid", "DukeMTMCreID", "dukemtmcreid"],
        cameras=8,
        published={"train": Counts(702, 16522), "query": Counts(702, 2228), "gallery": Counts(1110, 17661)},
    ),
    "occluded_duke": Entry(
        title="Occluded-DukeMTMC",
        layouts=[MARKET_LAYOUT],
        citation="Miao et al., Pose-Guided Feature Alignment for Occluded Person Re-Identification, ICCV 2019",
        terms=DUKE_WITHDRAWN,
        subfolders=["Occluded_Duke", "Occluded-DukeMTMC", "occluded_duke"],
        cameras=8,
        published={"train": Counts(None, 15618), "query": Counts(519, 2210), "gallery": Counts(1110, 17661)},
    ),
    "msmt17": Entry(
        title="MSMT17",
        layouts=[_msmt17_layout("train", "test"), _msmt17_layout("mask_train_v2", "mask_test_v2"), MARKET_LAYOUT],
        citation="Wei et al., Person Transfer GAN to Bridge Domain Gap for Person Re-Identification, CVPR 2018",
        terms=FOR_RESEARCH,
        subfolders=["MSMT17_V1", "MSMT17_V2", "MSMT17", "msmt17"],
        cameras=15,
        published={"train": Counts(1041, 32621), "query": Counts(3060, 11659), "gallery": Counts(3060, 82161)},
    ),
    "cuhk03np_labeled": Entry(
        title="CUHK03-NP, boxes drawn by hand",
        layouts=[MARKET_LAYOUT],
        citation="Li et al., CVPR 2014; split of Zhong et al., CVPR 2017",
        terms="For research, with respect for the students' privacy; ask its authors for it.",
        subfolders=["labeled", "cuhk03-np/labeled", "CUHK03-NP/labeled", "cuhk03np/labeled"],
        cameras=2,
        published={"train": Counts(767, 7368), "query": Counts(700, 1400), "gallery": Counts(700, 5328)},
    ),
    "cuhk03np_detected": Entry(
        title="CUHK03-NP, boxes found by a detector",
        layouts=[MARKET_LAYOUT],
        citation="Li et al., CVPR 2014; split of Zhong et al., CVPR 2017",
        terms="For research, with respect for the students' privacy; ask its authors for it.",
        subfolders=["detected", "cuhk03-np/detected", "CUHK03-NP/detected", "cuhk03np/detected"],
        cameras=2,
        published={"train": Counts(767, 7365), "query": Counts(700, 1400), "gallery": Counts(700, 5332)},
    ),
    "cuhk01": Entry(
        title="CUHK01",
        layouts=[
            PeopleLayout(
                ["campus"],
                FileName(
                    r"(?:^|/)(?P<pid>\d{4})(?P<camid>00[1-4])\.",
                    "campus/0001001.png",
                    cameras={"001": 1, "002": 1, "003": 2, "004": 2},
                ),
                query=r"00[12]\.\w+$",
            )
        ],
        citation="Li et al., Human Reidentification with Transferred Metric Learning, ACCV 2012",
        terms=FOR_RESEARCH,
        subfolders=["CUHK01", "cuhk01"],
        cameras=2,
        published={"all": Counts(971, 3884)},
    ),
    "viper": Entry(
        title="VIPeR",
        layouts=[
            PeopleLayout(
                ["cam_a", "cam_b"],
                FileName(r"cam_(?P<camid>[ab])/(?P<pid>\d+)_", "cam_a/000_45.bmp", cameras={"a": 1, "b": 2}),
                query=r"^cam_a/",
            )
        ],
        citation="Gray et al., Evaluating Appearance Models for Recognition, Reacquisition, and Tracking, PETS 2007",
        terms=FOR_RESEARCH,
        subfolders=["VIPeR", "viper"],
        cameras=2,
        published={"all": Counts(632, 1264)},
    ),
    "grid": Entry(
        title="QMUL underGround Re-IDentification (GRID)",
        layouts=[
            PeopleLayout(
                ["probe", "gallery"],
                FileName(r"(?:^|/)(?P<pid>\d{4})_(?P<camid>\d+)_", "probe/0001_1_25004_107_32_106_221.jpeg"),
                query=r"^probe/",
                paired=range(1, 251),
            )
        ],
        citation="Loy et al., Multi-camera Activity Correlation Analysis, CVPR 2009",
        terms=FOR_RESEARCH,
        subfolders=["underground_reid", "grid/underground_reid", "grid"],
        cameras=8,
        published={"all": Counts(None, 1275)},
    ),
    "prid2011": Entry(
        title="PRID 2011, single shot",
        layouts=[
            PeopleLayout(
                ["cam_a", "cam_b"],
                FileName(r"cam_(?P<camid>[ab])/person_(?P<pid>\d+)", "cam_a/person_0001.png", cameras={"a": 1, "b": 2}),
                query=r"^cam_a/",
                paired=range(1, 201),
            )
        ],
        citation="Hirzer et al., Person Re-Identification by Descriptive and Discriminative Classification, SCIA 2011",
        terms=FOR_RESEARCH,
        subfolders=["single_shot", "prid_2011/single_shot", "prid2011/prid_2011/single_shot", "prid2011/single_shot"],
        cameras=2,
        published={"train": Counts(100, 200), "query": Counts(100, 100), "gallery": Counts(None, 649)},
    ),
    "ilids": Entry(
        title="QMUL-iLIDS (its cameras are not given: every image of a person counts as a camera of its own)",
        layouts=[
            PeopleLayout(
                ["Persons"],
                FileName(r"(?:^|/)(?P<pid>\d{4})(?P<camid>\d{3})\.", "Persons/0001001.jpg"),
                query=r"001\.\w+$",
            )
        ],
        citation="Zheng et al., Associating Groups of People, BMVC 2009",
        terms=FOR_RESEARCH,
        subfolders=["i-LIDS_Pedestrian", "ilids/i-LIDS_Pedestrian", "ilids"],
        published={"all": Counts(119, 476)},
    ),
    "pku_reid": Entry(
        title="PKU-Reid",
        layouts=[
            PeopleLayout(
                ["PKUv1a_128x48"],
                FileName(r"(?:^|/)(?P<pid>\d+)_(?P<camid>\d+)_", "PKUv1a_128x48/001_01_01.png"),
                query=r"/\d+_0*1_[^/]*$",
            )
        ],
        citation="Ma et al., Orientation Driven Bag of Appearances for Person Re-identification, 2016",
        terms=FOR_RESEARCH,
        subfolders=["PKU-Reid-Dataset", "PKU-Reid", "pku_reid"],
        cameras=2,
        published={"all": Counts(114, 1824)},
    ),
    "sensereid": Entry(
        title="SenseReID (for evaluation only: it has no training images)",
        layouts=[
            FolderLayout(
                {"query": ["test_probe"], "gallery": ["test_gallery"]},
                FileName(r"(?:^|/)(?P<pid>\d+)_(?P<camid>\d+)\.", "test_probe/00000_0.jpg"),
            )
        ],
        citation="Zhao et al., Spindle Net, CVPR 2017",
        terms=FOR_RESEARCH,
        subfolders=["SenseReID", "sensereid/SenseReID", "sensereid"],
        published={"query": Counts(522, 1040), "gallery": Counts(1717, 3388)},
    ),
    "personx": Entry(
        title="PersonX (rendered; its later, harder subset)",
        layouts=[MARKET_LAYOUT],
        citation="Sun and Zheng, Dissecting Person Re-identification from the Viewpoint of Viewpoint, CVPR 2019",
        terms="Nobody in it is real; ask its authors for it.",
        subfolders=["PersonX", "personx"],
        cameras=6,
        published={"train": Counts(None, 9840), "query": Counts(None, 5136), "gallery": Counts(None, 30816)},
    ),
    "personx_v1": Entry(
        title="PersonX v1 (rendered; each person before six backgrounds, a folder for each)",
        layouts=[FolderLayout({split: [f"[1-6]/{names[0]}"] for split, names in MARKET_FOLDERS.items()}, PERSONX_NAME)],
        citation="Sun and Zheng, Dissecting Person Re-identification from the Viewpoint of Viewpoint, CVPR 2019",
        terms="Nobody in it is real; ask its authors for it.",
        subfolders=["PersonX_v1", "personx_v1"],
        published={"all": Counts(1266, 273456)},
    ),
    "randperson": Entry(
        title="RandPerson (rendered; the subset of the paper)",
        layouts=[
            FolderLayout(
                {"train": ["."]},
                FileName(
                    r"(?:^|/)(?P<pid>\d+)_(?=(?:c\d+_)?s(?P<camid_part>\d+)_)(?=(?:s\d+_)?c(?P<camid>\d+)_)",
                    "000000_s00_c00_f000264.jpg",
                ),
            )
        ],
        citation="Wang et al., Surpassing Real-World Source Training Data: Random 3D Characters, ACM MM 2020",
        terms="Nobody in it is real; ask its authors for it.",
        subfolders=["randperson_subset/randperson_subset", "randperson_subset", "randperson", "RandPerson"],
        cameras=19,
        published={"train": Counts(8000, 132145)},
    ),
    "unrealperson": Entry(
        title="UnrealPerson (rendered)",
        layouts=[
            FolderLayout(
                {"train": ["unreal_v*/images"]},
                FileName(
                    r"unreal_v(?P<camid_part>\d+)\.(?P<pid_part>\d+)/images/(?P<pid>\d+)_c(?P<camid>\d+)_",
                    "unreal_v3.1/images/333_c001_78.jpg",
                ),
            )
        ],
        citation="Zhang et al., UnrealPerson: An Adaptive Pipeline Towards Costless Person Re-Identification, 2021",
        terms="Nobody in it is real; ask its authors for it.",
        subfolders=["UnrealPerson-data", "UnrealPerson", "unrealperson", "unreal"],
        cameras=34,
    ),
    "clonedperson": Entry(
        title="ClonedPerson (rendered, in clothes cloned from photographs)",
        layouts=[FolderLayout({"train": ["train"], "query": ["test/query"], "gallery": ["test/gallery"]}, SCENE_NAME)],
        citation="Wang et al., Cloning Outfits from Real-World Images to 3D Characters, CVPR 2022",
        terms="Nobody in it is real, their clothes are; ask its authors for it.",
        subfolders=["clonedperson", "ClonedPerson"],
        cameras=24,
        published={"all": Counts(5621, 887766)},
    ),
    "veri776": Entry(
        title="VeRi-776 (vehicles)",
        layouts=[
            FolderLayout({"train": ["image_train"], "query": ["image_query"], "gallery": ["image_test"]}, MARKET_NAME)
        ],
        citation="Liu et al., A Deep Learning-based Approach to Progressive Vehicle Re-identification, ECCV 2016",
        terms=FOR_RESEARCH,
        subfolders=["VeRi", "VeRi-776", "veri776"],
        cameras=20,
        published={"train": Counts(None, 37778), "query": Counts(None, 1678), "gallery": Counts(None, 11579)},
    ),
    "pedestrians_day": Entry(
        title="drawn pedestrians, day",
        layouts=[MARKET_LAYOUT],
        citation="this library",
        terms="Draw it with scripts/make_pedestrians.py; nobody in it is real.",
    ),
    "pedestrians_night": Entry(
        title="drawn pedestrians, night",
        layouts=[MARKET_LAYOUT],
        citation="this library",
        terms="Draw it with scripts/make_pedestrians.py; nobody in it is real.",
    ),
}


def is_drawn(name: str) -> bool:
    """Whether the set is one that `draw_pedestrians` draws."""
    return name.startswith("pedestrians_")
