"""Rendered people, nobody real: body, clothes, camera, pixels. Needs numpy, Pillow and rich alone."""

from dien_lightning.pedestrians.dataset import draw_pedestrians, write_attributes

__all__ = ["draw_pedestrians", "write_attributes"]
