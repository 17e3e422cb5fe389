"""The door to `dien draw`."""

import sys

from dien_lightning.experiments.cli import main

if __name__ == "__main__":
    main(["draw", *sys.argv[1:]])
