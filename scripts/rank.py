"""The door to `dien rank`."""

import sys

from dien_lightning.experiments.cli import main

if __name__ == "__main__":
    main(["rank", *sys.argv[1:]])
