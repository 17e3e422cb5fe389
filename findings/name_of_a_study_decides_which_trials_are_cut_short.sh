#!/usr/bin/env bash
# Studies with one seed and one function stop other trials early, and find another best one, under another name.
#
# With:   optuna 5.0.0, numpy 2.4.6
# Does:   HyperbandPruner gives a trial its bracket, and so how early it may be stopped, by a checksum of the study's
#         name and the trial's number.
# Guess:  a seeded sampler and a function without chance: the same study again, whatever it is called.
# Seen:   40 learning rates drawn by RandomSampler(seed=0): "market" and "msmt17" cut 30 and 31 trials, 25 of them the
#         same; the best is trial 28 or 11. With TPESampler(seed=0), which learns from them, the best is 0.979,
#         0.995, 0.986 or 0.918 by the name.
# Beside: without a name a study gets one by chance, and so other trials each time. MedianPruner and
#         SuccessiveHalvingPruner cut the same trials under each name.
# Use:    study_name fixed wherever the seed is; no comparison of two sweeps by Hyperband that have two names.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet optuna==5.0.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import numpy as np
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
NAMES, EPOCHS = ("market", "msmt17", "market-2", "duke"), 27


def training(trial):
    """A curve that rises faster, and ends lower, the further the rate is above 10 ** -2.5."""
    rate = trial.suggest_float("rate", 1e-5, 1, log=True)
    figure = 0.0
    for epoch in range(1, EPOCHS + 1):
        figure = (1 - abs(np.log10(rate) + 2.5) / 3) * (1 - np.exp(-epoch * rate**0.25))
        trial.report(figure, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return figure


def study(name, pruner, sampler=optuna.samplers.RandomSampler):
    """The trials cut short, the best trial and its figure."""
    trials = optuna.create_study(study_name=name, direction="maximize", pruner=pruner, sampler=sampler(seed=0))
    trials.optimize(training, n_trials=40)
    cut = tuple(trial.number for trial in trials.trials if trial.state.name == "PRUNED")
    return cut, trials.best_trial.number, round(trials.best_value, 3)


def under_all(make, **options):
    return {name: study(name, make(), **options) for name in NAMES}


def hyperband():
    return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=3)


drawn = under_all(hyperband)
learned = under_all(hyperband, sampler=optuna.samplers.TPESampler)
others = [under_all(make) for make in (optuna.pruners.MedianPruner, optuna.pruners.SuccessiveHalvingPruner)]
again = study("market", hyperband()) == drawn["market"]
unnamed = {study(None, hyperband())[0] for _ in range(6)}
common = set(drawn["market"][0]) & set(drawn["msmt17"][0])
print({name: (len(cut), *best) for name, (cut, *best) in drawn.items()}, f"both: {len(common)}")
print({name: best for name, (_, *best) in learned.items()}, f"unnamed: {len(unnamed)} of 6 differ")
same = again and len({cut for cut, *_ in drawn.values()}) > 2 and len({figure for *_, figure in learned.values()}) > 2
same = same and all(len(set(studies.values())) == 1 for studies in others) and len(unnamed) > 1
sys.exit(0 if same else "changed; before, the name decided under Hyperband alone")
PYTHON
