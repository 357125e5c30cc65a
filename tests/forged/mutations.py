"""Documents as somebody careless or hostile might send them: a valid one, changed in one to four places."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import tomlkit
from hypothesis import strategies as st

__all__ = ["Mutation", "as_json", "as_toml", "mutated", "mutations"]

Mutation = tuple[list[int], str, Any]
"""Where, what is done there, and with which value. An even first number: the n-th child, level by level, by those that
follow; an odd one: any value of the document, as likely as any other."""

_RAW = "\ue000"
"""Opens a string that stands for itself in the file, quotes and all."""

_ODD: tuple[Any, ...] = (
    *(None, True, False, "", [], {}, 0, 1, -1, 2, 7, 9, 10, 11, 19, 20, 40, 41),
    *(0.0, -0.0, 0.5, -0.5, 1.5, 1e-300, 1e300, -1e300, 1.7e308, 5e-324, 1e6, -1e6),
    *(10**9, 10**9 + 1, -(10**9), 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**30),
    *("a", "<10", "hidden", "withheld", "1", "-1", "nan", "inf", "1e5", "2-D", "mixed", "file", "dicom", "0" * 64),
    *("<script>alert(1)</script>", "a|b", "`a`", "[a](http://b)", "'\"", "{{7*7}}", "%s", "../../x", "C:\\x", "a\nb"),
    *("\x1b[31mred", "\x00", "\x7f", "\u202eevil", "\u200b", "\ud800", "\ufeff", "e\u0301", "\u05d0\u05d1", "日本" * 9),
    *("x" * 199, "x" * 201, "x" * 5000, " ", "\t"),
    *([0], [1.0, 2.0], [1.0, None], ["a"], [[1.0], [2.0, 3.0]], [0.0] * 4, [0.0] * 33, [1.0] * 136, [[[[[]]]]]),
    *({"a": 1}, {"": {}}, {"\u202e": 1}, {"n": 1, "mean": [0.0], "cov": [1.0], "area": None, "noise": None}),
    *(_RAW + raw for raw in ("1e999", "-1e999", "NaN", "Infinity", "nan", "1" * 5000, "-0", "1.0", "2024-01-01")),
    *(_RAW + "[" * 3000 + "]" * 3000, _RAW + '{"a": 1, "a": 2}', _RAW + "]", _RAW + "0x1F", _RAW + "'''", _RAW + ""),
)

_FACTORS = (-1.0, 0.0, 0.5, 0.999, 1.001, 2.0, 10.0, 1e3, 1e6, 1e12)


def mutations() -> st.SearchStrategy[list[Mutation]]:
    """One to four changes."""
    value = st.one_of(
        st.sampled_from(_ODD),
        st.sampled_from(_ODD),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
    )
    place = st.lists(st.integers(0, 63), min_size=3, max_size=8)
    action = st.sampled_from([*_ACTIONS, "vary", "vary", "scale", "step", "turn"])
    change = st.tuples(place, action, value)
    return st.one_of(st.lists(change, min_size=1, max_size=1), st.lists(change, min_size=1, max_size=4))


def mutated(document: dict[str, Any], changes: list[Mutation]) -> dict[str, Any]:
    """A copy of plain values, changed."""
    tree = copy.deepcopy(document)
    for place, action, value in changes:
        holder, key = _found(tree, place)
        if holder is not None:
            _ACTIONS[action](holder, key, copy.deepcopy(value), tree)
    return tree


def _found(tree: Any, place: list[int]) -> tuple[Any, Any]:
    """The container and the key that a place leads to; a place ends early where there is nothing below."""
    if place[0] % 2:
        every = list(_all(tree))
        return every[sum(step * 64**power for power, step in enumerate(place)) % len(every)] if every else (None, None)
    holder, key, here = None, None, tree
    for step in place[1:]:
        keys = list(here) if isinstance(here, dict) else list(range(len(here))) if isinstance(here, list) else []
        if not keys:
            break
        holder, key = here, keys[step % len(keys)]
        here = holder[key]
    return holder, key


def _all(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with each of its keys; of long lists the first ones."""
    keys = list(tree) if isinstance(tree, dict) else list(range(min(len(tree), 3))) if isinstance(tree, list) else []
    for key in keys:
        yield tree, key
        yield from _all(tree[key])


def _replace(holder: Any, key: Any, value: Any, _tree: Any) -> None:
    holder[key] = value


def _delete(holder: Any, key: Any, _value: Any, _tree: Any) -> None:
    del holder[key]


def _insert(holder: Any, key: Any, value: Any, _tree: Any) -> None:
    if isinstance(holder, list):
        holder.insert(key, value)
    else:
        holder[value if isinstance(value, str) and not value.startswith(_RAW) else f"{key}2"] = holder[key]


def _repeat(holder: Any, key: Any, _value: Any, _tree: Any) -> None:
    if isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        others = [name for name in holder if name != key]
        if others:
            holder[others[0]] = copy.deepcopy(holder[key])


def _scale(holder: Any, key: Any, value: Any, _tree: Any) -> None:
    """Numbers times a factor, whole lists of them too."""
    factor = _FACTORS[len(str(value)) % len(_FACTORS)]

    def scaled(item: Any) -> Any:
        if isinstance(item, list):
            return [scaled(part) for part in item]
        if isinstance(item, bool) or not isinstance(item, int | float):
            return item
        return int(item * factor) if isinstance(item, int) else item * factor

    holder[key] = scaled(holder[key])


def _turn(holder: Any, key: Any, _value: Any, _tree: Any) -> None:
    """Lists backwards, text too; a table's first two values change places."""
    item = holder[key]
    if isinstance(item, list | str):
        holder[key] = item[::-1]
    elif isinstance(item, dict) and len(item) > 1:
        one, other, *_ = item
        item[one], item[other] = item[other], item[one]


def _vary(holder: Any, key: Any, value: Any, _tree: Any) -> None:
    """Another value of the same kind."""
    item = holder[key]
    alike = [odd for odd in _ODD if type(odd) is type(item)]
    if isinstance(item, list) and item and all(isinstance(part, float) for part in item):
        place = len(str(value)) % len(item)
        item[place] = [0.0, -item[place], item[place] * 1e3, 1e-9, item[place] + 1.0][len(repr(value)) % 5]
    elif alike:
        holder[key] = copy.deepcopy(alike[len(repr(value)) % len(alike)])


def _step(holder: Any, key: Any, _value: Any, _tree: Any) -> None:
    if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
        holder[key] += 1


_ACTIONS: dict[str, Callable[[Any, Any, Any, Any], None]] = {
    "replace": _replace,
    "delete": _delete,
    "insert": _insert,
    "repeat": _repeat,
    "scale": _scale,
    "turn": _turn,
    "step": _step,
    "vary": _vary,
}


def as_json(tree: Any) -> bytes:
    """The file of a changed document."""
    return _raw(json.dumps(tree), r"\\ue000").encode("utf-8", "surrogatepass")


def as_toml(tree: dict[str, Any]) -> bytes:
    """The file of a changed document; what TOML has no word for becomes text."""

    def worded(item: Any) -> Any:
        if isinstance(item, dict):
            return {worded(str(key)): worded(part) for key, part in item.items()}
        if isinstance(item, list):
            return [worded(part) for part in item]
        if item is None:
            return ""
        return item.encode("utf-8", "replace").decode() if isinstance(item, str) else item

    return _raw(tomlkit.dumps(worded(tree)), _RAW).encode()


def _raw(text: str, mark: str) -> str:
    """Strings that open with the mark, without their quotes."""
    return re.sub(rf'"{mark}((?:[^"\\]|\\.)*)"', lambda found: json.loads(f'"{found[1]}"'), text)
