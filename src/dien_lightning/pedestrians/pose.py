"""How a person walks, stands or reads a phone: turns of the joints."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .body import Floats, rotation


class Gait(NamedTuple):
    """A person's own way of moving, the same in every image; angles in radians.

    Attributes:
        stride: swing of the thighs.
        arm_swing: swing of the arms.
        elbow: bend of the elbows.
        lean: forward lean of the back.
        arm_gap: angle between the upper arm and the body.
    """

    stride: float
    arm_swing: float
    elbow: float
    lean: float
    arm_gap: float


def sample_gait(rng: np.random.Generator) -> Gait:
    """Draw a person's gait."""
    return Gait(
        stride=rng.uniform(0.3, 0.5),
        arm_swing=rng.uniform(0.15, 0.5),
        elbow=rng.uniform(0.1, 0.5),
        lean=rng.uniform(0.0, 0.09),
        arm_gap=rng.uniform(0.14, 0.28),
    )


def sample_pose(gait: Gait, rng: np.random.Generator) -> dict[str, Floats]:
    """Draw one moment: joint rotations for `joint_transforms`.

    Forward is -y: a limb that hangs swings forward by a negative turn about x, a back bends forward by a positive one.
    """
    action = rng.choice(["walk", "stand", "phone"], p=[0.75, 0.15, 0.1])
    phase = rng.uniform(0, 2 * np.pi)
    effort = rng.uniform(0.7, 1.1) if action != "stand" else rng.uniform(0.0, 0.15)
    phone_side = rng.choice(["l", "r"])
    rotations: dict[str, Floats] = {}
    for side, sign, moment in (("l", 1, phase), ("r", -1, phase + np.pi)):
        swing = gait.stride * effort * np.sin(moment)  # of the thigh, forward positive
        lifted = max(0.0, np.cos(moment)) ** 1.5  # the leg that comes forward bends its knee
        knee = 0.08 + effort * (0.95 * lifted + 0.1)
        rotations[f"thigh_{side}"] = rotation("x", -swing - 0.25 * knee * lifted) @ rotation("y", sign * 0.075)
        rotations[f"shin_{side}"] = rotation("x", knee)
        rotations[f"foot_{side}"] = rotation("x", -0.5 * knee + 0.5 * max(0.0, swing) - 0.1)

        lower = rotation("y", sign * (0.73 - gait.arm_gap))
        arm_swing = gait.arm_swing * effort * np.sin(moment) + rng.normal(0, 0.04)
        bend = gait.elbow + 0.35 * effort * max(0.0, -np.sin(moment)) * gait.arm_swing
        if action == "phone" and side == phone_side:
            arm_swing, bend = -0.35, rng.uniform(1.3, 1.7)
        # In the rest pose the elbows are bent by 0.75 already. They turn about the axis that is x once the arm hangs.
        rotations[f"clavicle_{side}"] = rotation("y", sign * 0.08)
        rotations[f"upper_arm_{side}"] = rotation("x", arm_swing) @ lower
        rotations[f"forearm_{side}"] = lower.T @ rotation("x", 0.75 - bend) @ lower
        rotations[f"fingers_{side}"] = lower.T @ rotation("y", sign * 0.5) @ lower
    twist = 0.12 * effort * np.sin(phase)
    rotations["waist"] = rotation("x", gait.lean) @ rotation("z", -twist / 2)
    rotations["chest"] = rotation("z", twist)
    look = (0.45, rng.normal(0, 0.15)) if action == "phone" else (rng.normal(0.02, 0.08), rng.normal(0, 0.3))
    rotations["neck"] = rotation("x", look[0] / 2)
    rotations["head"] = rotation("z", float(np.clip(look[1], -0.8, 0.8))) @ rotation("x", look[0] / 2 - gait.lean)
    return rotations
