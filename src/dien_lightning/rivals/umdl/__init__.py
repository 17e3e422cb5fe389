"""UMDL: dictionaries over hand-made features, learned from a labelled source and an unlabelled target; no network."""

from dien_lightning.rivals.umdl.features import StripFeatures
from dien_lightning.rivals.umdl.kept import contents, digest, load_progress, save_progress
from dien_lightning.rivals.umdl.learning import UMDL, Images, Progress

__all__ = ["UMDL", "Images", "Progress", "StripFeatures", "contents", "digest", "load_progress", "save_progress"]
