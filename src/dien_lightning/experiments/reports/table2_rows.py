"""The rows of Table II: what each method takes, what the paper prints for it, which experiment makes it."""

from __future__ import annotations

from dien_lightning.experiments.reports.table1_rows import TABLE_1, Method, Published

_CAMERAS = "cameras of the target's images"
TABLE_2: dict[str, Method] = {
    "r01_base": TABLE_1["r01_base"]._replace(takes="not even target images"),
    "umdl": Method("UMDL", "umdl", _CAMERAS, (Published(34.5, 12.4), Published(18.5, 7.3))),
    "umdl_features": Method("UMDL's features alone", "umdl"),
    "umdl_centered": Method("UMDL's features, less their camera's mean", "umdl", _CAMERAS),
    "pul": Method(
        "Base, then PUL",
        "second_stage",
        "roughly how many people the target shows",
        (Published(45.5, 20.5), Published(30.0, 16.4)),
    ),
    "spgan": Method("SPGAN, then Base", "table2"),
    "spgan_lmp": Method(
        "SPGAN, then Base with LMP", "table2", published=(Published(57.7, 26.7), Published(46.4, 26.2))
    ),
    "tj_aidl": Method(
        "TJ-AIDL", "table2", "attributes of the source's people", (Published(58.2, 26.5), Published(44.3, 23.0))
    ),
    "r08_full_t3": TABLE_1["r08_full_t3"]._replace(label="DIEN (T = 3)"),
    "cccdtl_dc_self": Method("Base + CCCDTL + DC, then self-training", "second_stage", _CAMERAS),
    "t3_self": Method("DIEN (T = 3), then self-training", "second_stage", _CAMERAS),
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
