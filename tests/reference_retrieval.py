"""Rankings, neighbourhoods and clusters by slow loops."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reference import Vector, cosine, euclidean, mean_vector, unit


def chosen_images(sets: Mapping[str, Sequence[Any]], search: str) -> dict[str, list[Any]]:
    """Who asks and who is asked: of `query`, `query_pids`, `query_camids` and so on, what a search takes."""
    cameras = {
        "sysu_all": {"query": (3, 6), "gallery": (1, 2, 4, 5)},
        "sysu_indoor": {"query": (3, 6), "gallery": (1, 2)},
    }
    chosen: dict[str, list[Any]] = {}
    for role in ("query", "gallery"):
        part = {name[len(role) :]: list(values) for name, values in sets.items() if name.startswith(role)}
        if search == "leave_one_out":
            part = {name: [*sets[f"query{name}"], *sets[f"gallery{name}"]] for name in part}
        rows = range(len(part["_pids"]))
        if search == "leave_one_out" and role == "query":
            rows = [row for row in rows if part["_pids"][row] != -1]
        if search in cameras:
            rows = [row for row in rows if part["_camids"][row] in cameras[search][role]]
        chosen |= {role + name: [values[row] for row in rows] for name, values in part.items()}
    return chosen


def ranked_gallery(number: int, sets: Mapping[str, Sequence[Any]], **rules: str) -> list[tuple[float, bool, int]]:
    """(squared distance, is a match, number) of all images that a query is shown, in the order of the protocol.

    Args:
        number: the query's.
        sets: query, query_pids, query_camids, query_index, query_clothes and the same of the gallery, as lists.
        rules: options of the protocol that are not the default.
    """
    pid, camid = sets["query_pids"][number], sets["query_camids"][number]
    ranked = []
    for column, image in enumerate(sets["gallery"]):
        other = sets["gallery_pids"][column]
        if other == -1 and rules.get("junk") != "distractor":
            continue
        is_match = other == pid and pid != -1
        if is_match and sets["gallery_camids"][column] == camid and rules.get("same_camera") != "keep":
            continue
        wears_the_same = sets["gallery_clothes"][column] == sets["query_clothes"][number]
        if is_match and wears_the_same is {"changed": True, "same": False}.get(rules.get("clothes", "any")):
            continue
        if sets["gallery_index"][column] == sets["query_index"][number]:
            continue
        if rules.get("search", "").startswith("sysu") and (camid, sets["gallery_camids"][column]) == (3, 2):
            continue
        ranked.append((sum((x - y) ** 2 for x, y in zip(sets["query"][number], image, strict=True)), is_match, column))
    ties = rules.get("ties", "non-match first")
    later = {"non-match first": True, "match first": False, "gallery order": None}[ties]  # who comes later: a match?
    return sorted(ranked, key=lambda image: (image[0], image[1] is later, image[2]))


def retrieval(
    sets: Mapping[str, Sequence[Any]], max_rank: int, *, queries: str = "valid", **rules: str
) -> dict[str, float | list[float] | int]:
    """CMC, both average precisions and mINP by walking down each query's whole list."""
    step, trapezoid, penalties, firsts = [], [], [], []
    drops_camera = rules.get("same_camera") != "keep"
    same_camera = [
        person == other != -1 and camera == other_camera and drops_camera
        for person, camera in zip(sets["query_pids"], sets["query_camids"], strict=True)
        for other, other_camera in zip(sets["gallery_pids"], sets["gallery_camids"], strict=True)
    ]
    for query in range(len(sets["query"])):
        ranked = ranked_gallery(query, sets, **rules)
        wanted = sum(is_match for _, is_match, _ in ranked)
        if not wanted:
            continue
        found, precision_before, step_sum, trapezoid_sum = 0, 1.0, 0.0, 0.0
        ranks = []
        for rank, (_, is_match, _) in enumerate(ranked, start=1):
            found += is_match
            precision = found / rank
            if is_match:
                ranks.append(rank)
                step_sum += precision
                trapezoid_sum += (precision_before + precision) / 2
            precision_before = precision
        step.append(step_sum / wanted)
        trapezoid.append(trapezoid_sum / wanted)
        penalties.append(wanted / ranks[-1])
        firsts.append(ranks[0])
        if rules.get("search", "").startswith("sysu"):  # counts people
            firsts[-1] = 1 + len({sets["gallery_pids"][column] for _, _, column in ranked[: ranks[0] - 1]})
    number = (len(sets["query"]) if queries == "all" else len(firsts)) or 1
    return {
        "mAP": sum(step) / number,
        "mAP_trapezoid": sum(trapezoid) / number,
        "mINP": sum(penalties) / number,
        "cmc": [sum(first <= k for first in firsts) / number for k in range(1, max_rank + 1)],
        "num_valid_queries": len(firsts),
        "num_same_camera": sum(same_camera),
        "num_junk": sum(pid == -1 for pid in sets["gallery_pids"]) * (rules.get("junk") != "distractor"),
    }


def neighborhoods(images: Sequence[Vector], k1: int, k2: int, *, relative: bool) -> list[list[float]]:
    """Zhong et al., 2017, with whole matrices and sets: a weight on each image, averaged over the k2 nearest.

    Args:
        images: their embeddings.
        k1: neighbours that make up a neighbourhood.
        k2: images whose neighbourhoods are averaged.
        relative: divide squared distances by each image's largest.
    """
    numbers = range(len(images))
    squared = [[sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) for b in images] for a in images]
    distances = [[value / (max(row) if relative else 1) for value in row] for row in squared]
    ranking = [sorted(numbers, key=lambda j, i=i: squared[i][j] if i != j else -1.0) for i in numbers]

    def reciprocal(i: int, k: int) -> set[int]:
        return {j for j in ranking[i][: k + 1] if i in ranking[j][: k + 1]}

    encodings = []
    for i in numbers:
        own = reciprocal(i, k1)
        expanded = set(own)
        for j in own:
            theirs = reciprocal(j, round(k1 / 2))
            if 3 * len(theirs & own) > 2 * len(theirs):
                expanded |= theirs
        weights = [math.exp(-distances[i][j]) if j in expanded else 0.0 for j in numbers]
        encodings.append([weight / sum(weights) for weight in weights])
    return [mean_vector([encodings[j] for j in ranking[i][:k2]]) for i in numbers]


def jaccard(a: Vector, b: Vector) -> float:
    """1 - the sum of the smaller weights over that of the larger."""
    return 1 - sum(map(min, a, b)) / sum(map(max, a, b))


def k_reciprocal_distances(
    query: Sequence[Vector], gallery: Sequence[Vector], *, k1: int, k2: int, original_weight: float
) -> list[list[float]]:
    images = [*query, *gallery]
    weights = neighborhoods(images, k1, k2, relative=True)
    final = []
    for i in range(len(query)):
        furthest = max(euclidean(images[i], image) ** 2 for image in images)
        row = []
        for j in range(len(query), len(images)):
            original = euclidean(images[i], images[j]) ** 2 / furthest
            row.append((1 - original_weight) * jaccard(weights[i], weights[j]) + original_weight * original)
        final.append(row)
    return final


def jaccard_distances(embeddings: Sequence[Vector], k1: int, k2: int) -> list[list[float]]:
    weights = neighborhoods([unit(row) for row in embeddings], k1, k2, relative=False)
    return [[jaccard(a, b) for b in weights] for a in weights]


def dbscan(distances: Sequence[Vector], eps: float, min_samples: int) -> list[int]:
    """Ester et al., 1996: a core's neighbours join its cluster, cores spread it on; -1 for who is near no core."""
    near = [[j for j, distance in enumerate(row) if distance <= eps] for row in distances]
    labels, number = [-1] * len(near), 0
    for first in range(len(near)):
        waiting = [first] if len(near[first]) >= min_samples and labels[first] == -1 else []
        number += bool(waiting)
        while waiting:
            image = waiting.pop()
            if labels[image] == -1:
                labels[image] = number - 1
                waiting += near[image] if len(near[image]) >= min_samples else []
    return labels


def domain_mixing(source: Sequence[Vector], target: Sequence[Vector], neighbors: int) -> float:
    """Share of each point's nearest neighbours, itself left out, that are of the other domain."""
    points = [(point, 0) for point in source] + [(point, 1) for point in target]
    found = 0
    for place, (point, domain) in enumerate(points):
        others = [(euclidean(point, q), d) for other, (q, d) in enumerate(points) if other != place]
        found += sum(d != domain for _, d in sorted(others)[:neighbors])
    return found / (neighbors * len(points))


def reciprocal_neighbors(embedding: Sequence[Vector], camids: Sequence[int]) -> float:
    def nearest(one: int) -> int:
        others = [place for place in range(len(embedding)) if place != one]
        elsewhere = [place for place in others if camids[place] != camids[one]]
        candidates = elsewhere if len(set(camids)) > 1 else others
        return min(candidates, key=lambda place: cosine(embedding[one], embedding[place]))

    return sum(nearest(nearest(one)) == one for one in range(len(embedding))) / len(embedding)


def same_partition(labels: Sequence[int], others: Sequence[int]) -> list[float]:
    """Intersection over union of each image's two clusters; an outlier is alone."""

    def cluster(of: Sequence[int], image: int) -> set[int]:
        return {j for j, label in enumerate(of) if label == of[image]} if of[image] != -1 else {image}

    found = []
    for image in range(len(labels)):
        one, other = cluster(labels, image), cluster(others, image)
        found.append(len(one & other) / len(one | other))
    return found
