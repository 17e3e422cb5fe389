"""The door to `dien export`."""

from dien_lightning.experiments.cli import main

main("export")
