"""TEXT-2, WORD-1, WORD-2: bech32m (BIP 350) and the 24 words (BIP 39)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from siegel import words
from siegel._core import bech32m
from siegel.errors import MalformedError
from tests.vectors.third_party.sources import Case, Source, each, json_tests


def trezor(path: Path) -> Iterator[tuple[object, Case]]:
    """Per language a list of [entropy, words, BIP 39's seed, key made of it]; the last two are a wallet's business."""
    for language, tests in json.loads(path.read_bytes()).items():
        for number, (entropy, text, *_) in enumerate(tests):
            yield f"{language}-{number}", {"language": language, "entropy": bytes.fromhex(entropy), "words": text}


def list_of_words(path: Path) -> Iterator[tuple[object, Case]]:
    yield "all", {"words": path.read_text("ascii").split()}


BIP_350 = Source("bip350/bech32m.json", json_tests)
BIP_39 = Source("bip39/vectors.json", trezor)
BIP_39_LIST = Source("bip39/english.txt", list_of_words)


@each(BIP_350)
def test_bech32m(case: Case) -> None:
    if case["result"] == "valid":
        prefix, values = bech32m.split(case["string"])
        assert case["string"].lower().startswith(prefix + "1")
        assert len(values) == len(case["string"]) - len(prefix) - 1 - 6
    else:
        with pytest.raises(MalformedError):
            bech32m.split(case["string"])


def is_ours(case: Case) -> bool:
    """English, and 24 words: 12 and 18 hold less than our secret, and other lists would give one secret many texts."""
    return case["language"] == "english" and len(case["entropy"]) == 32


@each(BIP_39)
def test_words(case: Case) -> None:
    if is_ours(case):
        assert words.to_words(case["entropy"]) == case["words"]
        assert words.from_words(case["words"]) == case["entropy"]
    else:
        with pytest.raises(MalformedError):
            words.from_words(case["words"])


@each(BIP_39_LIST)
def test_the_list_of_words(case: Case) -> None:
    assert list(words.word_list()) == case["words"]
