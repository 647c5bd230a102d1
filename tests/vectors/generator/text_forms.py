"""Categories ``text-forms`` and ``recovery-words``: keys as text (TEXT-1, TEXT-2, WORD-1, WORD-2)."""

from __future__ import annotations

from tests.vectors.generator.book import Category, Group, mutation, stream
from tests.vectors.generator.people import ALICE, BOB, CAROL
from tests.vectors.reference import curve
from tests.vectors.reference.texts import BECH32, CHARACTERS, bech32, to_fives, word_list, write_text, write_words

USER, SECRET = "siegel", "siegel-secret-"


def category() -> Category:
    """Text forms of user ids and secrets."""
    book = Category("text-forms")
    group = book.group("user-id", 3001)
    base = _valid(group, USER, [p.user_id for p in (ALICE, BOB, CAROL)], "ID-3")
    _shared_faults(group, USER, ALICE.user_id, base, SECRET)
    for name, point in _bad_points().items():
        group.invalid(
            f"a user id that is {name}",
            spec="TEXT-1 ID-3 ID-6 SUITE-1",
            flags="BadPoint",
            code="malformed",
            stage="signing-key",
            input={"text": write_text(USER, point)},
        )

    group = book.group("secret-text", 3201)
    secrets = [ALICE.secret, BOB.secret, CAROL.secret, b"\xff" * 32, bytes(31) + b"\1"]
    base = _valid(group, SECRET, secrets, "ID-2")
    _shared_faults(group, SECRET, ALICE.secret, base, USER)
    given = {"text": write_text(SECRET, bytes(32))}
    group.invalid(
        "the secret of all zeros",
        spec="ID-2 TEXT-1",
        flags="WeakSecret",
        code="invalid-argument",
        stage="secret",
        input=given,
    )
    return book


def _bad_points() -> dict[str, bytes]:
    small = curve.small_points()
    alice = curve.decompress(ALICE.user_id)
    assert alice is not None
    off_curve = next(c for c in (i.to_bytes(32, "little") for i in range(2, 99)) if curve.decompress(c) is None)
    return {
        "the identity point": small[0],
        "a point of order 2": small[4],
        "a point of order 4": small[2],
        "a point of order 8": small[1],
        "an honest key with a point of order 8 added": curve.compress(curve.add(alice, curve.torsion())),
        "not canonical: y = p + 1": (curve.P + 1).to_bytes(32, "little"),
        "not canonical: the identity with the sign of x set": (1 | 1 << 255).to_bytes(32, "little"),
        "not on the curve": off_curve,
        "all ones": b"\xff" * 32,
    }


def _valid(group: Group, prefix: str, values: list[bytes], rule: str) -> int:
    spec = f"TEXT-1 TEXT-2 {rule}"
    for value in values:
        comment = f"{prefix}1… of {value[:4].hex()}…"
        group.valid(comment, spec=spec, flags="Normal", input={"text": write_text(prefix, value)})
    upper = {"text": write_text(prefix, values[0]).upper()}
    group.valid("all in upper case", spec=spec, flags="CaseAndSpacing", input=upper)
    return group.first


def _shared_faults(group: Group, prefix: str, value: bytes, base: int, other_prefix: str) -> None:
    honest = write_text(prefix, value)

    def refuse(comment: str, text: str, stage: str, flags: str) -> None:
        change = mutation("text", comment)
        group.invalid(
            comment,
            spec="TEXT-1 TEXT-2" if stage in {"kind", "length"} else "TEXT-2",
            flags=flags,
            code="malformed",
            stage=stage,
            base=base,
            mutation=change,
            input={"text": text},
        )

    data = honest.rpartition("1")[2]
    refuse("no bytes at all", "", "text", "TextForm")
    refuse("only the prefix", prefix + "1", "text", "TextForm")
    refuse("no separator", prefix + data, "text", "TextForm")
    refuse("no prefix", "1" + data, "text", "TextForm")
    refuse("five characters behind the separator", prefix + "1" + data[-5:], "text", "TextForm")
    refuse("a first character in upper case", honest[0].upper() + honest[1:], "text", "TextForm")
    refuse("a last character in upper case", honest[:-1] + "Q", "text", "TextForm")
    for character in "bio":
        refuse(f"the character {character}, which the alphabet leaves out", honest[:-1] + character, "text", "TextForm")
    refuse("a space in front", " " + honest, "text", "TextForm")
    refuse("a line feed behind", honest + "\n", "text", "TextForm")
    refuse("a hyphen in the middle", f"{honest[:20]}-{honest[20:]}", "text", "TextForm")
    refuse("a Cyrillic letter that looks Latin", honest.replace("e", "\u0435", 1), "text", "TextForm")
    refuse("an invisible character", f"{honest[:20]}\u200b{honest[20:]}", "text", "TextForm")
    refuse("more than 90 characters", bech32(prefix, to_fives(value + value)), "text", "TextForm")
    for place in (0, len(data) // 2, len(data) - 1):
        at = len(honest) - len(data) + place
        changed = CHARACTERS[CHARACTERS.index(honest[at]) ^ 1]
        refuse(
            f"character {place} of the data changed", honest[:at] + changed + honest[at + 1 :], "checksum", "Checksum"
        )
    at = next(i for i in range(len(honest) - 20, len(honest)) if honest[i] != honest[i + 1])
    swapped = honest[:at] + honest[at + 1] + honest[at] + honest[at + 2 :]
    refuse("two characters swapped", swapped, "checksum", "Checksum")
    refuse("one character missing", honest[:-10] + honest[-9:], "checksum", "Checksum")
    refuse("one character twice", honest[:-10] + honest[-10] + honest[-10:], "checksum", "Checksum")
    refuse("the checksum of bech32 (BIP 173)", bech32(prefix, to_fives(value), BECH32), "checksum", "Checksum")
    refuse("another prefix with this checksum", "seagel" + honest[6:], "checksum", "Checksum")
    kind = f"a text of the other kind, {other_prefix}1…"
    refuse(kind, write_text(other_prefix, value), "kind", "WrongKind")
    refuse("an unknown prefix with a good checksum", write_text("segel", value), "kind", "WrongKind")
    refuse("the prefix of another network's address", write_text("bc", value), "kind", "WrongKind")
    refuse("31 bytes", write_text(prefix, value[:31]), "length", "TextForm")
    refuse("33 bytes", write_text(prefix, value + b"\0"), "length", "TextForm")
    refuse("no bytes", write_text(prefix, b""), "length", "TextForm")
    refuse("one 5-bit value too many", bech32(prefix, [*to_fives(value), 0]), "length", "TextForm")
    fives = to_fives(value)
    for bits in (1, 2, 4, 8, 15):
        spare = bech32(prefix, [*fives[:-1], fives[-1] | bits])
        refuse(f"spare bits {bits}", spare, "spare-bits", "SpareBits")


def recovery_words() -> Category:
    """The 24 words."""
    book = Category("recovery-words")
    group = book.group("words", 4001)
    spec = "WORD-1 WORD-2 ID-2"
    patterns = [stream(f"words {i}", 32) for i in range(3)]
    patterns += [b"\x7f" * 32, b"\x80" * 32, b"\xff" * 32, bytes(31) + b"\1"]
    for secret in patterns:
        comment = f"the words of {secret[:4].hex()}…{secret[-1:].hex()}"
        group.valid(comment, spec=spec, flags="Normal", input={"words": write_words(secret)})
    honest = write_words(patterns[0])
    for comment, words in {
        "in upper case": honest.upper(),
        "with capitals": honest.title(),
        "one word a line": honest.replace(" ", "\n"),
        "with tabs, and spaces around": f"  {honest}  ".replace(" ", "\t "),
    }.items():
        group.valid(comment, spec="WORD-2", flags="CaseAndSpacing", input={"words": words})
    _bad_words(group, honest)
    return book


def _bad_words(group: Group, honest: str) -> None:
    words = honest.split()

    def refuse(comment: str, given: list[str] | str, stage: str, flags: str) -> None:
        text = given if isinstance(given, str) else " ".join(given)
        group.invalid(
            comment,
            spec="WORD-2" if stage != "count" else "WORD-1 WORD-2",
            flags=flags,
            code="malformed",
            stage=stage,
            base=group.first,
            mutation=mutation("words", comment),
            input={"words": text},
        )

    refuse("no bytes at all", "", "count", "WordList")
    refuse("12 words, which BIP 39 knows and we do not", write_words(ALICE.secret[:16]), "count", "WordList")
    refuse("18 words, which BIP 39 knows and we do not", write_words(ALICE.secret[:24]), "count", "WordList")
    refuse("23 words", words[:-1], "count", "WordList")
    refuse("25 words", [*words, words[0]], "count", "WordList")
    refuse("numbers between the words", [f"{i}. {word}" for i, word in enumerate(words)], "count", "WordList")
    refuse("no spaces", "".join(words), "count", "WordList")
    refuse("a word that is not in the list", [*words[:5], "siegel", *words[6:]], "list", "WordList")
    refuse("commas between the words", ", ".join(words), "list", "WordList")
    refuse("words cut to four letters", [word[:4] for word in words], "list", "WordList")
    refuse("a typing error", [words[0][:-1] + "q", *words[1:]], "list", "WordList")
    refuse("French words", "abaisser " * 23 + "abandon", "list", "WordList")
    refuse("Spanish words", "ábaco " * 23 + "abdomen", "list", "WordList")
    refuse("Japanese words", "\u3042\u3044\u3053\u304f\u3057\u3093 " * 24, "list", "WordList")
    refuse("a Cyrillic letter that looks Latin", honest.replace("a", "\u0430", 1), "list", "WordList")
    following = word_list()[(word_list().index(words[-1]) + 1) % 2048]
    refuse("the last word is the next in the list", [*words[:-1], following], "checksum", "Checksum")
    swapped = [words[1], words[0], *words[2:]]
    refuse("the first two words swapped", swapped, "checksum", "Checksum")
    refuse("the words in reverse order", words[::-1], "checksum", "Checksum")
    refuse("the words rotated by one", words[1:] + words[:1], "checksum", "Checksum")
    refuse("one word 24 times", ["abandon"] * 24, "checksum", "Checksum")
    group.invalid(
        "the words of all zeros",
        spec="ID-2 WORD-1",
        flags="WeakSecret",
        code="invalid-argument",
        stage="secret",
        input={"words": write_words(bytes(32))},
    )
