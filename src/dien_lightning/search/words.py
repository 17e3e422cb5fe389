"""What a network's calibration says of the distances in a gallery, in words."""

from __future__ import annotations

from dien_lightning.network import DIEN
from dien_lightning.search.about import About
from dien_lightning.search.answers import Hit


def in_words(network: DIEN | None, about: About, hit: Hit, camera: str | None) -> str:
    """What the calibration, which is of pairs from two cameras, says of a hit; empty where it says nothing.

    Args:
        network: that embedded both.
        about: the gallery's.
        hit: an image of it.
        camera: the query's; None where nobody knows.
    """
    if network is None or network.calibration is None or why_no_words(network, about):
        return ""
    if camera is not None and camera == hit.image.camera:
        return "of the query's own camera, where strangers look alike more often than the calibration knows"
    said = network.calibration.strangers_in_words(hit.distance)
    return said if camera is not None and hit.image.camera is not None else f"{said}, if another camera took it"


def notes_on_words(network: DIEN | None, about: About) -> list[str]:
    """What to know of the words beside this gallery's distances: why there are none, or what they do not say."""
    if network is None or network.calibration is None:
        return []
    why = why_no_words(network, about)
    return (
        [why.rstrip(".")]
        if why
        else [f"the words beside the distances: {note}" for note in network.calibration.notes()]
    )


def why_no_words(network: DIEN | None, about: About) -> str:
    """Why the calibration says nothing of this gallery's distances; empty where it does, or where there is none."""
    if network is None or network.calibration is None:
        return ""
    try:
        network.calibration.check_fits(about.fingerprint, about.domain, about.flip)
    except ValueError as error:
        return f"no words beside the distances: {error}"
    return ""
