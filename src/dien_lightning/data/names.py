"""Names of people and cameras, once read: who is nobody, which spellings are one name, how they become numbers."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

LARGEST = 2**31  # a number from here on is a name: time stamps, track ids of 64 bits and more
_NO_VALUE = {"00-1", "\\n", "n/a", "#n/a", "n.a.", "n.a", "nan", "nat", "none", "null", "nil", "na"}
_NOBODY = {  # one blank stands for whatever lies between words; a number may follow
    "missing", "ignore", "undefined", "unassigned", "tbd", "tba", "todo",
    "unk", "unknown", "unknown person", "person unknown", "unknown id", "id unknown", "no id", "noid",
    "nobody", "no one", "noone", "unidentified", "unidentified person",
    "unlabeled", "unlabelled", "unlabel", "not labeled", "not labelled", "not annotated", "unannotated",
    "junk", "noise", "false positive", "false positives", "background", "backgrounds", "distractor", "distractors",
    "other", "others", "andere",
    "unbekannt", "unbestimmt", "inconnu", "inconnue", "desconocido", "desconocida", "desconhecido", "sconosciuto",
    "onbekend", "nieznany", "неизвестно", "未知", "不明", "无", "미상",
}  # fmt: skip


@lru_cache(maxsize=2**16)
def is_nobody(name: str | None) -> bool:
    """Whether a name says that nobody knows: nothing at all, a word for unknown or junk, or a negative number.

    Example:
        >>> [is_nobody(name) for name in (None, "", "-1.0", "NaN", "<NA>", "Junk", "Unknown_1", "0000", "Anna")]
        [True, True, True, True, True, True, True, False, False]
    """
    word = spelled(name or "").casefold().strip("<>()[]")
    words = re.sub(r"[\W_]+", " ", word).strip()
    if not word.strip(string.punctuation) or {word, words} & _NO_VALUE or {word, words} & _NOBODY:
        return True
    numbered = re.fullmatch(r"(.+?)s? ?[0-9]+", words)
    if numbered and numbered[1] in _NOBODY:
        return True
    return re.fullmatch(r"[-−–]\s*\d+([.,]\d*)?|-?nan", word) is not None


@lru_cache(maxsize=2**16)
def spelled(name: str) -> str:
    """The one spelling of a name: as Unicode's NFKC has it, without what is invisible, quotes and blanks around it, and
    the zeros around a number.

    Example:
        >>> spelled("0011"), spelled(" 12.0"), spelled("１\\u200b2"), spelled("Jose\\u0301") == "Jos\\u00e9"
        ('11', '12', '12', True)
    """
    if not name.isascii():
        name = "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    name = name.strip().strip("'\"").strip()
    number = re.fullmatch(r"\+?([0-9]+)(?:[.,]0*)?", name)
    return (number[1].lstrip("0") or "0") if number else name


def number_names(names: Iterable[str]) -> dict[str, int]:
    """Number names, each as `spelled`: by themselves if all are numbers of moderate size, otherwise by their order.

    Example:
        >>> number_names(["0007", "12"]), number_names(["front door", "back door"])
        ({'7': 7, '12': 12}, {'back door': 0, 'front door': 1})
        >>> number_names(["18446744073709551612", "18446744073709551613"])
        {'18446744073709551612': 0, '18446744073709551613': 1}
    """
    spellings = set(map(spelled, names))
    digits = {name for name in spellings if name.isascii() and name.isdigit()}
    others = sorted(spellings - digits)
    ordered = sorted(digits, key=lambda name: (len(name), name)) + others
    if not others and all(len(name) < 11 and int(name) < LARGEST for name in ordered):
        return {name: int(name) for name in ordered}
    return {name: number for number, name in enumerate(ordered)}


def number_cameras(names: Iterable[str]) -> dict[str, int]:
    """As `number_names`, and by the number where all names are one word and a number.

    Example:
        >>> number_cameras(["cam3", "cam06"]), number_cameras(["yard2", "door1"])
        ({'cam3': 3, 'cam06': 6}, {'door1': 0, 'yard2': 1})
    """
    names = set(names)
    spellings = sorted(set(map(spelled, names)), key=lambda name: (len(name), name))
    parts = [re.fullmatch(r"(\D+)([0-9]{1,9})", name) for name in spellings]
    if all(parts) and len({part[1] for part in parts if part}) == 1:
        return {part[0]: int(part[2]) for part in parts if part}
    return number_names(names)


def one_in_several_spellings(names: Iterable[str], one: str = "identity", many: str = "identities") -> list[str]:
    """What a user should know of names that are nearly the same, in sentences.

    Args:
        names: as they stand there.
        one, many: what they name.

    Example:
        >>> one_in_several_spellings(["0011", "11", "Anna", "anna"])
        ["'0011' and '11' are read as one identity.", "'Anna' and 'anna' are read as 2 identities."]
    """
    alike: dict[str, set[str]] = defaultdict(set)
    for name in set(names):
        alike[re.sub(r"[\W_]+", " ", spelled(name).casefold())].add(unicodedata.normalize("NFC", name))
    several = sorted(sorted(spellings) for spellings in alike.values() if len(spellings) > 1)
    people = [len(set(map(spelled, spellings))) for spellings in several]
    read = [f" are read as one {one}." if number == 1 else f" are read as {number} {many}." for number in people]
    return [" and ".join(map(repr, spellings)) + words for spellings, words in zip(several, read, strict=True)]
