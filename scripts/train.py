"""The door to `dien train`."""

from dien_lightning.experiments.cli import main

main("train")
