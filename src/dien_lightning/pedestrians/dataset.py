"""Draws the embedded two-domain data set: rendered people, nobody real, in Market-1501's folders and file names."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from dien_lightning.atomic import atomic_folder, one_process_at_a_time
from dien_lightning.checks import check_choice, check_int, check_size

from .attributes import write_table
from .camera import DOMAINS
from .jobs import draw_in_processes
from .painter import VERSION
from .worker import Job, draw_identities

MANIFEST, ATTRIBUTES = "pedestrians.json", "attributes.csv"
SPLITS = ("bounding_box_train", "query", "bounding_box_test")
MAX_IDS = 4999
MAX_CAMERAS = 9
_FIRST_PID = {"day": 1, "night": 5001}


def draw_pedestrians(
    root: str | Path,
    domain: str,
    *,
    num_train_ids: int = 210,
    num_test_ids: int = 60,
    num_cameras: int = 4,
    images_per_camera: int = 3,
    image_size: tuple[int, int] = (128, 64),
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Draw one domain of the embedded data set, or find it drawn already.

    Articulated 3-D people before cameras with their own place, light and colors. Domain `day` is bright and level,
    domain `night` dark, tinted, noisy and seen from above; their identities are disjoint (day: pids 1..4999, night:
    5001..9999). An identity keeps its body, clothes, hair and gait; an image draws pose, heading and place. The first
    image of each test identity under each camera is a query, its others are the gallery. attributes.csv says of every
    identity in words what it wears, see `write_attributes`.

    The same arguments give the same bytes, however many processes draw. The folder appears when it is complete: until
    then the images are in a hidden folder beside it, which an interrupt removes.

    Args:
        root: the data set's own folder, such as data/pedestrians_day; made if missing, returned as it is if it holds
            what the arguments ask for.
        domain: "day" or "night".
        num_train_ids: identities in bounding_box_train.
        num_test_ids: other identities, in query and bounding_box_test.
        num_cameras: cameras, 2 to 9; every identity is seen by all of them.
        images_per_camera: images per identity and camera, at least 2 (one is the query).
        image_size: height and width in pixels, at least (64, 32).
        seed: another seed draws other people before other cameras.
        workers: processes that draw; None takes one per CPU, 1 draws in this process.
        progress: show a progress bar.

    Returns:
        The folder, as a path.

    Raises:
        ValueError: an argument out of its range, or a folder that holds something else.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     root = draw_pedestrians(Path(folder, "day"), "day", num_train_ids=1, num_test_ids=1, num_cameras=2,
        ...                             images_per_camera=2, workers=1, progress=False)
        ...     print(*sorted(path.name for path in (root / "query").iterdir()))
        0002_c1s1_000001_01.jpg 0002_c2s1_000001_01.jpg
    """
    if workers is not None:
        check_int("workers", workers, 1, "None is one for each CPU")
    manifest = _manifest(
        domain=domain,
        num_train_ids=num_train_ids,
        num_test_ids=num_test_ids,
        num_cameras=num_cameras,
        images_per_camera=images_per_camera,
        image_size=image_size,
        seed=seed,
    )
    root = Path(root).expanduser()
    if _is_drawn(root, manifest):
        return root
    first, number = _FIRST_PID[domain], manifest["num_train_ids"]
    pids = range(first, first + number + manifest["num_test_ids"])
    height, width = manifest["image_size"]
    job = Job(
        folder="",
        domain=domain,
        train_pids=list(pids[:number]),
        test_pids=list(pids[number:]),
        num_cameras=manifest["num_cameras"],
        images_per_camera=manifest["images_per_camera"],
        height=height,
        width=width,
        seed=manifest["seed"],
    )
    workers = min(workers or os.cpu_count() or 1, len(pids))
    root.parent.mkdir(parents=True, exist_ok=True)
    with one_process_at_a_time(root.parent):
        if _is_drawn(root, manifest):  # by the process that was waited for
            return root
        with atomic_folder(root) as folder:
            for split in SPLITS:
                (folder / split).mkdir()
            job = job._replace(folder=str(folder))
            drawing = draw_identities(job) if workers == 1 else draw_in_processes(job, workers)
            with closing(drawing):  # ends the processes before their folder is removed, whatever happens
                console = Console(stderr=True)
                for _ in track(drawing, f"drawing {root.name}", len(pids), console=console, disable=not progress):
                    pass
            (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
            write_attributes(folder)
    return root


def write_attributes(root: str | Path) -> Path:
    """Write attributes.csv beside a drawn domain's images, where it is not there: a line for each identity.

    What somebody wears follows from seed and pid, so that a folder that was drawn without the file gets the same one,
    and no image is touched.

    Args:
        root: the folder that `draw_pedestrians` made.

    Returns:
        The file: column `pid`, and those of `attributes_of`.

    Raises:
        FileNotFoundError: the folder holds no drawn people.
        ValueError: they were drawn by another version, whose people are others.
        OSError: the file cannot be written.
    """
    root = Path(root).expanduser()
    path = root / ATTRIBUTES
    if path.is_file():
        return path
    try:
        manifest = json.loads((root / MANIFEST).read_text())
        version, domain, seed = (manifest[name] for name in ("drawing_version", "domain", "seed"))
        number = manifest["num_train_ids"] + manifest["num_test_ids"]
    except (OSError, ValueError, KeyError, TypeError):
        raise FileNotFoundError(f"{root / MANIFEST} tells no drawn people; draw them with `dien draw`.") from None
    if version != VERSION:
        raise ValueError(f"{root} was drawn by version {version} and this is {VERSION}: remove it to draw it anew.")
    write_table(path, seed, domain, range(_FIRST_PID[domain], _FIRST_PID[domain] + number))
    return path


def _manifest(**asked: Any) -> dict[str, Any]:
    """What is to be drawn, checked, as JSON holds it: the arguments, and how many images they make."""
    check_choice("domain", asked["domain"], DOMAINS)
    for name in ("num_train_ids", "num_test_ids"):
        check_int(name, asked[name], 1, "it is a number of people to draw")
    if asked["num_train_ids"] + asked["num_test_ids"] > MAX_IDS:
        raise ValueError(
            f"num_train_ids={asked['num_train_ids']} and num_test_ids={asked['num_test_ids']} are more than the "
            f"{MAX_IDS} identities of a domain together; lower one of them."
        )
    check_int("num_cameras", asked["num_cameras"], 2, "a query is ranked against other cameras")
    if asked["num_cameras"] > MAX_CAMERAS:
        raise ValueError(
            f"num_cameras={asked['num_cameras']} is more than {MAX_CAMERAS}, which file names have a digit for; "
            "lower it."
        )
    check_int("images_per_camera", asked["images_per_camera"], 2, "one is a query, the others are the gallery")
    check_int("seed", asked["seed"], 0, "people, places and cameras follow from it")
    size = list(check_size("image_size", asked["image_size"], smallest=(64, 32)))
    plain = {name: int(value) for name, value in asked.items() if name not in ("domain", "image_size")}
    trained, tested = (plain[name] * plain["num_cameras"] for name in ("num_train_ids", "num_test_ids"))
    images = plain["images_per_camera"]
    numbers = (trained * images, tested, tested * (images - 1))
    return {
        "drawing_version": VERSION,
        **asked,
        **plain,
        "image_size": size,
        "images": dict(zip(SPLITS, numbers, strict=True)),
    }


def _is_drawn(root: Path, manifest: dict[str, Any]) -> bool:
    """True if the folder holds exactly this, False if it is missing or empty, otherwise an error."""
    if not root.exists():
        return False
    if not root.is_dir():
        raise ValueError(f"{root} is a file where the folder of drawn images should be; choose another folder.")
    if not any(root.iterdir()):
        return False
    try:
        found = json.loads((root / MANIFEST).read_text())
        numbers = {split: int(found["images"][split]) for split in SPLITS}
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(
            f"{root} holds something else than drawn people; choose another folder, or empty it."
        ) from None
    for split, number in numbers.items():
        if (there := len(list((root / split).glob("*.jpg")))) != number:
            raise ValueError(
                f"{root / split} holds {there} images where {number} were drawn; remove {root} to draw it anew, or "
                "choose another folder."
            )
    if found == manifest:
        return True
    different = [key for key in manifest if key != "images" and found.get(key) != manifest[key]]
    raise ValueError(
        f"{root} was drawn with other arguments ({', '.join(different)}); "
        "remove it to draw it anew, or choose another folder."
    )
