"""Commands, configurations and reports: the only room that knows Hydra, W&B and matplotlib."""
