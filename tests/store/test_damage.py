"""What is wrong with bytes from a store is named after what the caller can do, and hides what was being read."""

from __future__ import annotations

import pytest

from siegel.errors import (
    CorruptHeader,
    InvalidMessage,
    LimitExceeded,
    MalformedError,
    NewerFormat,
    SiegelError,
    StoreError,
    UnsupportedVersion,
    WrongKey,
)
from siegel.store.damage import at_rest


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (MalformedError("slot kind", "there is none"), CorruptHeader("slot kind: there is none")),
        (LimitExceeded("slot", "too long"), CorruptHeader("slot: too long")),
        (InvalidMessage(), CorruptHeader("slot: not authentic")),
        (UnsupportedVersion("slot", 7), NewerFormat("slot", 7)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_readers_raise_becomes_an_error_of_the_store(raised: SiegelError, told: StoreError) -> None:
    @at_rest("slot")
    def read() -> None:
        raise raised

    with pytest.raises(type(told)) as caught:
        read()
    assert str(caught.value) == str(told)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_everything_else_passes() -> None:
    @at_rest("slot")
    def read(value: int, *, error: Exception | None = None) -> int:
        if error:
            raise error
        return value

    assert read(5) == 5
    for error in (WrongKey(), ValueError()):
        with pytest.raises(type(error)):
            read(5, error=error)
