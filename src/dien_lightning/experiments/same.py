"""Say how alike the people on two images look, by a network that was calibrated (dien calibrate).

dien same A B checkpoint=FILE [threads=N]

Answers with a likelihood ratio: how many times as frequent their distance is between two pictures of one person, from
different cameras, as between pictures of two; and with how many strangers look this alike. The words are "looks alike",
never "is": strangers in like clothes look alike, too (docs/terms-of-use.md).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from dien_lightning import embed_images
from dien_lightning.data.images import check_upright, read_picture
from dien_lightning.experiments.options import MISSING, take_paths
from dien_lightning.experiments.threads import use_threads
from dien_lightning.network import Calibration, load_network


@dataclass
class Options:
    """As in the lines above."""

    checkpoint: str = MISSING
    threads: int | None = None


def main() -> None:
    """Embed both, look the distance up, say it."""
    wanted = "given; name two images: dien same A B checkpoint=FILE."
    images, options = take_paths(Options, sys.argv[1:], 2, wanted)
    use_threads(options.threads)
    for image in images:
        check_upright(read_picture(image).size, image)
    network = load_network(options.checkpoint)
    calibration = network.calibration
    if calibration is None:
        raise ValueError(
            f"checkpoint={options.checkpoint} was not calibrated, so a distance says nothing; "
            f"dien calibrate checkpoint={options.checkpoint} data=... does so."
        )
    one, other = embed_images(network, images, domain=calibration.about["domain"])
    print("\n".join(answer(images, float((one - other).norm()), calibration)))


def answer(images: Sequence[str], distance: float, calibration: Calibration) -> list[str]:
    """What a distance between two images says, in sentences."""
    about = calibration.about
    log10 = float(calibration(distance).log10_ratio)
    ratio, times = (float(f"{10**power:.2g}") for power in (log10, abs(log10)))  # of as many digits as are meant
    verdict = "look alike" if distance <= about["threshold"] else "look somewhat alike" if log10 > 0 else "look unlike"
    kinds = ("two pictures of one person", "pictures of two people")
    strangers = calibration.strangers_in_words(distance)
    whose = f": {about['data']}, {about['whose']}" if "whose" in about else ""  # which Python need not have said
    more, less = kinds if log10 >= 0 else kinds[::-1]
    of_any_camera = about.get("cameras", "") is None  # as cameras=none leaves it
    holds = "" if of_any_camera else ", and holds for pictures from two cameras"
    said = [
        f"{images[0]} and {images[1]} {verdict}: distance {distance:.3f}, likelihood ratio {ratio:g}.",
        f"Such a distance is {times:g} times as frequent between {more} as between {less}"
        + ("; the data carry no more." if log10 in about["log10_bounds"] else "."),
        f"{strangers[0].upper()}{strangers[1:]}.",
        f"This rests on {about['people']} people{whose}{holds}. To look alike is not to be the same.",
    ]
    return said + [f"Note: {note}." for note in calibration.notes()]
