"""What clusters a network gives at other eps and k1, before anything is trained on them.

    python benchmarks/cluster_settings.py checkpoint=FILE images=DIR [k1=30,20,12] [eps=0.3,0.4,0.5,0.6]
        [camera_pattern='_c(\\d+)'] [pid_pattern='^(\\d+)_']

Number, outliers and the largest cluster need no label. Where `camera_pattern` finds the camera in the path below the
folder (as for `dien embed`), it is told how often two images of one cluster are of one camera, how often any two are,
and where the first stands between the second and 1: what the warning about clusters that are cameras goes by. Where
`pid_pattern` finds the person, purity is the share of the clustered images that show the person most of their cluster
show.
"""

from __future__ import annotations

from pathlib import Path

import torch
from arguments import take

from dien_lightning import embed_images, load_network
from dien_lightning.clustering import jaccard_distances, label_by_distance, summarize_clusters
from dien_lightning.data.folders import read_name
from dien_lightning.data.listing import list_images


def purity(labels: torch.Tensor, pids: torch.Tensor) -> float:
    """Share of the clustered images that show the person most of their cluster show."""
    clusters = [pids[labels == label] for label in labels[labels >= 0].unique()]
    most = sum(int(torch.unique(own, return_counts=True)[1].max()) for own in clusters)
    return most / max(1, int((labels >= 0).sum()))


def numbered(names: list[str]) -> torch.Tensor:  # -> (N,)
    """One number for each name."""
    known = {name: number for number, name in enumerate(sorted(set(names)))}
    return torch.tensor([known[name] for name in names])


def main() -> None:
    """Embed once, cluster at each setting, print a table."""
    defaults = {"k1": "30,20,12", "eps": "0.3,0.4,0.5,0.6", "camera_pattern": None, "pid_pattern": None}
    options = take(checkpoint="???", images="???", **defaults)
    images = list_images(options.images, camera_pattern=options.camera_pattern)
    embeddings = embed_images(load_network(options.checkpoint), [image.path for image in images])
    cameras = [image.camera for image in images if image.camera]
    camids = numbered(cameras) if len(cameras) == len(images) else None
    pids = None
    if options.pid_pattern:
        root = Path(options.images)
        pids = numbered([read_name("pid_pattern", options.pid_pattern, image.path, root) for image in images])
    print("| k1 | k2 | eps | clusters | outliers | largest | one camera | chance | between | purity |\n|" + "--:|" * 10)
    eps = [float(value) for value in str(options.eps).split(",")]
    for k1 in map(int, str(options.k1).split(",")):
        k2 = max(1, k1 // 5 if k1 >= 20 else k1 // 3)
        distances = jaccard_distances(embeddings, k1, k2, limit=max(eps))
        for value in eps:
            labels = label_by_distance(distances, value, 4)
            found = summarize_clusters(labels, camids=camids)
            judged = "–" if pids is None else f"{purity(labels, pids):.2f}"
            shown = ["–"] * 3
            if found.same_camera is not None:
                shown[:2] = f"{found.same_camera:.2f}", f"{found.chance:.2f}"
                if found.chance < 1:  # else all clustered images are of one camera
                    shown[2] = f"{(found.same_camera - found.chance) / (1 - found.chance):.2f}"
            shares = f"{found.outliers:.2f}", f"{found.largest:.2f}"
            cells = (k1, k2, value, found.clusters, *shares, *shown, judged)
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
