"""attributes.csv: what drawn people wear, in words."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dien_lightning.pedestrians import draw_pedestrians, write_attributes
from dien_lightning.pedestrians.attributes import attributes_of, color_name
from dien_lightning.pedestrians.painter import make_person, outfit_of


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def drawn(tmp_path) -> Path:
    size = {"num_cameras": 2, "images_per_camera": 2, "image_size": (64, 32)}
    root = tmp_path / "pedestrians_night"
    return draw_pedestrians(root, "night", num_train_ids=2, num_test_ids=1, workers=1, progress=False, **size)


def test_a_drawing_tells_of_all_its_people(drawn):
    found = rows(drawn / "attributes.csv")
    assert [row["pid"] for row in found] == ["5001", "5002", "5003"]
    assert {"hair", "hat", "sleeves", "upper_color", "lower", "lower_color", "backpack", "bag"} < set(found[0])
    assert found[1] == {"pid": "5002", **attributes_of(make_person(0, "night", 5002).outfit)}


def test_a_folder_that_was_drawn_without_it_gets_the_same_and_no_image_changes(drawn):
    path = drawn / "attributes.csv"
    before = path.read_bytes()
    path.unlink()
    images = {image: image.stat().st_mtime_ns for image in drawn.rglob("*.jpg")}
    assert write_attributes(drawn) == path
    assert path.read_bytes() == before
    assert {image: image.stat().st_mtime_ns for image in drawn.rglob("*.jpg")} == images
    path.write_text("mine")
    write_attributes(drawn)
    assert path.read_text() == "mine"


def test_folders_of_something_else_are_refused(drawn, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"pedestrians.json tells no drawn people; draw them with `dien draw`"):
        write_attributes(tmp_path)
    (drawn / "attributes.csv").unlink()
    manifest = json.loads((drawn / "pedestrians.json").read_text())
    (drawn / "pedestrians.json").write_text(json.dumps({**manifest, "drawing_version": 1}))
    with pytest.raises(ValueError, match="was drawn by version 1 and this is 2: remove it to draw it anew"):
        write_attributes(drawn)


def test_an_outfit_in_words():
    outfit = outfit_of(0, "day", 1)
    plain = outfit.top._replace(pattern="plain", colors=np.array([[0.9, 0.1, 0.1], [0, 0, 0]]))
    dressed = outfit._replace(
        hair_style="bun", hat="cap", sleeve=2.0, top=plain, top_hem=-0.1, open_front=None, bottom="shorts", pack="bag"
    )
    words = attributes_of(dressed._replace(shoe=np.ones(3), shaft=-0.5))
    assert (words["hair"], words["hat"], words["sleeves"], words["upper_color"]) == ("long", "yes", "long", "red")
    assert (words["upper_pattern"], words["coat"], words["open_jacket"]) == ("no", "yes", "no")
    assert (words["lower"], words["lower_color"]) == ("shorts", color_name(outfit.bottom_fabric.colors[0]))
    assert (words["shoes"], words["boots"], words["backpack"], words["bag"]) == ("light", "yes", "no", "yes")


@pytest.mark.parametrize(
    ("color", "name"),
    [
        ((24, 24, 26), "black"),
        ((128, 130, 132), "gray"),
        ((232, 232, 228), "white"),
        ((196, 176, 142), "brown"),
        ((62, 84, 122), "blue"),
        ((220, 30, 40), "red"),
        ((230, 120, 20), "orange"),
        ((230, 210, 40), "yellow"),
        ((40, 140, 60), "green"),
        ((110, 40, 160), "purple"),
        ((230, 60, 160), "pink"),
        ((220, 30, 60), "red"),
    ],
)
def test_colors_have_the_names_that_people_give_them(color, name):
    assert color_name(np.array(color) / 255) == name


def test_every_value_is_worn_by_some_and_none_by_all():
    people = [attributes_of(outfit_of(0, "day", pid)) for pid in range(1, 211)]
    for attribute in people[0]:
        counts = Counter(person[attribute] for person in people)
        assert len(counts) > 1, attribute
        assert max(counts.values()) < 0.95 * len(people), attribute
