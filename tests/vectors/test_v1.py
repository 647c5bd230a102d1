"""Every vector of ``vectors/v1``, against the library: exactly the result, or exactly the error and nothing else."""

from __future__ import annotations

from typing import Any, Final

import pytest

from siegel.errors import InvalidMessage, PeerError, SiegelError, StateError, StoreError, TrustError
from tests.vectors import (
    production,
    production_attachments,
    production_chains,
    production_epoch,
    production_group,
    production_roster,
    production_sealed,
    production_store,
    production_unlock,
)
from tests.vectors.files import VECTORS, Vector
from tests.vectors.notation import to_json

ROOMS: Final = (
    production,
    production_attachments,
    production_chains,
    production_epoch,
    production_group,
    production_roster,
    production_sealed,
    production_store,
    production_unlock,
)
OPERATIONS: Final = {name: operation for room in ROOMS for name, operation in room.OPERATIONS.items()}


def unstaged(value: Any) -> Any:
    """What is expected, without the stage of what was refused on the way: the library does not tell it."""
    if isinstance(value, dict):
        return {name: unstaged(item) for name, item in value.items() if name != "stage"}
    return [unstaged(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("vector", [v for v in VECTORS if v.valid], ids=str)
def test_valid(vector: Vector) -> None:
    """The library gives the expected result, over the same intermediate values."""
    outcome = OPERATIONS[vector.type](vector.case())
    assert to_json(outcome.expected) == unstaged(vector.test["expected"])
    assert to_json(outcome.intermediate) == vector.test.get("intermediate", {})


@pytest.mark.parametrize("vector", [v for v in VECTORS if not v.valid], ids=str)
def test_invalid(vector: Vector) -> None:
    """The library refuses with the error code; the state is what the vector says, by default what it was."""
    case = vector.case()
    with pytest.raises(SiegelError) as caught:
        OPERATIONS[vector.type](case)
    error = caught.value
    assert error.code == vector.test["error"]["code"]
    assert isinstance(error, PeerError | TrustError | StateError | StoreError)
    assert to_json(case.after) == unstaged(vector.test.get("expected", {}))
    assert error.__cause__ is None
    if error.code == InvalidMessage.code:  # one sentence, and nothing that tells which check it was
        assert (str(error), vars(error), error.__context__) == (str(InvalidMessage()), {}, None)


@pytest.mark.parametrize("vector", [v for v in VECTORS if not v.valid and v.type in {"secret-text", "words"}], ids=str)
def test_an_error_does_not_repeat_a_secret(vector: Vector) -> None:
    given = vector.test["input"].get("text", vector.test["input"].get("words"))
    with pytest.raises(SiegelError) as caught:
        OPERATIONS[vector.type](vector.case())
    said = f"{caught.value!r} {vars(caught.value)!r}".lower()
    # Prefix and first characters name the kind; from there on it is the secret.
    parts = [given[16:]] if vector.type == "secret-text" else given.split()[2:]
    assert [part for part in parts if len(part) > 8 and part.lower() in said] == []
