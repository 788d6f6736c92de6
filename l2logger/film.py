"""Videos of episodes, frame by frame while they go on."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from l2logger.errors import ConfigError

MAX_BYTES: Final = 2**27
"""What a film may take in memory."""


class Film:
    """Keep the frames of one episode, however long it gets: when they take too much, every second one is left out.

    Args:
        fps: How many frames there are a second.

    Attributes:
        frames: Those that are kept, each HxWx3 of ``uint8``.
        fps: How many of them make a second.
    """

    def __init__(self, fps: float) -> None:
        self.frames: list[NDArray[Any]] = []
        self.fps = fps
        self._seen = 0
        self._pace = 1
        self._nbytes = 0

    def add(self, frame: Any) -> None:
        """Take the next frame, which is copied."""
        if self._seen % self._pace == 0:
            self.frames.append(np.array(frame))
            self._nbytes += self.frames[-1].nbytes
            if self._nbytes > MAX_BYTES:
                del self.frames[1::2]
                self._pace *= 2
                self.fps /= 2
                self._nbytes = sum(each.nbytes for each in self.frames)
        self._seen += 1


class Camera:
    """Film the first and then each so many episodes of an environment, or of the first one of a vector.

    Args:
        env: What is rendered.
        every: How many episodes; None for no films at all.

    Raises:
        ConfigError: `every` is no such number, or the environment makes no pictures.
    """

    def __init__(self, env: Any, every: int | None) -> None:
        if every is not None:
            if type(every) is not int or every < 1:
                raise ConfigError(f"video_every must be a whole number of episodes from 1 on, got {every!r}")
            check_pictures("video_every", env)
        self._env = env
        self._every = every
        self._begun = 0
        self._film: Film | None = None

    def begin(self) -> None:
        """Take the first picture of an episode."""
        due = self._every is not None and self._begun % self._every == 0
        self._film = Film(fps_of(self._env)) if due else None
        self._begun += 1
        self.shoot()

    def shoot(self) -> None:
        """Take the next picture of the episode, if it is to have a film."""
        if self._film is not None:
            frames = self._env.render()
            self._film.add(frames[0] if isinstance(frames, tuple | list) else frames)

    def end(self) -> Film | None:
        """Return the film of the episode, if there is one."""
        film, self._film = self._film, None
        return film


def check_pictures(asked_by: str, env: Any) -> None:
    """Find out that an environment makes pictures.

    Raises:
        ConfigError: It does not; the message names the argument that asked for them.
    """
    if env.render_mode != "rgb_array":
        raise ConfigError(
            f"{asked_by} needs an environment made with render_mode='rgb_array', this one has {env.render_mode!r}"
        )


def fps_of(env: Any) -> float:
    """Return how many frames a second an environment is meant to have."""
    return float(env.metadata.get("render_fps") or 30)
