"""Files -> batches of two domains."""

from dien_lightning.data.datamodule import DomainPairDataModule
from dien_lightning.data.dataset import ReIDDataset
from dien_lightning.data.records import Record, Splits
from dien_lightning.data.samplers import EpochSampler, IdentitySampler
from dien_lightning.data.shards import ShardSampler

__all__ = [
    "DomainPairDataModule",
    "EpochSampler",
    "IdentitySampler",
    "ReIDDataset",
    "Record",
    "ShardSampler",
    "Splits",
]
