"""Slow, obvious versions of the formulas, in plain Python: what the tensors are tested against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Vector = Sequence[float]


def euclidean(a: Vector, b: Vector) -> float:
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def cosine(a: Vector, b: Vector) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return 1 - dot / (euclidean(a, [0.0] * len(a)) * euclidean(b, [0.0] * len(b)))


def unit(a: Vector) -> list[float]:
    length = euclidean(a, [0.0] * len(a))
    return [x / length for x in a]


def mean_vector(vectors: Sequence[Vector]) -> list[float]:
    return [sum(column) / len(vectors) for column in zip(*vectors, strict=True)]


def hinges(
    anchors: Sequence[Vector], images: Sequence[Vector], same: Sequence[Sequence[bool]], margin: float
) -> list[float]:
    """One hinge per anchor: every triplet is tried, the hardest positive with the hardest negative is the largest."""
    found = []
    for anchor, row in zip(anchors, same, strict=True):
        worst = 0.0
        for positive, is_positive in zip(images, row, strict=True):
            for negative, is_same in zip(images, row, strict=True):
                if is_positive and not is_same:
                    worst = max(worst, euclidean(anchor, positive) - euclidean(anchor, negative) + margin)
        found.append(worst)
    return found


def cross_domain_hinges(
    source: Sequence[Vector], pids: Sequence[int], target: Sequence[Vector], margin: float
) -> list[float]:
    """Equation 2's first sum, anchor by anchor: anchors and positives from the source, negatives from both."""
    source, target = [unit(row) for row in source], [unit(row) for row in target]
    same = [[a == b for b in pids] + [False] * len(target) for a in pids]
    return hinges(source, [*source, *target], same, margin)


def exemplar_hinges(
    source: Sequence[Vector], pids: Sequence[int], target: Sequence[Vector], margin: float
) -> list[float]:
    """TL[8], anchor by anchor: each target image is an anchor and an identity of its own."""
    images = [unit(row) for row in [*source, *target]]
    names = [("source", pid) for pid in pids] + [("target", number) for number in range(len(target))]
    return hinges(images, images, [[a == b for b in names] for a in names], margin)


def center_gap(source: Sequence[Vector], target: Sequence[Vector]) -> float:
    """Equation 2's second term: the distance between the means of the unit embeddings."""
    return euclidean(mean_vector([unit(row) for row in source]), mean_vector([unit(row) for row in target]))


def cross_entropy(logits: Sequence[Vector], classes: Sequence[int]) -> float:
    """Equation 1: the mean of -log softmax."""
    losses = [-math.log(math.exp(row[c]) / sum(map(math.exp, row))) for row, c in zip(logits, classes, strict=True)]
    return sum(losses) / len(losses)


def binary_cross_entropy(logits: Vector, is_target: Sequence[bool]) -> float:
    """Equation 3: source and target images weigh the same."""
    total = 0.0
    for logit, yes in zip(logits, is_target, strict=True):
        probability = 1 / (1 + math.exp(-logit))
        total -= math.log(probability) if yes else math.log(1 - probability)
    return total / len(logits)


def memory_contrast(
    embedding: Sequence[Vector],
    rows: Sequence[int],
    entries: Sequence[Vector],
    classes: Sequence[int],
    temperature: float,
) -> float:
    """Cross-entropy over the mean cosine to each class's entries."""
    logits = []
    for image in map(unit, embedding):
        cosines = [sum(x * y for x, y in zip(image, unit(entry), strict=True)) for entry in entries]
        own = {c: [cosine for cosine, other in zip(cosines, classes, strict=True) if other == c] for c in set(classes)}
        logits.append([sum(own[c]) / len(own[c]) / temperature for c in sorted(own)])
    return cross_entropy(logits, [classes[row] for row in rows])


def moved_memory(
    entries: Sequence[Vector], embedding: Sequence[Vector], rows: Sequence[int], momentum: float, hard: bool
) -> list[list[float]]:
    """An entry after each image of its own in turn, or after the one least similar to it."""
    memory, images = [list(map(float, entry)) for entry in entries], [unit(image) for image in embedding]
    turns = list(range(len(rows)))
    if hard:
        own = {row: [image for image in turns if rows[image] == row] for row in rows}
        turns = [max(own[row], key=lambda image: cosine(images[image], memory[rows[image]])) for row in own]
    for image in turns:
        row = rows[image]
        memory[row] = unit([momentum * x + (1 - momentum) * y for x, y in zip(memory[row], images[image], strict=True)])
    return memory


def kronecker_masked(
    features: Sequence[Sequence[Sequence[float]]],
    spatial: Sequence[Sequence[float]],
    channel: Sequence[float],
    scale: float,
) -> list[list[list[float]]]:
    """One image's map (C, H, W), each entry times scale, its place's weight and its channel's."""
    return [
        [
            [value * scale * spatial[y][x] * channel[c] for x, value in enumerate(row)]
            for y, row in enumerate(features[c])
        ]
        for c in range(len(features))
    ]


def batch_normalized(rows: Sequence[Vector], weight: Vector, bias: Vector, eps: float) -> list[list[float]]:
    """Batch norm in training: each column less its mean, over the root of its biased variance."""
    columns = []
    for number, column in enumerate(zip(*rows, strict=True)):
        mean = sum(column) / len(column)
        variance = sum((x - mean) ** 2 for x in column) / len(column)
        columns.append([(x - mean) / math.sqrt(variance + eps) * weight[number] + bias[number] for x in column])
    return [list(row) for row in zip(*columns, strict=True)]


def rasterize_by_loops(points, depths, triangles, height: int, width: int) -> list[int]:
    """The triangle seen at each pixel's center or -1, pixel by pixel."""
    image = [-1] * (height * width)
    for pixel in range(height * width):
        x, y = pixel % width + 0.5, pixel // width + 0.5
        nearest = math.inf
        for number, triangle in enumerate(triangles):
            (ax, ay), (bx, by), (cx, cy) = (points[corner] for corner in triangle)
            twice_area = (by - ay) * (cx - ax) - (bx - ax) * (cy - ay)
            if twice_area <= 1e-9:
                continue
            b = ((ay - cy) * (x - cx) - (ax - cx) * (y - cy)) / twice_area
            c = ((by - ay) * (x - ax) - (bx - ax) * (y - ay)) / twice_area
            a = 1 - b - c
            depth = a * depths[triangle[0]] + b * depths[triangle[1]] + c * depths[triangle[2]]
            if min(a, b, c) >= 0 and depth < nearest:
                nearest, image[pixel] = depth, number
    return image


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


def skin_by_loops(vertices, influences, shares, transforms) -> list[list[float]]:
    """Linear blend skinning: each vertex is the weighted mean of where its joints' 3 x 4 matrices take it."""
    posed = []
    for vertex, joints, weights in zip(vertices, influences, shares, strict=True):
        place = [0.0, 0.0, 0.0]
        for joint, weight in zip(joints, weights, strict=True):
            for row in range(3):
                *turn, shift = transforms[joint][row]
                place[row] += weight * (sum(m * x for m, x in zip(turn, vertex, strict=True)) + shift)
        posed.append(place)
    return posed


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


# ---- calibration ----


def log_ratio_cost(log10_ratios: Sequence[float], same: Sequence[bool]) -> float:
    """Cllr, pair by pair."""
    costs: dict[bool, list[float]] = {True: [], False: []}
    for log10, is_same in zip(log10_ratios, same, strict=True):
        ratio = 10**log10
        costs[is_same].append(math.log2(1 + (1 / ratio if is_same else ratio)))
    return sum(sum(kind) / len(kind) for kind in costs.values()) / 2


def match_rates(
    distances: Sequence[float], same: Sequence[bool], weights: Sequence[float], threshold: float
) -> tuple[float, float]:
    """False matches and misses at a threshold, counted pair by pair."""
    pairs = list(zip(distances, same, weights, strict=True))
    strangers = [(d, w) for d, is_same, w in pairs if not is_same]
    one = [(d, w) for d, is_same, w in pairs if is_same]
    matched = sum(w for d, w in strangers if d <= threshold) / sum(w for _, w in strangers)
    missed = sum(w for d, w in one if d > threshold) / sum(w for _, w in one)
    return matched, missed
