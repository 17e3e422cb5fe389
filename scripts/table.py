"""The door to `dien table`."""

from dien_lightning.experiments.cli import main

main("table")
