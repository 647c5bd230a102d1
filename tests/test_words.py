"""WORD-1, WORD-2: 24 words of BIP 39 English are the 32 bytes."""

from __future__ import annotations

import hashlib

import pytest

from siegel.errors import MalformedError
from siegel.words import WORD_COUNT, from_words, to_words, word_list
from tests.people import secret_of

KNOWN = {  # BIP 39, the reference implementation's vectors of 256 bits
    "00" * 32: " ".join(["abandon"] * 23 + ["art"]),
    "7f" * 32: "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful "
    "legal winner thank year wave sausage worth title",
    "80"
    * 32: "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic "
    "avoid letter advice cage absurd amount doctor acoustic bless",
    "ff" * 32: " ".join(["zoo"] * 23 + ["vote"]),
    "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c": "hamster diagram private dutch cause delay "
    "private meat slide toddler razor book happy fancy gospel tennis maple "
    "dilemma loan word shrug inflict delay length",
}
SECRET = secret_of("paper")
WORDS = to_words(SECRET)


def test_the_list_is_bip_39s() -> None:
    words = word_list()
    assert len(words) == 2048
    assert list(words) == sorted(words)
    assert len({word[:4] for word in words}) == 2048, "four letters tell a word"
    text = "".join(word + "\n" for word in words)
    digest = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    assert hashlib.sha256(text.encode("ascii")).hexdigest() == digest


@pytest.mark.parametrize(("secret", "words"), KNOWN.items())
def test_known_words(secret: str, words: str) -> None:
    assert to_words(bytes.fromhex(secret)) == words
    assert from_words(words) == bytes.fromhex(secret)


@pytest.mark.parametrize(
    "spelling",
    [
        WORDS.upper(),
        WORDS.title(),
        "  " + WORDS + "\n",
        WORDS.replace(" ", "\n"),
        WORDS.replace(" ", " \t\r\n "),
        WORDS.replace(" ", "\u3000"),
    ],
    ids=["upper", "title", "around", "lines", "much space", "wide space"],
)
def test_case_and_spacing_do_not_matter(spelling: str) -> None:
    assert from_words(spelling) == SECRET


@pytest.mark.parametrize("count", [0, 1, 12, 15, 18, 21, 23, 25, 48])
def test_24_words_are_needed(count: int) -> None:
    with pytest.raises(MalformedError, match=f"24 words are needed, {count} were given") as caught:
        from_words(" ".join((WORDS.split() * 2)[:count]))
    assert caught.value.where == "words"


@pytest.mark.parametrize("place", range(1, WORD_COUNT + 1))
def test_the_place_of_a_word_that_is_none(place: int) -> None:
    words = WORDS.split()
    words[place - 1] = "siegel"
    with pytest.raises(MalformedError, match="not in the English word list") as caught:
        from_words(" ".join(words))
    assert caught.value.where == f"word {place}"


@pytest.mark.parametrize("word", ["abando", "abandonn", "Abandon.", "ábandon", "abaisser", "1", "-"])
def test_only_whole_english_words(word: str) -> None:
    with pytest.raises(MalformedError, match="not in the English word list") as caught:
        from_words(" ".join([*WORDS.split()[:-1], word]))
    assert caught.value.where == "word 24"
    assert word not in str(caught.value), "a word is a part of the secret"


def test_a_wrong_last_word() -> None:
    words = WORDS.split()
    accepted = 0
    for word in word_list():
        try:
            from_words(" ".join([*words[:-1], word]))
        except MalformedError as error:
            assert (error.where, "checksum" in str(error)) == ("words", True)  # noqa: PT017  # counted, not expected
        else:
            accepted += 1
    assert accepted == 8, "three bits of the last word are the secret's, eight are the checksum"


def test_words_in_another_order() -> None:
    words = WORDS.split()
    for place in range(WORD_COUNT - 1):
        swapped = [*words]
        swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
        data = None
        try:
            data = from_words(" ".join(swapped))
        except MalformedError:
            continue
        # One order in 256 has a right checksum by chance; then it is other bytes and never these.
        assert data != SECRET
