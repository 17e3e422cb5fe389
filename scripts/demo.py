"""The door to `dien demo`."""

import sys

from dien_lightning.experiments.cli import main

if __name__ == "__main__":
    main(["demo", *sys.argv[1:]])
