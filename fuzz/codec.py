"""Fuzzes the strict codec (ENC-1 … ENC-8)."""

from __future__ import annotations

import cbor2

from fuzz.running import Finding, instrumented, run

with instrumented():
    from siegel._core.codec import decode, encode
    from siegel.errors import MalformedError

_HEX = """
    00 1817 18ff 1903e8 1a00010000 1b0000000100000000 40 58ff 60 63e6b0b4 80 a0 f4 f5 f6 f7 f90000 c11a514b67b0 d81c80
    5fff 9fff bfff 8301820203820405 a200011741ff 818181818181818100 a1008100 83f4f5f6 85416141624163416441655820
"""
SEEDS = [bytes.fromhex(seed) for seed in _HEX.split()]


def one_input(data: bytes) -> None:
    """Refused as MalformedError, or read to the value that has these bytes and no others; cbor2 agrees."""
    try:
        value = decode(data)
    except MalformedError:
        return
    if encode(value) != data:
        raise Finding("accepted, and not the one encoding")
    other = cbor2.loads(data)
    if not same(value, other):
        raise Finding("cbor2 reads another value")
    if cbor2.dumps(other, canonical=True) != data:
        raise Finding("cbor2 writes it differently")


def same(one: object, other: object) -> bool:
    """Equality that tells True from 1."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    return one == other


if __name__ == "__main__":
    run(one_input, seeds=SEEDS, longest=4096)
