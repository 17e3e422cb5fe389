"""The door to `dien report`."""

from dien_lightning.experiments.cli import main

main("report")
