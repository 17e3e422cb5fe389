"""Whether a calibration carries over: fitted on the source's people, held against pairs of the target's.

    python benchmarks/calibration.py checkpoint=FILE [data_root=data] [source=pedestrians_day]
        [target=pedestrians_night] [false_matches=10]

Both domains' query and gallery are embedded with their own statistics, and pairs across cameras are calibrated as
`dien calibrate` does. The third row asks the source's calibration about the target's pairs; its own Cllr of pairs that
were fitted would flatter it, so the first two rows' are of people unseen by the fit.
"""

from __future__ import annotations

import torch
from arguments import take

from dien_lightning import embed_images, load_network
from dien_lightning.calibration import Pairs, calibrate, cllr, pairs_across_cameras
from dien_lightning.data.reading import default_root, read_dataset
from dien_lightning.network import DIEN, Calibration, fingerprint
from dien_lightning.types import UNLABELED


def pairs_of(network: DIEN, name: str, data_root: str, domain: str) -> Pairs:
    """Pairs across cameras of the people that a set's query asks for."""
    splits = read_dataset(name, default_root(data_root, name))
    people = {record.pid for record in splits.query} - {UNLABELED}
    records = [record for record in (*splits.query, *splits.gallery) if record.pid in people]
    embeddings = embed_images(network, [record.path for record in records], domain=domain)
    return pairs_across_cameras(embeddings, [r.pid for r in records], [r.camid for r in records])


def held_against(calibration: Calibration, pairs: Pairs) -> tuple[float, float, float]:
    """Cllr, false matches per 1,000 and share of misses of somebody else's pairs."""
    ratios = calibration(torch.from_numpy(pairs.distances)).log10_ratio.numpy()
    matches = pairs.distances <= calibration.about["threshold"]
    return (
        cllr(ratios, pairs.same),
        1000 * float(matches[~pairs.same].mean()),
        1 - float(matches[pairs.same].mean()),
    )


def own_figures(calibration: Calibration) -> list[str]:
    """The cells of a calibration about people like those that it was fitted on."""
    about = calibration.about
    low, high = (10**bound for bound in about["log10_bounds"])
    cells = [f"{about['people']}", f"{about['pairs_of_strangers']:,}", f"{low:.3g} to {high:.3g}"]
    for name, scale, digits in (("cllr", 1, 2), ("eer", 100, 1), ("false_matches", 1, 1), ("misses", 100, 1)):
        value, least, most = (f"{scale * number:.{digits}f}" for number in about[name])
        cells.append(f"{value} ({least} to {most})")
    return cells


def main() -> None:
    """Print a row for each domain's own calibration, and one for the source's on the target."""
    sets = {"source": "pedestrians_day", "target": "pedestrians_night"}
    options = take(checkpoint="???", data_root="data", **sets, false_matches=10.0)
    network = load_network(options.checkpoint)
    print("| fitted on | asked about | people | pairs of strangers | ratio | Cllr | EER, % | false, ‰ | misses, % |")
    print("|" + "---|" * 9)
    pairs, fitted = {}, {}
    for domain in ("target", "source"):
        pairs[domain] = pairs_of(network, options[domain], options.data_root, domain)
        about = {"fingerprint": fingerprint(network), "domain": domain, "false_matches": options.false_matches}
        fitted[domain] = calibrate(pairs[domain], **about)
        print(f"| {domain} | the same | " + " | ".join(own_figures(fitted[domain])) + " |", flush=True)
    cost, false, misses = held_against(fitted["source"], pairs["target"])
    print(f"| source | target | – | – | – | {cost:.2f} | – | {false:.1f} | {100 * misses:.1f} |")


if __name__ == "__main__":
    main()
