"""Slow, obvious versions of the formulas, in plain Python: what the tensors are tested against."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
