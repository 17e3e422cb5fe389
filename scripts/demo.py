"""The door to `dien demo`."""

from dien_lightning.experiments.cli import main

main("demo")
