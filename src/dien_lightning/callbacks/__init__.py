"""Lightning callbacks and loggers: what Lightning's own do not do."""

from dien_lightning.callbacks.checkpoints import Checkpoints, find_checkpoint
from dien_lightning.callbacks.choice import EpochChoice
from dien_lightning.callbacks.finite import NonFiniteError, StopAtNonFinite
from dien_lightning.callbacks.health import HealthMonitor
from dien_lightning.callbacks.metrics_file import MetricsFile
from dien_lightning.callbacks.positions import LoaderPositions
from dien_lightning.callbacks.progress import ProgressBar
from dien_lightning.callbacks.running_time import RunningTime
from dien_lightning.callbacks.seeding import SeedEachStep

__all__ = [
    "Checkpoints",
    "EpochChoice",
    "HealthMonitor",
    "LoaderPositions",
    "MetricsFile",
    "NonFiniteError",
    "ProgressBar",
    "RunningTime",
    "SeedEachStep",
    "StopAtNonFinite",
    "find_checkpoint",
]
