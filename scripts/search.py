"""The door to `dien search`."""

from dien_lightning.experiments.cli import main

main("search")
