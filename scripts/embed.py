"""The door to `dien embed`."""

from dien_lightning.experiments.cli import main

main("embed")
