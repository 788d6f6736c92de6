"""Videos of episodes, frame by frame while they go on.

They are there to be looked at: one that cannot be made is left out with a warning, and nobody stops learning for it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from l2logger.diagnostics import warn
from l2logger.errors import ConfigError, LogWarning, SignalError
from l2logger.media.videos import FASTEST_FPS, SLOWEST_FPS

if TYPE_CHECKING:
    from l2logger.bound import BoundLogger
    from l2logger.l2logger import DataLogger

MAX_BYTES: Final = 2**27
"""What a film may take in memory."""

_USUAL_FPS: Final = 30.0


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
        self._is_over = False

    def shoot(self, render: Callable[[], Any]) -> None:
        """Take the next frame; if there is none, the film ends here."""
        if self._is_over:
            return
        try:
            frame = render()
            if frame is None:
                raise ValueError("it returned None")
            self.add(frame)
        except Exception as error:
            self._is_over = True
            warn(f"an episode was not filmed to its end, as it could not be rendered: {error!r}", LogWarning)

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

    def log(self, to: "DataLogger | BoundLogger", name: str, step: int, clock: str) -> None:
        """Log the film as a video.

        Args:
            to: The run.
            name: Of the video.
            step: Where on the clock it belongs.
            clock: What `step` counts.

        Raises:
            ImportError: A package for videos is missing.
            LogWriteError: The operating system refused.
        """
        if not self.frames:
            return
        try:
            to.log_video(name, self.frames, step, clock=clock, fps=self.fps)
        except SignalError as error:
            warn(f"the video {name!r} at {clock} {step} was left out: {error}", LogWarning)


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
            self._film.shoot(self._render)

    def _render(self) -> Any:
        frames = self._env.render()
        return frames[0] if isinstance(frames, tuple | list) else frames

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
    """Return how many frames a second an environment is meant to have, as far as a video can have them."""
    given = env.metadata.get("render_fps")
    if given is None:
        return _USUAL_FPS
    try:
        fps = float(given)
    except (TypeError, ValueError):
        fps = 0.0
    if not SLOWEST_FPS <= fps <= FASTEST_FPS:
        warn(f"the environment has render_fps={given!r}; its videos have {_USUAL_FPS:g} frames a second", LogWarning)
        return _USUAL_FPS
    return fps
