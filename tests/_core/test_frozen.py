"""What was verified cannot be changed afterwards."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import siegel
from siegel._core.frozen import Frozen


def frozen_classes() -> list[type[Frozen]]:
    for module in pkgutil.walk_packages(siegel.__path__, "siegel."):
        if module.name != "siegel.__main__":
            importlib.import_module(module.name)
    return Frozen.__subclasses__()


def test_there_are_some() -> None:
    assert {"UserId", "PublicIdentity", "Succession"} <= {kind.__name__ for kind in frozen_classes()}


@pytest.mark.parametrize("kind", frozen_classes(), ids=lambda kind: kind.__name__)
def test_no_attribute_can_be_set_or_deleted(kind: type[Frozen]) -> None:
    one = kind.__new__(kind)
    for name in (*kind.__slots__, "another"):
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(one, name, None)
        with pytest.raises(AttributeError, match="cannot be changed"):
            delattr(one, name)
    assert not hasattr(one, "__dict__")
