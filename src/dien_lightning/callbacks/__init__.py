"""Lightning callbacks and loggers: what Lightning's own do not do."""

from dien_lightning.callbacks.health import HealthMonitor
from dien_lightning.callbacks.metrics_file import MetricsFile
from dien_lightning.callbacks.seeding import SeedEachStep

__all__ = ["HealthMonitor", "MetricsFile", "SeedEachStep"]
