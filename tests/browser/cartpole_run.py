"""A run with pictures worth looking at: a policy that learns to balance a pole, its actions, and what it looks at."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from l2logger import DataLogger
from l2logger.sinks import TensorBoardSink

ACTIONS = "policy/torque"
UPDATES = 40
EVALUATIONS = (0, 13, 26, 39)
SIZE = (360, 240)
FPS = 25

_TRACK = 2.4
_SMOOTH = 3
"""How many times larger frames are drawn than they are, for smooth edges."""

State = tuple[float, float, float, float]
"""Place and speed of the cart, angle and speed of the pole."""


def log_training(directory: Path) -> DataLogger:
    """Log how the actions of a policy become two clear choices, and how long it balances the pole."""
    noise = numpy.random.default_rng(3)
    sink = TensorBoardSink(directory / "boards" / "cartpole", isolate="none")
    logger = DataLogger(directory / "logs", "cartpole", {"metrics_columns": ["reward"]}, sinks=[sink])
    logger.log_params(policy={"hidden": 64, "learning_rate": 3e-4})
    for update in range(UPDATES):
        skill = update / (UPDATES - 1)
        for name, values in _distributions(skill, noise).items():
            logger.log_histogram(name, values, update, bins=60)
        logger.log_metrics({"policy/entropy": 0.9 - 0.7 * skill}, update)
        if update in EVALUATIONS:
            states = list(_episode(skill, noise))
            frames = [_frame(*state) for state in states]
            logger.log_video(
                "evaluation/episode", list(map(numpy.asarray, frames)), update, fps=FPS, caption=f"{len(frames)} steps"
            )
            logger.log_image("evaluation/attention", numpy.asarray(_attention(frames[-1], states[-1], skill)), update)
            logger.log_figure("evaluation/values", _values(states, skill), update)
    logger.close()
    return logger


def _distributions(skill: float, noise: numpy.random.Generator) -> dict[str, Any]:
    sides = noise.choice([-1.0, 1.0], 4000)
    torque = numpy.tanh(sides * 1.6 * skill + noise.normal(0, 0.65 - 0.4 * skill, sides.size))
    advantages = noise.normal(0, 1.6 - 1.1 * skill, 4000) + noise.exponential(0.6 * (1 - skill) + 0.05, 4000)
    values = 10 + 180 * skill + noise.normal(0, 6 + 14 * math.sin(math.pi * skill), 4000)
    return {ACTIONS: torque, "policy/advantages": advantages, "policy/values": values}


def _episode(skill: float, noise: numpy.random.Generator) -> Iterator[State]:
    """Yield states until the pole falls, or it is enough: the dynamics of CartPole, by Barto, Sutton and Anderson (1983)."""
    x, speed, angle, turn = -1.5, 0.4, 0.2, 0.0
    for _ in range(150):
        yield x, speed, angle, turn
        pull = 12 * angle + 3 * turn + 0.6 * x + 0.9 * speed
        force = 10 * math.tanh(skill * pull + (1 - skill) * noise.normal(0.4, 1.5))
        push = (force + 0.05 * turn**2 * math.sin(angle)) / 1.1
        turning = (9.8 * math.sin(angle) - math.cos(angle) * push) / (0.5 * (4 / 3 - 0.1 * math.cos(angle) ** 2 / 1.1))
        rolling = push - 0.05 * turning * math.cos(angle) / 1.1
        x, speed, angle, turn = x + 0.02 * speed, speed + 0.02 * rolling, angle + 0.02 * turn, turn + 0.02 * turning
        if abs(angle) > 0.6 or abs(x) > _TRACK:
            return


def _places(x: float, angle: float, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return where the cart and the tip of the pole are in a frame."""
    width, height = size
    left, top = width * (0.5 + 0.42 * x / _TRACK), 0.74 * height
    return left, top, left + 0.5 * height * math.sin(angle), top - 0.5 * height * math.cos(angle)


def _frame(x: float, _: float, angle: float, __: float) -> Image.Image:
    width, height = (side * _SMOOTH for side in SIZE)
    image = Image.new("RGB", (width, height), (233, 239, 246))
    draw = ImageDraw.Draw(image)
    left, top, tip_left, tip_top = _places(x, angle, (width, height))
    draw.line((0, top + 0.05 * height, width, top + 0.05 * height), (60, 60, 60), 3)
    draw.rectangle((left - 0.08 * width, top - 0.05 * height, left + 0.08 * width, top + 0.05 * height), (40, 44, 52))
    draw.line((left, top - 0.03 * height, tip_left, tip_top), (202, 152, 101), 26)
    draw.circle((left, top - 0.03 * height), 12, (129, 132, 203))
    return image.resize(SIZE, Image.Resampling.LANCZOS)


def _attention(frame: Image.Image, state: State, skill: float) -> Image.Image:
    """Return a frame under a map of where the policy looks: anywhere at first, at last at the pole."""
    left, top, tip_left, tip_top = _places(state[0], state[2], SIZE)
    map_size = SIZE[0] // 20, SIZE[1] // 20
    rows, columns = numpy.mgrid[: map_size[1], : map_size[0]] * 20.0 + 10
    width = 30 + 80 * (1 - skill)
    heat = sum(
        numpy.exp(
            -((columns - left - part * (tip_left - left)) ** 2 + (rows - top - part * (tip_top - top)) ** 2) / width**2
        )
        for part in (0.0, 0.5, 1.0, 1.0)
    )
    levels = Image.fromarray((255 * heat / heat.max()).astype(numpy.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    colours = colormaps["inferno"](numpy.asarray(levels))[..., :3] * 255
    grey = numpy.asarray(frame.convert("L"), float)[..., None]
    return Image.fromarray((0.4 * grey + 0.6 * colours).astype(numpy.uint8))


def _values(states: list[State], skill: float) -> Figure:
    """Return how good it is to be in a state, as the critic has it, and the way of an episode."""
    place, angle = numpy.meshgrid(numpy.linspace(-_TRACK, _TRACK, 60), numpy.linspace(-30, 30, 50))
    distance = (angle / 12) ** 2 + (place / 1.6) ** 2 + 0.8 * angle / 12 * place / 1.6
    values = 10 + 180 * skill * numpy.exp(-distance / (0.6 + 1.2 * skill))
    figure = Figure(figsize=(3.6, 2.4), dpi=100, layout="constrained")
    axes = figure.subplots()
    shown = axes.contourf(place, angle, values, levels=14, cmap="viridis")
    figure.colorbar(shown, label="value")
    axes.plot(
        [state[0] for state in states], [math.degrees(state[2]) for state in states], color="white", linewidth=1.4
    )
    axes.plot(states[-1][0], math.degrees(states[-1][2]), "o", color="#ff7043")
    axes.set(xlabel="place of the cart (m)", ylabel="angle (°)", ylim=(-30, 30))
    return figure
