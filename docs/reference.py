"""Write ``docs/interface.md``, the public names with their signatures and docstrings.

Run with ``python docs/reference.py`` from the root of the project; a test compares the page with what this makes.
"""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

PAGE = Path(__file__).with_name("interface.md")
PARTS = {
    "Writing": ["l2logger.l2logger", "l2logger.processors", "l2logger.sinks"],
    "Beside the records: methods of every run and handle": [
        "l2logger.signal_methods",
        "l2logger.media_methods",
        "l2logger.artifact_methods",
        "l2logger.blocks",
        "l2logger.experiences",
    ],
    "Set up by others": ["l2logger.gymnasium", "l2logger.sb3", "l2logger.configuration"],
    "Reading": ["l2logger.read", "l2logger.summary", "l2logger.rules", "l2logger.findings"],
    "The functions of l2logger 1.8": ["l2logger.util"],
    "Errors and warnings": ["l2logger.errors"],
}
LINE = 110
INTRODUCTION = """# The interface

What is public, from the docstrings of the code. [The command line](cli.md) has a page of its own, and so has
[the format](format.md).
"""


def page() -> str:
    """Return the text of the page."""
    lines = [INTRODUCTION]
    for title, modules in PARTS.items():
        lines.append(f"## {title}\n")
        for name in modules:
            lines += module_part(importlib.import_module(name))
    return "\n".join(lines).rstrip() + "\n"


def module_part(module: ModuleType) -> Iterator[str]:
    """Yield what is said of a module, and of each public thing in it."""
    yield f"### `{module.__name__}`\n"
    yield as_markdown(inspect.getdoc(module) or "")
    for name, thing in public(module):
        yield f"#### `{name}`\n"
        yield from described(name, thing)
        if inspect.isclass(thing) and not issubclass(thing, BaseException):
            for method, function in methods(thing):
                yield f"##### `{name}.{method}`\n"
                yield from described(method, function)


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield the functions and classes that a module offers, as it lists or, without a list, defines them."""
    listed = getattr(module, "__all__", None)
    for name, thing in vars(module).items() if listed is None else ((name, getattr(module, name)) for name in listed):
        own = listed is not None or getattr(thing, "__module__", "") == module.__name__
        if own and not name.startswith("_") and (inspect.isclass(thing) or inspect.isfunction(thing)):
            yield name, thing


def methods(thing: type) -> Iterator[tuple[str, Any]]:
    """Yield the documented public methods and properties of a class, in the order of its source."""
    for name, member in vars(thing).items():
        function = getattr(member, "__func__", member)
        documented = inspect.isfunction(function) or isinstance(function, property)
        if documented and not name.startswith("_") and function.__doc__:
            yield name, function


def described(name: str, thing: Any) -> Iterator[str]:
    """Yield signature and docstring."""
    if not isinstance(thing, property) and not (inspect.isclass(thing) and issubclass(thing, tuple | BaseException)):
        yield f"```python\n{call(name, inspect.signature(thing))}\n```\n"
    yield as_markdown(inspect.getdoc(thing) or "")


def call(name: str, signature: inspect.Signature) -> str:
    """Return how a function is called, on one line if it fits."""
    text = re.sub(r"\b(?:[A-Za-z_]\w*\.)+(\w+)", r"\1", str(signature)).replace("(self, ", "(").replace("(self)", "()")
    text = name + re.sub(r"<[^>]*>", "...", text)
    if len(text) <= LINE:
        return text
    inner, end = text.removeprefix(f"{name}(").rsplit(")", 1)
    return f"{name}(\n    " + re.sub(r", (?=[\w*/]+[:,=]|\*|/)", ",\n    ", inner) + f",\n){end}"


def as_markdown(docstring: str) -> str:
    """Return a docstring with its sections as lists."""
    text = docstring.replace("``", "`")
    lines = []
    in_list = False
    for line in text.splitlines():
        if re.fullmatch(r"(Args|Returns|Raises|Attributes|Yields|Example):", line):
            lines.append(f"*{line}*\n")
            in_list = line in ("Args:", "Raises:", "Attributes:")
        elif in_list and (item := re.fullmatch(r"    (\w+): (.*)", line)):
            lines.append(f"- `{item[1]}`: {item[2]}")
        elif in_list and line.startswith("        "):
            lines.append("  " + line.strip())
        else:
            in_list = in_list and (not line or line.startswith(" "))
            lines.append(line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
