"""The door to `dien evaluate`."""

from dien_lightning.experiments.cli import main

main("evaluate")
