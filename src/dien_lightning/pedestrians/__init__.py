"""Rendered people, nobody real: body, clothes, camera, pixels. Needs numpy and Pillow alone."""
