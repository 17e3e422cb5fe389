"""key=value arguments of the commands that are not Hydra's: the fields of a dataclass, by their types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import MISSING, OmegaConf, ValidationError

from dien_lightning.experiments.keys import did_you_mean

T = TypeVar("T")
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def take(kind: type[T], arguments: Sequence[str]) -> tuple[T, list[str]]:
    """The arguments that name a field of `kind`, and the rest.

    A text stays as it was typed: YAML, and so OmegaConf's own reading of the command line, would take a folder called
    0042 or off for something else.

    Args:
        kind: dataclass; a field that is MISSING has to be given.
        arguments: words of the command line.

    Raises:
        ValueError: a value that is empty or of another type, a field that is missing, or what `kind` itself refuses
            (__post_init__).

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
    given = {name: text for name, equals, text in (word.partition("=") for word in arguments) if equals}
    options: Any = OmegaConf.structured(kind)
    for name, text in given.items():
        if name not in types:
            continue
        if not text and getattr(kind, name, None) != "":  # Path("") would be the folder one is in
            raise ValueError(f"{name}= is empty; write {name}=VALUE, or leave it out.")
        try:
            options[name] = None if text == "null" and "None" in types[name] else text.replace("${", "\\${")
        except ValidationError:
            raise ValueError(f"{name}={text!r} must be {_KINDS[types[name].split()[0]]}.") from None
    if missing := [name for name in types if OmegaConf.is_missing(options, name)]:
        raise ValueError(f"{missing[0]}=... is missing; --help says what it is.")
    rest = [word for word in arguments if "=" not in word or word.partition("=")[0] not in types]
    return OmegaConf.to_object(options), rest  # type: ignore[return-value]


def take_all(kind: type[T], arguments: Sequence[str]) -> T:
    """As `take`, for a command that takes nothing else.

    Raises:
        ValueError: an argument that is no field, too.
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for name, equals, _ in (word.partition("=") for word in arguments):
        if name not in names:
            raise ValueError(f"{name!r} is not an option{did_you_mean(name, names)} There are {', '.join(names)}.")
        if not equals:
            raise ValueError(f"{name} has no value; write {name}=VALUE.")
    return take(kind, arguments)[0]


def take_paths(kind: type[T], arguments: Sequence[str], number: int, wanted: str) -> tuple[list[str], T]:
    """So many words that name files or folders, which may have an equals sign in their names, and the options.

    Raises:
        ValueError: there are more paths or fewer, and these are `wanted`; or as `take_all`.
    """
    paths = [word for word in arguments if "=" not in word or Path(word).exists()]
    options = take_all(kind, [word for word in arguments if word not in paths])
    if len(paths) != number:
        raise ValueError(f"{len(paths)} {wanted}")
    return paths, options


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


__all__ = ["MISSING", "take", "take_all", "take_paths", "whole_numbers"]
