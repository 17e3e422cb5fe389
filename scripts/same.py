"""The door to `dien same`."""

from dien_lightning.experiments.cli import main

main("same")
