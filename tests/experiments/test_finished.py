"""A finished run in the place of another: what lies there now of the images that it saw."""

from __future__ import annotations

import shutil

from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.finished import fingerprints_there, read_once
from proofs.tiny import TINY


def test_a_set_that_is_gone_says_nothing_of_the_other(drawn_pair, tmp_path):
    def there(*overrides):
        return fingerprints_there(compose_config([*TINY, f"data_root={drawn_pair}", *overrides]))

    both = there()
    assert both.keys() == {"source", "target"}
    assert there(f"data.source_root={tmp_path / 'gone'}") == {"target": both["target"]}
    assert there(f"data.source_root={tmp_path / 'gone'}", f"data.target_root={tmp_path / 'gone'}") == {}


def test_runs_of_one_pair_read_it_once(drawn_pair, tmp_path):
    shutil.copytree(drawn_pair, tmp_path / "data")
    read, asked = read_once(), [*TINY, f"data_root={tmp_path / 'data'}"]
    first = read(compose_config([*asked, "seed=0"]))
    shutil.rmtree(tmp_path / "data")
    assert read(compose_config([*asked, "seed=1"])) == first
    assert read(compose_config([*asked, "data.cameras=none"])) == {}
