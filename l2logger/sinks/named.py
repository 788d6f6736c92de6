"""Sinks by name, from a configuration, a command line, or the environment."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from l2logger import checks
from l2logger.errors import ConfigError
from l2logger.sinks.every import Every
from l2logger.sinks.health import in_words, innermost
from l2logger.sinks.mean import Mean
from l2logger.sinks.only import Only, Without
from l2logger.sinks.prefix import Prefix
from l2logger.sinks.sink import PLACES, Sink
from l2logger.sinks.spelling import parse, spell

__all__ = ["build", "from_environment", "parse", "spell"]

GROUP: Final = "l2logger.sinks"
"""The group of entry points in which a package names its sinks."""

VARIABLE: Final = "L2LOGGER_SINKS"

# What a signal meets last stands first: metrics are chosen, averaged, thinned out, and renamed.
_WRAPPERS: Final[dict[str, Callable[[Any, Sink], Sink]]] = {
    wrapper.option: wrapper for wrapper in (Prefix, Every, Mean, Without, Only)
}
_ISOLATE: Final = "isolate"


def build(config: Any) -> list[Sink]:
    """Make the sinks that a configuration names.

    Beside the options of its constructor, each sink has: ``only``, ``without``, ``mean``, ``every`` and ``prefix``,
    for the wrappers of these names around it, in this order; and ``isolate``.

    Args:
        config: A mapping of names to options, such as ``{"console": {"every": 10}, "tensorboard": {}}``; or a list in which
            a sink may be there twice, of such mappings, of mappings with a ``name`` among the options, and of text as
            for ``l2logger replay --to``. YAML and OmegaConf give such things. A name is one that an installed package
            gives in its entry points, or the dotted path of a class.

    Raises:
        ConfigError: There is no such sink, it does not take these options, or it cannot be imported.
    """
    try:
        plain = _plain(config)
    except Exception as error:  # OmegaConf may find no value for something
        raise ConfigError(f"the configuration of the sinks cannot be read: {error}") from error
    from importlib.metadata import entry_points

    points = entry_points(group=GROUP)
    return [_make(name, options, points) for name, options in _items(plain)]


def from_environment(present: Iterable[Sink]) -> list[Sink]:
    """Make the sinks that the environment variable ``L2LOGGER_SINKS`` names, but for those of a class that is present.

    Args:
        present: Sinks that there are already, wrapped or not.

    Raises:
        ConfigError: It does not name sinks.
    """
    try:
        sinks = build(os.environ.get(VARIABLE))
    except ConfigError as error:
        raise ConfigError(f"the environment variable {VARIABLE}: {error}") from None
    classes = {type(innermost(sink)) for sink in present}
    return [sink for sink in sinks if type(innermost(sink)) not in classes]


def _plain(value: Any) -> Any:
    """Return mappings as dicts and sequences as lists, whoever made them."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return value


def _items(config: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name and the options of each sink."""
    if isinstance(config, str):
        config = parse(config)
    if isinstance(config, dict):
        name = config.get("name")
        if isinstance(name, str):
            yield name, {key: value for key, value in config.items() if key != "name"}
        else:
            yield from config.items()
    elif isinstance(config, list) and all(isinstance(item, str | dict) for item in config):
        for item in config:
            yield from _items(item)
    elif config is not None:
        kinds = {type(item).__name__ for item in config} if isinstance(config, list) else {type(config).__name__}
        raise ConfigError(
            "sinks are configured by a mapping such as {'console': {'every': 10}, 'tensorboard': {}}, or a list of names "
            f"and such mappings; got {'a list of ' * isinstance(config, list)}{', '.join(sorted(kinds))}"
        )


def _make(name: Any, options: Any, points: Any) -> Sink:
    options = {} if options is None else options
    if not isinstance(name, str) or not isinstance(options, dict) or not all(isinstance(key, str) for key in options):
        raise ConfigError(
            f"the sink {name!r} needs a mapping of its options, such as {{'every': 10}}, or nothing; "
            f"got a {type(options).__name__}"
        )
    sink_class = _find(name, points)
    own, shared = _sorted_out(name, sink_class, options)
    try:
        sink = sink_class(**own)
        isolate = shared.pop(_ISOLATE, None)
        if isolate is not None:
            sink.isolate = checks.one_of(_ISOLATE, isolate, PLACES)
        for option, wrap in _WRAPPERS.items():
            if shared.get(option) is not None:
                sink = wrap(shared[option], sink)
    except ConfigError as error:
        raise ConfigError(f"the sink {name!r}: {error}") from None
    except Exception as error:
        raise ConfigError(f"the sink {name!r}: {in_words(error)}") from error
    return sink


def _sorted_out(name: str, sink_class: type[Sink], options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of the constructor, and those that every sink has.

    Raises:
        ConfigError: There is no such option, or one is missing.
    """
    import inspect

    signature = inspect.signature(sink_class)
    parameters = [
        each for each in signature.parameters.values() if each.kind not in (each.POSITIONAL_ONLY, each.VAR_POSITIONAL)
    ]
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters)
    names = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
    of_all = [option for option in (*reversed(_WRAPPERS), _ISOLATE) if option not in names]
    own = {key: value for key, value in options.items() if key not in of_all}
    if not takes_any:
        for key in own:
            if key not in names:
                taken = f"it takes {', '.join(names)}" if names else "it has none of its own"
                raise ConfigError(
                    f"the sink {name!r} has no option {key!r}{_guess(key, [*names, *of_all])}; "
                    f"{taken}, and like every sink {', '.join(of_all)}"
                )
    try:
        signature.bind(**own)
    except TypeError as error:
        raise ConfigError(f"the sink {name!r}: {error}") from error
    return own, {key: value for key, value in options.items() if key in of_all}


def _find(name: str, points: Any) -> type[Sink]:
    """Return the class that a name stands for."""
    found = [point for point in points if point.name == name]
    if len({point.value for point in found}) > 1:
        brought = ", ".join(sorted(f"{_package(point)} ({point.value})" for point in found))
        raise ConfigError(f"several packages bring a sink called {name!r}: {brought}; give the path of one with dots")
    if not found and "." not in name:
        known = sorted({point.name for point in points})
        raise ConfigError(
            f"there is no sink called {name!r}{_guess(name, known)}; there are "
            f"{', '.join(known) or 'none, as l2logger itself is not installed'}, "
            "and every class that is given by its path, such as my_package.module.MySink"
        )
    try:
        if found:
            sink_class = found[0].load()
        else:
            import pkgutil

            sink_class = pkgutil.resolve_name(name)
    except Exception as error:
        place = f" of the package {_package(found[0])}" if found else ""
        raise ConfigError(f"the sink {name!r}{place} cannot be imported: {error!r}") from error
    # Anything else that a configuration may name, such as a function, is not called.
    if not isinstance(sink_class, type) or not issubclass(sink_class, Sink):
        raise ConfigError(f"{name!r} is no subclass of l2logger.sinks.Sink: {sink_class!r}")
    return sink_class


def _package(point: Any) -> str:
    return str(point.dist.name) if point.dist is not None else "?"


def _guess(word: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(word, known, 1)
    return f", did you mean {near[0]!r}?" if near else ""
