"""The door to `dien draw`."""

from dien_lightning.experiments.cli import main

main("draw")
