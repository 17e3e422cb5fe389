"""`python -m dien_lightning` is `dien`."""

from dien_lightning.experiments.cli import main

if __name__ == "__main__":
    main()
