"""What was verified cannot be changed afterwards."""

from __future__ import annotations

import pytest

from siegel import Succession
from siegel._core.frozen import Frozen
from tests.people import AT, person, public

OBJECTS = [person("alice").user_id, public("alice"), Succession.create(old=person("alice"), new=person("bob"), at=AT)]


def test_every_frozen_class_is_tried() -> None:
    assert {type(one) for one in OBJECTS} == set(Frozen.__subclasses__())


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: type(one).__name__)
def test_no_attribute_can_be_set_or_deleted(one: Frozen) -> None:
    for name in (*type(one).__slots__, "another"):
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(one, name, None)
        with pytest.raises(AttributeError, match="cannot be changed"):
            delattr(one, name)
    assert not hasattr(one, "__dict__")
