"""What is to be known of the environments of Stable-Baselines3, which are always vectors."""

from typing import Any

import gymnasium
from stable_baselines3.common.env_util import is_wrapped
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecMonitor, is_vecenv_wrapped


def vector_of(env: "gymnasium.Env[Any, Any] | VecEnv") -> VecEnv:
    """Return an environment as a vector of one, with a monitor that sees its own rewards; a vector as it is."""
    if isinstance(env, VecEnv):
        return env
    monitored = env if is_wrapped(env, Monitor) else Monitor(env)
    return DummyVecEnv([lambda: monitored])


def is_monitored(env: VecEnv) -> bool:
    """Return whether the ends of episodes, and their true rewards, are told by a monitor."""
    return is_vecenv_wrapped(env, VecMonitor) or all(env.env_is_wrapped(Monitor))


def specs_of(env: VecEnv) -> list[Any]:
    """Return the specification of each environment, None for what has none."""
    try:
        return list(env.get_attr("spec"))
    except Exception:  # a vector that is made as one, with attributes of its own
        return [None] * env.num_envs


def name_of(env: VecEnv) -> str:
    """Return the name of the class of the environments, as far as it can be told."""
    unwrapped = env.unwrapped
    envs = getattr(unwrapped, "envs", None)
    return type(envs[0].unwrapped if envs else unwrapped).__name__
