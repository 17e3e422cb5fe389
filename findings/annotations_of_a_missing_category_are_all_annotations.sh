#!/usr/bin/env bash
# Crops of "pedestrian" from a COCO file whose people are called "person" are crops of every car and dog in it.
#
# With:   pycocotools 2.0.11, numpy 2.4.6
# Does:   getCatIds gives [] for a name that it does not know, and getAnnIds takes an empty list of categories, or of
#         images, for "no wish" and returns all. Nothing is raised.
# Guess:  no category, no annotation: an empty folder of crops, which one notices.
# Seen:   a file of 3 people, 4 cars and 2 dogs: "person" gives 3 annotations, "pedestrian" and "Person" 9.
# Beside: getImgIds does the same. A name in a string instead of a list is looked for within it: getCatIds("scarf")
#         finds the category "car". Two categories give annotations of either, but images that have both.
# Use:    ids = coco.getCatIds(["person"]); assert ids
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

NUMBERS = {"person": 3, "car": 4, "dog": 2}
coco = COCO()
categories = [{"id": place, "name": name} for place, name in enumerate(NUMBERS, start=1)]
owners = [category["id"] for category in categories for _ in range(NUMBERS[category["name"]])]
coco.dataset = {
    "images": [{"id": image, "width": 100, "height": 200} for image in range(1, len(owners) + 1)],
    "categories": categories,
    "annotations": [
        {"id": number, "image_id": number, "category_id": owner, "bbox": [1, 1, 9, 9], "area": 81, "iscrowd": 0}
        for number, owner in enumerate(owners, start=1)
    ],
}
with contextlib.redirect_stdout(io.StringIO()):
    coco.createIndex()


def annotations(names):
    """How many annotations the usual two lines return."""
    return len(coco.getAnnIds(catIds=coco.getCatIds(names)))


seen = {
    "person": annotations(["person"]),
    "pedestrian": annotations(["pedestrian"]),
    "Person": annotations(["Person"]),
    "images of pedestrian": len(coco.getImgIds(catIds=coco.getCatIds(["pedestrian"]))),
    "annotations of no image": len(coco.getAnnIds(imgIds=[])),
    "categories in the word scarf": [each["name"] for each in coco.loadCats(coco.getCatIds("scarf"))],
    "annotations of person, car": annotations(["person", "car"]),
    "images of person, car": len(coco.getImgIds(catIds=coco.getCatIds(["person", "car"]))),
}
expected = dict(zip(seen, (3, 9, 9, 9, 9, ["car"], 7, 0)))
print(seen)
sys.exit(0 if seen == expected else f"changed; before: {expected}")
PYTHON
