"""key=value arguments of the commands that are not Hydra's: the fields of a dataclass, by their types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

from omegaconf import MISSING, OmegaConf, ValidationError

from dien_lightning.experiments.keys import did_you_mean

T = TypeVar("T")
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def take(kind: type[T], arguments: Sequence[str]) -> tuple[T, list[str]]:
    """The arguments that name a field of `kind`, and the rest.

    A text stays as it was typed: a folder may be called 0042 or off, a pattern may hold what YAML would trip over.

    Args:
        kind: dataclass; a field that is MISSING has to be given.
        arguments: words of the command line.

    Raises:
        ValueError: a value of another type, or a field that is missing.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Options:
        ...     output: str = "outputs"
        ...     top: int = 10
        >>> take(Options, ["output=0042", "top=3", "seed=1"])
        (Options(output='0042', top=3), ['seed=1'])
    """
    types = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    options: Any = OmegaConf.structured(kind)  # makes numbers of texts
    given: dict[str, Any] = {}
    rest = []
    for argument in arguments:
        name, equals, text = argument.partition("=")
        kept = types.get(name, "").removesuffix(" | None")
        if not equals or name not in types:
            rest.append(argument)
        elif text == "null" and kept != types[name]:
            given[name] = None
        elif kept == "str":
            given[name] = text
        else:
            try:
                options[name] = text
                given[name] = options[name]
            except ValidationError:
                raise ValueError(f"{name}={text!r} must be {_KINDS[kept]}.") from None
    for field in fields(kind):  # type: ignore[arg-type]
        if field.default == MISSING and field.name not in given:
            raise ValueError(f"{field.name}=... is missing; --help says what it is.")
    return kind(**given), rest


def take_all(kind: type[T], arguments: Sequence[str]) -> T:
    """As `take`, for a command that takes nothing else.

    Raises:
        ValueError: an argument that is no field, too.
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    unknown = [word for word in arguments if "=" not in word or word.partition("=")[0] not in names]
    if unknown:
        word = unknown[0].partition("=")[0]
        if word in names:
            raise ValueError(f"{word} has no value; write {word}=VALUE.")
        raise ValueError(f"{word!r} is not an option{did_you_mean(word, names)} There are {', '.join(names)}.")
    return take(kind, arguments)[0]


def whole_numbers(name: str, listed: str) -> list[int]:
    """Different whole numbers of at least 0, such as the seeds of a table's runs.

    Raises:
        ValueError: something else is among them, or one stands there twice.

    Example:
        >>> whole_numbers("seeds", "0,1,2")
        [0, 1, 2]
    """
    parts = [part.strip() for part in listed.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise ValueError(f"{name}={listed} must be whole numbers, such as {name}=0,1,2.")
    numbers = list(map(int, parts))
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{name}={listed} names one twice, which would count as two runs.")
    return numbers


__all__ = ["MISSING", "take", "take_all", "whole_numbers"]
