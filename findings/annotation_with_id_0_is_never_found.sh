#!/usr/bin/env bash
# Of four people whom a detector finds exactly, COCO's evaluation counts three if the annotations are numbered from 0.
#
# With:   pycocotools 2.0.11, numpy 2.4.6
# Does:   a match is noted as the annotation's id, and 0 is the sign for "no match". What found it is a false alarm.
# Guess:  any numbers will do that differ; enumerate() gives some.
# Seen:   boxes equal to the annotations: AP 1.0, AR 1.0 with ids 1 to 4; AP 0.56, AR 0.75 with ids 0 to 3. The COCO
#         format and pycocotools say nothing, loading and evaluating raise nothing.
# Beside: an image or category numbered 0 costs nothing. With one person in all, the AP is 0.0.
# Use:    enumerate(..., start=1) for annotations.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pycocotools==2.0.11 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import contextlib
import io
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

BOX = [10, 10, 40, 100]


def found(people=4, annotation=1, image=1, category=1):
    """AP and AR of boxes that are exactly right, for the first id of each kind."""
    images = range(image, image + people)
    truth = COCO()
    truth.dataset = {
        "images": [{"id": of, "width": 100, "height": 200} for of in images],
        "categories": [{"id": category, "name": "person"}],
        "annotations": [
            {"id": annotation + row, "image_id": of, "category_id": category, "bbox": BOX, "area": 4000, "iscrowd": 0}
            for row, of in enumerate(images)
        ],
    }
    truth.createIndex()
    boxes = [{"image_id": of, "category_id": category, "bbox": BOX, "score": 0.9 - 0.1 * (of - image)} for of in images]
    evaluation = COCOeval(truth, truth.loadRes(boxes), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return round(float(evaluation.stats[0]), 2), round(float(evaluation.stats[8]), 2)


with contextlib.redirect_stdout(io.StringIO()):
    seen = {
        "ids from 1": found(),
        "annotations from 0": found(annotation=0),
        "images from 0": found(image=0),
        "category 0": found(category=0),
        "one person, 0": found(1, annotation=0),
    }
expected = {name: (1.0, 1.0) for name in seen} | {"annotations from 0": (0.56, 0.75), "one person, 0": (0.0, 0.0)}
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
