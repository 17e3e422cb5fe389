"""The door to `dien evaluate`."""

import sys

from dien_lightning.experiments.cli import main

if __name__ == "__main__":
    main(["evaluate", *sys.argv[1:]])
