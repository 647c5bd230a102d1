"""Every vector of ``vectors/v1``, against the library: exactly the result, or exactly the error and nothing else."""

from __future__ import annotations

from typing import Final

import pytest

from siegel.errors import InvalidMessage, PeerError, SiegelError, StateError, TrustError
from tests.vectors import production, production_roster, production_sealed
from tests.vectors.files import VECTORS, Vector
from tests.vectors.notation import to_json

OPERATIONS: Final = production.OPERATIONS | production_roster.OPERATIONS | production_sealed.OPERATIONS


@pytest.mark.parametrize("vector", [v for v in VECTORS if v.valid], ids=str)
def test_valid(vector: Vector) -> None:
    """The library gives the expected result, over the same intermediate values."""
    outcome = OPERATIONS[vector.type](vector.case())
    assert to_json(outcome.expected) == vector.test["expected"]
    assert to_json(outcome.intermediate) == vector.test.get("intermediate", {})


@pytest.mark.parametrize("vector", [v for v in VECTORS if not v.valid], ids=str)
def test_invalid(vector: Vector) -> None:
    """The library refuses with the error code; the state is what the vector says, by default what it was."""
    case = vector.case()
    with pytest.raises(SiegelError) as caught:
        OPERATIONS[vector.type](case)
    error = caught.value
    assert error.code == vector.test["error"]["code"]
    assert isinstance(error, PeerError | TrustError | StateError)
    assert to_json(case.after) == vector.test.get("expected", {})
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
