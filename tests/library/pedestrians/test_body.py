from __future__ import annotations

import numpy as np
import pytest

from dien_lightning.pedestrians.body import joint_transforms, load_body, rotation, skin, vertex_normals
from reference import skin_by_loops


@pytest.fixture(scope="module")
def body():
    return load_body()


def test_the_asset_is_a_closed_skin_over_a_tree_of_joints(body):
    edges = np.sort(np.concatenate([body.faces[:, [0, 1]], body.faces[:, [1, 2]], body.faces[:, [2, 0]]]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert (counts == 2).mean() > 0.99  # but for the eyes
    assert all(parent < j for j, parent in enumerate(body.parents))
    assert len(body.faces) == 5996
    assert body.num_vertices == 3000
    np.testing.assert_allclose(body.shares.sum(axis=1), 1, atol=1e-6)


def test_people_have_human_measures(body):
    rng = np.random.default_rng(0)
    for _ in range(20):
        vertices, _ = body.shaped(rng.uniform(-1.8, 1.8, len(body.directions)).astype(np.float32))
        assert 1.3 < np.ptp(vertices[:, 2]) < 2.3


def test_left_and_right_mirror_each_other(body):
    for name in ("upper_arm", "hand", "thigh", "foot"):
        np.testing.assert_allclose(body.joint(f"{name}_l"), body.joint(f"{name}_r") * (-1, 1, 1), atol=2e-3)


def test_normals_of_a_tetrahedron_point_outwards():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    normals = vertex_normals(vertices, faces)
    np.testing.assert_allclose(normals[0], -np.ones(3) / np.sqrt(3), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    assert ((vertices - 0.25) * normals).sum(axis=1).min() > 0


@pytest.mark.parametrize(("axis", "start", "end"), [("x", 1, 2), ("y", 2, 0), ("z", 0, 1)])
def test_a_quarter_turn_takes_one_axis_to_the_next(axis, start, end):
    np.testing.assert_allclose(rotation(axis, np.pi / 2) @ np.eye(3)[start], np.eye(3)[end], atol=1e-6)


def test_no_turn_leaves_everyone_where_they_are(body):
    vertices, joints = body.shaped(np.zeros(len(body.directions), dtype=np.float32))
    normals = vertex_normals(vertices, body.faces)
    posed, turned = skin(vertices, normals, body.influences, body.shares, joint_transforms(body, joints, {}))
    np.testing.assert_allclose(posed, vertices, atol=1e-5)
    np.testing.assert_allclose(turned, normals, atol=1e-5)


def test_a_bent_knee_moves_the_foot_around_the_knee_and_nothing_above(body):
    _, joints = body.shaped(np.zeros(len(body.directions), dtype=np.float32))
    transforms = joint_transforms(body, joints, {"shin_l": rotation("x", np.pi / 2)})
    knee, foot = body.joints["shin_l"], body.joints["foot_l"]
    moved = transforms[foot, :, :3] @ joints[foot] + transforms[foot, :, 3]
    lower_leg = joints[foot] - joints[knee]
    np.testing.assert_allclose(moved, joints[knee] + (lower_leg[0], -lower_leg[2], lower_leg[1]), atol=1e-5)
    np.testing.assert_allclose(transforms[body.joints["thigh_l"]], np.eye(3, 4), atol=1e-6)


def test_skinning_agrees_with_loops():
    rng = np.random.default_rng(0)
    vertices = rng.normal(size=(7, 3))
    transforms = rng.normal(size=(5, 3, 4))
    influences = rng.integers(0, 5, size=(7, 4))
    shares = rng.dirichlet(np.ones(4), size=7)
    posed, normals = skin(vertices, vertices, influences, shares, transforms)
    wanted = skin_by_loops(vertices.tolist(), influences.tolist(), shares.tolist(), transforms.tolist())
    np.testing.assert_allclose(posed, wanted, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
