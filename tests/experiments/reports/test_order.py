from __future__ import annotations

from dien_lightning.experiments.reports.main_runs import select_main_runs
from dien_lightning.experiments.reports.order import CLAIMS, order_table
from dien_lightning.experiments.reports.published import TABLE_1
from dien_lightning.experiments.reports.records import read_runs
from experiments.reports.finished_runs import write_record


def test_the_claims_are_the_papers():
    against = {(a, b) for a, b in CLAIMS if TABLE_1[a].duke_to_market.rank1 <= TABLE_1[b].duke_to_market.rank1}
    against |= {(a, b) for a, b in CLAIMS if TABLE_1[a].market_to_duke.rank1 <= TABLE_1[b].market_to_duke.rank1}
    against |= {(a, b) for a, b in CLAIMS if TABLE_1[a].market_to_duke.mAP <= TABLE_1[b].market_to_duke.mAP}
    assert against == set()
    in_map = {(a, b) for a, b in CLAIMS if TABLE_1[a].duke_to_market.mAP <= TABLE_1[b].duke_to_market.mAP}
    assert in_map == {("r06_full_t1", "r05_cccdtl_dc")}


def order_of(folder):
    table = order_table(select_main_runs(read_runs([folder])).runs)
    return {row.label: row.cells for row in table.rows}


def test_each_pair_of_rows_has_its_difference_and_the_papers(tmp_path):
    for seed, (base, control, exemplar, dc) in enumerate([(0.2, 0.4, 0.35, 0.6), (0.3, 0.5, 0.45, 0.58)]):
        write_record(tmp_path, "r01_base", base, seed=seed, control=control)
        write_record(tmp_path, "r02_exemplar", exemplar, seed=seed)
        write_record(tmp_path, "r04_dc", dc, seed=seed)
    order = order_of(tmp_path)
    # Base 25 ± 7.1, control 45 ± 7.1, TL[8] 40 ± 7.1, DC 59 ± 1.4; mAP is half of each. The paper: 49.9 - 45.1, ...
    assert order["Base + TL[8] above Base"] == ("+15.0 yes", "+7.5 yes", "+4.8", "+3.1", "+4.1", "+4.1")
    assert order["Base + TL[8] above the control"][:3] == ("-5.0 within", "-2.5 within", "–")
    assert order["Base + DC above the control"][:2] == ("+14.0 yes", "+7.0 yes")
    assert len(order) == 4  # rows that have not been run are in no claim


def test_less_beyond_the_spread_is_no_and_one_seed_has_no_verdict(tmp_path):
    for seed in (0, 1):
        write_record(tmp_path, "r04_dc", 0.6 + seed / 100, seed=seed)
        write_record(tmp_path, "r05_cccdtl_dc", 0.5, seed=seed)
    write_record(tmp_path, "r06_full_t1", 0.7)
    order = order_of(tmp_path)
    assert order["Base + CCCDTL + DC above Base + DC"][0] == "-10.5 no"
    assert order["DIEN (T = 1) above Base + CCCDTL + DC"][0] == "+20.0"
