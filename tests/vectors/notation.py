"""How a vector writes values in JSON (vectors/README.md); shared by generator, reference and runner."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

MAX_JSON_INT: Final = 2**53 - 1
MAX_HEX_BYTES: Final = 128 * 1024  # a longer output is given by its length and SHA-256


class Outcome(NamedTuple):
    """What an operation gives: results, and the values on the way to them. Bytes are still bytes."""

    expected: dict[str, Any]
    intermediate: dict[str, Any] = {}  # noqa: RUF012  # never written to


@dataclass
class Case:
    """One vector, as an operation sees it. ``after`` takes the state after a refusal, where one is to be compared."""

    fixture: dict[str, Any]
    input: dict[str, Any]
    now: int | None = None
    random: dict[str, Any] = field(default_factory=dict[str, Any])
    after: dict[str, Any] = field(default_factory=dict[str, Any])

    def data(self, name: str) -> bytes:
        """The bytes of an input."""
        return expand(self.input[name])

    def joined(self, name: str) -> bytes:
        """The bytes of an input that is a list of parts, some of them named in the fixture."""
        named = self.fixture.get("parts", {})
        return b"".join(
            expand(named[part] if isinstance(part, str) and part in named else part) for part in self.input[name]
        )

    @property
    def clock(self) -> int:
        """``now``, where the vector has one."""
        assert self.now is not None
        return self.now


def to_json(value: Any) -> Any:
    """Bytes as lower-case hex (long ones as length and SHA-256), large integers as decimal text; all else as it is."""
    if isinstance(value, bytes):
        return value.hex() if len(value) <= MAX_HEX_BYTES else measured(value)
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if type(value) is int and value > MAX_JSON_INT:
        return str(value)
    return value


def measured(data: bytes) -> dict[str, Any]:
    """Length and SHA-256 of bytes that are not written out."""
    return {"length": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def brief(data: bytes) -> bytes | dict[str, Any]:
    """Bytes, or only their length and SHA-256 if there are more than 4,096."""
    return data if len(data) <= 4096 else measured(data)


def shake(seed: bytes, length: int) -> dict[str, Any]:
    """Long bytes as SHAKE256 of a seed."""
    return {"shake256": seed.hex(), **measured(hashlib.shake_256(seed).digest(length))}


def joined(*parts: Any) -> dict[str, Any]:
    """Long bytes as the concatenation of parts, each bytes or already a description."""
    described = [to_json(part) for part in parts]
    return {"parts": described, **measured(b"".join(map(expand, described)))}


def expand(described: Any) -> bytes:
    """The bytes that hex, ``shake`` or ``joined`` describe; their length and hash are checked."""
    if isinstance(described, str):
        return bytes.fromhex(described)
    if "parts" in described:
        data = b"".join(map(expand, described["parts"]))
    else:
        data = hashlib.shake_256(bytes.fromhex(described["shake256"])).digest(described["length"])
    assert measured(data) == {"length": described["length"], "sha256": described["sha256"]}
    return data


def integer(value: int | str) -> int:
    """An integer that may be written as decimal text."""
    return int(value)


# --- values of the encoding -------------------------------------------------------------------------------------------


def spell(value: Any) -> Any:
    """A decoded value in JSON: bytes, text and maps are objects of one member, so that every value has one spelling."""
    if isinstance(value, bytes):
        return {"bytes": to_json(brief(value))}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, list):
        return [spell(item) for item in value]
    if isinstance(value, dict):
        return {"map": [[key, spell(item)] for key, item in value.items()]}
    return to_json(value)


def unspell(value: Any) -> Any:
    """The value that ``spell`` wrote (long byte strings excepted)."""
    if isinstance(value, list):
        return [unspell(item) for item in value]
    if isinstance(value, dict):
        ((kind, inner),) = value.items()
        if kind == "bytes":
            return bytes.fromhex(inner)
        return inner if kind == "text" else {key: unspell(item) for key, item in inner}
    return int(value) if isinstance(value, str) else value
