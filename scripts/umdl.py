"""The door to `dien umdl`."""

from dien_lightning.experiments.cli import main

main("umdl")
