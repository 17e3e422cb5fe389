"""SPGAN (Deng et al., CVPR 2018): a GAN that gives source images the target's look, to train on as if they were its."""

from dien_lightning.rivals.spgan.images import check_translatable, write_translated_set
from dien_lightning.rivals.spgan.module import SPGANModule
from dien_lightning.rivals.spgan.networks import check_image_size

__all__ = ["SPGANModule", "check_image_size", "check_translatable", "write_translated_set"]
