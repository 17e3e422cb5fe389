"""The network itself, as it gets deployed: no heads inside."""

from dien_lightning.network.attention import RecurrentTopDownAttention
from dien_lightning.network.backbone import BACKBONES, Backbone
from dien_lightning.network.calibration import Calibration, Evidence
from dien_lightning.network.dien import DIEN
from dien_lightning.network.files import fingerprint, load_network, save_network
from dien_lightning.network.normalization import DOMAINS, Condition, Domain, DomainBatchNorm

__all__ = [
    "BACKBONES",
    "DIEN",
    "DOMAINS",
    "Backbone",
    "Calibration",
    "Condition",
    "Domain",
    "DomainBatchNorm",
    "Evidence",
    "RecurrentTopDownAttention",
    "fingerprint",
    "load_network",
    "save_network",
]
