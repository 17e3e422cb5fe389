"""`scripts/check_data.py` as a user would run it."""

from __future__ import annotations

import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from library.data.folders import write_image, write_market


@pytest.fixture
def check(dien):
    return lambda *arguments: dien("check", "workers=1", *arguments)


def test_a_ready_folder(check, tmp_path):
    done = check(write_market(tmp_path / "market1501"), "num_ids=4").done()
    assert "Market-1501 (layout=market1501), as a source" in done.stdout
    assert "train: 24 images, 6 identities, 2 cameras" in done.stdout
    assert done.stdout.rstrip().splitlines()[-1].startswith("ready: data.source=market1501 data.source_root=")


def test_a_folder_with_something_to_do(check, tmp_path):
    write_market(tmp_path / "market1501")
    done = check(tmp_path / "market1501")
    assert done.code == 1
    assert "1. Lower data.num_ids to 6 or less" in done.stdout
    assert "ready" not in done.stdout


def test_a_plain_folder_of_crops_is_a_target(check, tmp_path):
    write_image(tmp_path / "1.jpg")
    done = check(tmp_path).done()
    assert "(layout=folder), as a target" in done.stdout
    assert "train: 1 image, no identities, 1 camera" in done.stdout


def test_a_folder_of_identities_is_a_source_where_it_is_said(check, tmp_path):
    for seed, path in enumerate(("anna/cam1_1.jpg", "anna/cam2_2.jpg", "ben/cam1_1.jpg", "ben/cam2_1.jpg")):
        write_image(tmp_path / path, seed=seed)
    done = check(tmp_path, "role=source", "camera_pattern=cam(\\d)", "num_ids=2", "num_instances=2")
    assert "train: 4 images, 2 identities, 2 cameras" in done.stdout
    assert done.stdout.rstrip().endswith(""" 'data.source_camera_pattern="cam(\\d)"'""")


def test_a_folder_without_training_images_is_no_source(check, tmp_path):
    for seed, path in enumerate(("query/anna/cam1.jpg", "gallery/anna/cam2.jpg", "gallery/ben/cam1.jpg")):
        write_image(tmp_path / path, seed=seed)
    words = (tmp_path, "layout=folder", "camera_pattern=cam(\\d)")
    assert check(*words).code == 0
    done = check(*words, "role=source")
    assert done.code == 1
    assert "There are no training images, so it cannot be a source; add them, or check it as it is" in done.stdout


def test_identities_are_read_from_names_by_the_pattern_it_proposes(check, tmp_path):
    for seed, path in enumerate(("01_c1.jpg", "01_c2.jpg", "02_c1.jpg", "02_c2.jpg")):
        write_image(tmp_path / path, seed=seed)
    said = check(tmp_path, "role=source").stderr
    assert "or pid_pattern='(?:^|/)(-?\\d+)_c\\d' reads 01_c1.jpg as '01', 02_c1.jpg as '02'" in said
    done = check(tmp_path, "role=source", r"pid_pattern=(?:^|/)(-?\d+)_c\d", "num_ids=2", "num_instances=2")
    assert "train: 4 images, 2 identities" in done.stdout
    assert done.stdout.rstrip().endswith(r"""'data.source_pid_pattern="(?:^|/)(-?\d+)_c\d"'""")


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("my crops (new)", r"(\d+)(?:\.|_)\w{1,3}$"),
        ('it\'s "new"', r"[a-z]+(\d)"),
        ("crops", r"{1: (\d)}|cam(\d)"),
        *((folder, r"cam(\d)") for folder in ("20261128", "1e3", "null", "True", "größe")),
    ],
)
def test_what_it_says_to_write_can_be_pasted(folder, pattern, check, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / folder / "cam1.jpg")
    done = check(folder, f"camera_pattern={pattern}", "cameras=none")
    line = done.stdout.rstrip().splitlines()[-1].removeprefix("ready: ")
    parsed = {o.key_or_group: o.value() for o in OverridesParser.create().parse_overrides(shlex.split(line))}
    assert parsed == {
        "data.target": "folder",
        "data.target_root": folder,
        "data.target_camera_pattern": pattern,
        "data.cameras": "none",
    }


def test_crops_with_a_labelled_query_and_gallery(check, tmp_path):
    for seed, path in enumerate(("train/cam3.jpg", "query/anna/cam1.jpg", "gallery/anna/cam2.jpg")):
        write_image(tmp_path / path, seed=seed)
    assert "query: 1 image, 1 identity, 1 camera" in check(tmp_path, "camera_pattern=cam(\\d)").done().stdout
    assert "Or say how the paths tell cameras (data.target_camera_pattern or" in check(tmp_path).stdout


def test_matches_are_asked_for_by_the_protocol(check, tmp_path):
    write_image(tmp_path / "market" / "query" / "7_c1.jpg", 4)
    for camera in (1, 2):
        write_image(tmp_path / "market" / "bounding_box_test" / f"8_c{camera}.jpg", camera)
    write_image(tmp_path / "market" / "bounding_box_train" / "9_c1.jpg", 3)
    options = (tmp_path / "market", "layout=market1501", "role=target")
    assert "none of the 1 query identities is among the 1 gallery identities (strangers)" in check(*options).stdout
    done = check(*options, "protocol=leave_one_out")
    assert "note: 1 of 3 queries have no match in another camera and do not count." in done.stdout
    assert done.stdout.rstrip().endswith("protocol=leave_one_out")
    assert "clothes='changed' asks what people wear" in check(*options, "protocol=clothes_changing").stdout


def test_a_gallery_alone_is_told_of_leave_one_out(check, tmp_path):
    rows = [
        f"{write_image(tmp_path / name, seed).name},7,{seed},gallery" for seed, name in enumerate(("a.jpg", "b.jpg"))
    ]
    (tmp_path / "t.csv").write_text("\n".join(["path,pid,camid,split", *rows]))
    assert "A gallery alone is ranked by protocol=leave_one_out." in check(tmp_path).stdout
    assert "ready:" in check(tmp_path, "protocol=leave_one_out").stdout


def test_a_table_is_recognised(check, tmp_path):
    for pid in range(2):
        write_image(tmp_path / f"{pid}.jpg", seed=pid)
    (tmp_path / "crops.csv").write_text("path,pid\n0.jpg,a\n1.jpg,b\n")
    done = check(tmp_path, "num_ids=2", "files=false")
    assert "(layout=csv), as a source" in done.stdout
    assert "Every identity has one image" in done.stdout


def test_a_table_of_something_else_does_not_hide_the_data_set(check, tmp_path):
    root = write_market(tmp_path / "v=1")
    (root / "attributes.csv").write_text("pid,hat\n1,yes\n")
    done = check(root, "num_ids=2")
    assert "(layout=market1501), as a source" in done.stdout
    assert f"note: {root}/attributes.csv has no column 'path' in its first line and is not read" in done.stdout


def test_what_drawn_people_wear_is_no_table_of_images(check, drawn_pair):
    assert (drawn_pair / "pedestrians_day" / "attributes.csv").is_file()
    done = check(drawn_pair / "pedestrians_day", "num_ids=2", "num_instances=2").done()
    assert "attributes.csv" not in done.stdout
    words = "holds 0 .csv or .tsv files; name one"
    assert words in check(drawn_pair / "pedestrians_day", "layout=csv").refusal()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "error: nowhere does not exist; name the folder that holds the images."),
        ([], "error: 0 folders were named; name one"),
        (["data", "layuot=csv"], "error: 'layuot' is not an option; did you mean layout?"),
        (["data", "role=gallery"], "error: role='gallery' is not allowed; choose one of source, target."),
        (["data", "cameras=some"], "error: cameras='some' is not allowed; choose one of required, none."),
        (["data", "protocol=all"], "error: protocol='all' is not allowed; choose one of clothes_changing, default,"),
        (["data", "num_ids=few"], "error: num_ids='few' must be a whole number."),
    ],
)
def test_wrong_commands(check, arguments, words):
    assert words in check(*arguments).refusal()


def test_a_folder_that_comes_near(check, tmp_path):
    write_market(tmp_path)
    (tmp_path / "query").rename(tmp_path / "queries")
    said = check(tmp_path).refusal()
    assert "comes nearest to" in said
    assert "query/ missing" in said
    (tmp_path / "queries").rename(tmp_path / "query")
    write_image(tmp_path / "query" / "IMG_0001.jpg")
    done = check(tmp_path)
    assert "query/IMG_0001.jpg cannot be read as identity and camera" in done.stderr
    assert "rename or remove what does not belong here; complete it, or read it as it is" in done.stderr


def test_a_second_set_beside_the_first_is_told(check, tmp_path):
    write_market(tmp_path / "market1501")
    assert "beside it" not in check(tmp_path, "num_ids=2", "num_instances=2").stdout
    write_image(tmp_path / "mine" / "0.jpg")
    done = check(tmp_path, "num_ids=2", "num_instances=2")
    assert f"note: Images beside it are not read: {tmp_path / 'mine'}. Name one folder to check it." in done.stdout


def test_folders_that_many_call_so_are_no_sets(check, tmp_path):
    for path in ("cam1/0.jpg", "cam12/0.jpg", "images/0.jpg"):
        write_image(tmp_path / path)
    done = check(tmp_path)
    assert (done.code, "a folder of images" in done.stdout) == (0, True)
    assert (
        "finds no camera in" in check(tmp_path, "camera_pattern=(\\d)/").refusal()
    )  # finds 2 of 12, and nothing in images/
    done = check(tmp_path / "cam12" / "..", "camera_pattern=cam(\\d)")
    assert "cam12/0.jpg, where the number goes on; write (\\d+) to read all of it." in done.stderr


def test_a_folder_without_images(check, tmp_path):
    assert "holds no image and no layout we know" in check(tmp_path).stderr


def test_labelled_queries_of_whom_the_gallery_shows_nobody(check, tmp_path):
    lines = ["path,pid,camid,split"]
    for seed, (split, pid) in enumerate([("train", 1), ("train", 2), ("query", 3), ("gallery", -1), ("gallery", -1)]):
        write_image(tmp_path / f"{seed}.jpg", seed)
        lines.append(f"{seed}.jpg,{pid},{seed},{split}")
    (tmp_path / "crops.csv").write_text("\n".join(lines))
    done = check(tmp_path, "role=target")
    assert "note: The queries are labelled (1 people), but the gallery shows none of them: all 2 images there are" in (
        done.stdout
    )
    assert "no labelled query" not in done.stdout
