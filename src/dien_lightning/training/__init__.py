"""What trains and evaluates a network, and callbacks and loggers that do what Lightning's own do not."""

from dien_lightning.training.alarms import HealthMonitor
from dien_lightning.training.checkpoints import Checkpoints, find_checkpoint
from dien_lightning.training.choice import EpochChoice
from dien_lightning.training.embedding import embed, resolve_precision
from dien_lightning.training.evaluation import Evaluated, evaluate
from dien_lightning.training.extractor import Extractor, embed_images
from dien_lightning.training.finite import NonFiniteError, StopAtNonFinite
from dien_lightning.training.metrics_file import MetricsFile
from dien_lightning.training.module import DIENModule
from dien_lightning.training.positions import LoaderPositions
from dien_lightning.training.recipe import Recipe
from dien_lightning.training.rounds import Rounds
from dien_lightning.training.running_time import RunningTime
from dien_lightning.training.seeding import SeedEachStep
from dien_lightning.training.self_training import SelfTrainingModule
from dien_lightning.training.self_training_data import SelfTrainingDataModule

__all__ = [
    "Checkpoints",
    "DIENModule",
    "EpochChoice",
    "Evaluated",
    "Extractor",
    "HealthMonitor",
    "LoaderPositions",
    "MetricsFile",
    "NonFiniteError",
    "Recipe",
    "Rounds",
    "RunningTime",
    "SeedEachStep",
    "SelfTrainingDataModule",
    "SelfTrainingModule",
    "StopAtNonFinite",
    "embed",
    "embed_images",
    "evaluate",
    "find_checkpoint",
    "resolve_precision",
]
