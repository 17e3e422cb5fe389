"""Commands, configurations and reports: the only room that knows Hydra, W&B and matplotlib.

Commands are listed in `cli.COMMANDS`; every other file is what they share.
"""
