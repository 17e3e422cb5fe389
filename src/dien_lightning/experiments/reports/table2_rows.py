"""The rows of Table II: what each method takes, what the paper prints for it, which experiment makes it."""

from __future__ import annotations

from typing import NamedTuple

from dien_lightning.experiments.reports.table1_rows import TABLE_1, Published


class Rival(NamedTuple):
    """One row.

    Attributes:
        label: for people.
        experiment: file in conf/experiment whose trainings make it; "umdl" is a command of its own.
        takes: what it needs beside labelled source and unlabelled target images.
        published: Duke → Market and Market → Duke, as the paper prints them; empty where it has no such row.
    """

    label: str
    experiment: str
    takes: str = "nothing"
    published: tuple[Published, ...] = ()


_CAMERAS = "cameras of the target's images"
TABLE_2: dict[str, Rival] = {
    "r01_base": Rival("Base", "table", "not even target images", TABLE_1["r01_base"][1:]),
    "umdl": Rival("UMDL", "umdl", _CAMERAS, (Published(34.5, 12.4), Published(18.5, 7.3))),
    "umdl_features": Rival("UMDL's features alone", "umdl"),
    "umdl_centered": Rival("UMDL's features, less their camera's mean", "umdl", _CAMERAS),
    "pul": Rival(
        "Base, then PUL",
        "second_stage",
        "roughly how many people the target shows",
        (Published(45.5, 20.5), Published(30.0, 16.4)),
    ),
    "spgan": Rival("SPGAN, then Base", "table2"),
    "spgan_lmp": Rival("SPGAN, then Base with LMP", "table2", published=(Published(57.7, 26.7), Published(46.4, 26.2))),
    "tj_aidl": Rival(
        "TJ-AIDL", "table2", "attributes of the source's people", (Published(58.2, 26.5), Published(44.3, 23.0))
    ),
    "r08_full_t3": Rival("DIEN (T = 3)", "table", published=TABLE_1["r08_full_t3"][1:]),
    "cccdtl_dc_self": Rival("Base + CCCDTL + DC, then self-training", "second_stage", _CAMERAS),
    "t3_self": Rival("DIEN (T = 3), then self-training", "second_stage", _CAMERAS),
}
"""Table II of Pu et al. (2019), with Base, DIEN's self-training and a control, by the names of the rows' records."""
CLAIMS = (  # of each two rows the paper has the first above the second; in rank-1 both ways, but for PUL above Base
    ("r01_base", "umdl"),
    ("pul", "r01_base"),
    ("spgan_lmp", "r01_base"),
    ("tj_aidl", "r01_base"),
    ("pul", "umdl"),
    ("spgan_lmp", "pul"),
    ("tj_aidl", "pul"),
    ("r08_full_t3", "pul"),
    ("r08_full_t3", "spgan_lmp"),
    ("r08_full_t3", "tj_aidl"),
)
CONTROL, SPGAN_LMP = "control", "spgan_lmp_with_target_statistics"
WITH_TARGET_STATISTICS = {CONTROL: "r01_base", SPGAN_LMP: "spgan_lmp"}
"""Rows with the target's batch-norm statistics, as every adapted row has them: no rows, but a claim's other side."""
OUR_CLAIMS = (
    ("pul", CONTROL),
    ("tj_aidl", CONTROL),
    ("umdl", CONTROL),
    (SPGAN_LMP, CONTROL),
    ("r08_full_t3", CONTROL),
    ("r08_full_t3", SPGAN_LMP),
    ("umdl", "umdl_features"),
    ("umdl", "umdl_centered"),
    ("spgan_lmp", "spgan"),
    ("t3_self", "r08_full_t3"),
    ("cccdtl_dc_self", "pul"),
)
