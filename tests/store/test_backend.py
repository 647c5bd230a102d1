"""What every backend shares: rows as a damaged database might give them, names that stand twice, a value's data key."""

from __future__ import annotations

import pytest

from siegel.errors import CorruptRecord, InvalidArgument
from siegel.store.backend import Row, data_key_of, refuse_doubles, row_of

NAME = bytes(range(16))


def test_a_row_as_it_should_be() -> None:
    assert row_of(NAME, 1, b"value", None) == Row(NAME, 1, b"value")
    assert row_of(NAME, 2**63 - 1, b"", 20_000) == Row(NAME, 2**63 - 1, b"", 20_000)


@pytest.mark.parametrize(
    "columns",
    [
        (NAME[:15], 1, b"value", None),
        ("0123456789abcdef", 1, b"value", None),
        (None, 1, b"value", None),
        (NAME, 0, b"value", None),
        (NAME, -1, b"value", None),
        (NAME, 1.0, b"value", None),
        (NAME, None, b"value", None),
        (NAME, 1, "value", None),
        (NAME, 1, None, None),
        (NAME, 1, b"value", b"day"),
        (NAME, 1, b"value", 1.5),
    ],
)
def test_a_row_of_a_damaged_database(columns: tuple[object, object, object, object]) -> None:
    with pytest.raises(CorruptRecord, match="another shape"):
        row_of(*columns)


def test_no_name_twice() -> None:
    refuse_doubles([])
    refuse_doubles([NAME])
    refuse_doubles([NAME, bytes(16)])
    with pytest.raises(InvalidArgument, match="twice"):
        refuse_doubles([NAME, bytes(16), NAME])


def test_the_data_key_of_a_value() -> None:
    assert data_key_of(b"\x01\x00\x00\x02\x01" + bytes(28)) == 513


def test_a_row_prints_no_value() -> None:
    assert repr(Row(NAME, 3, b"value")) == f"<Row {NAME.hex()}, revision 3>"
