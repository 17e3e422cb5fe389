"""The data of TJ-AIDL: source and target as ever, and the attributes of the source's people beside them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from dien_lightning.data import DomainPairDataModule
from dien_lightning.data.catalog import is_drawn
from dien_lightning.pedestrians import write_attributes
from dien_lightning.rivals.tj_aidl.attributes import Attributes, binary_attributes, read_attributes


class AttributedPairDataModule(DomainPairDataModule):
    """Feeds the batches of `DomainPairDataModule` and knows the attributes of the source's people.

    Args:
        attributes: a file that `read_attributes` reads; None is `attributes.csv` in the folder of a drawn source, which
            is written where a folder lacks it.
        **options: of `DomainPairDataModule`.

    Raises:
        ValueError: several sources or none, or a source that is not drawn without `attributes`; in `setup`, a file that
            does not tell of each of the source's people.
    """

    def __init__(self, *, attributes: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        places = self._pair.source_places
        if len(places) != 1:
            raise ValueError(f"attributes are of one data set, and the source (data.source) names {len(places)}.")
        self._name, self._root = places[0]
        if attributes is None and not is_drawn(self._name):
            raise ValueError(
                f"source={self._name!r} brings no attributes of its people; give their file (data.attributes=FILE), "
                f"such as Lin et al.'s market_attribute.mat, or a table with a column pid."
            )
        self._attributes_file = None if attributes is None else Path(attributes).expanduser()

    def prepare_data(self) -> None:
        """Draw what is missing, and describe drawn people where nobody has."""
        super().prepare_data()
        if self._attributes_file is None:
            write_attributes(self._root)

    def setup(self, stage: str | None = None) -> None:
        super().setup(stage)
        _ = self.attributes  # refused before training, or not at all

    @cached_property
    def attributes(self) -> Attributes:
        """Of the source's people, by the number that training gives them: `values` is (`num_classes`, m)."""
        super().setup()
        table = read_attributes(self._attributes_file or write_attributes(self._root))
        return binary_attributes(table, self._pair.source_pids, self._name)
