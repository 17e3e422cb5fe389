"""The door to `dien adapt`."""

from dien_lightning.experiments.cli import main

main("adapt")
