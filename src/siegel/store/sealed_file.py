"""Knows the file in which records leave a store (docs/rationale/erasure-and-backup.md, BAK-1 … BAK-5).

    length of the head (4) ‖ head ‖ stream
    head    [10, 1, purpose, kind of key, parameters, wrapped key of the stream (112)]
    stream  frames, each length (4) ‖ CBOR array, then zeros: [0, user id, at] … [4, signature]

Laws: the cost of a passphrase is checked before anything is derived (attack ST-1); nothing in the file is compressed,
and its size is one of few (ST-8); a backup is signed by its owner, over everything that it says, and one that is not
never counts as one (ST-7). What is given out before the end is authentic under the file's key, and not yet complete:
nothing may be kept of it unless the reading ends without an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from itertools import chain
from typing import Final, NamedTuple, Self, TypeAlias

from siegel._core import shape
from siegel._core.chunked import ChunkDecryptor, ChunkEncryptor
from siegel._core.codec import Decoded, Value, decode, encode
from siegel._core.instants import LATEST
from siegel._core.labels import Label, labelled
from siegel._core.padding import padme
from siegel._core.secret import KeyObject, Secret
from siegel._core.suite import SECRET_BYTES, SIGNATURE_BYTES, RunningSha256, random_bytes, sha256, sign, verify
from siegel._core.wrapping import SALT_BYTES, WRAPPED_BYTES, unwrap, wrap
from siegel.errors import InvalidArgument, InvalidMessage, LimitExceeded, MalformedError, WrongKey
from siegel.files import FileName, NewFile, SourceFile
from siegel.identity import USER_ID_BYTES, Identity, UserId, backup_secret, signing_key
from siegel.store.keys import Argon2Cost, Key, Kind, check_cost, kind_of, require_cost, secret_of
from siegel.store.records import MAX_VALUE_BYTES
from siegel.store.slots import PASSPHRASE_SALT_BYTES

Progress: TypeAlias = Callable[[int, int], object]

BEGIN: Final = 0
END: Final = 4

_WHERE: Final = "backup"
_LENGTH_BYTES: Final = 4
_MAX_HEAD: Final = 1_024
_MAX_FRAME: Final = MAX_VALUE_BYTES + 2**16  # the largest record, with its key and its fields
_PIECE: Final = 2**20
_KINDS: Final = {Kind.IDENTITY, Kind.RAW, Kind.PASSPHRASE, Kind.WORDS}  # what a person can carry to another machine


class Purpose(IntEnum):
    """What a file is for. One is never taken for the other."""

    BACKUP = 1
    EXPORT = 2


class Opening(NamedTuple):
    """What a file says first: whose it is (None: it is not signed), and when it was made."""

    owner: UserId | None
    at: int


class _Head(NamedTuple):
    data: bytes
    purpose: Purpose
    kind: Kind
    cost: Argon2Cost | None
    salt: bytes
    wrapped: bytes


# --- writing ---------------------------------------------------------------------------------------------------------


def write_file(
    target: FileName,
    *,
    purpose: Purpose,
    key: Key,
    cost: Argon2Cost | None,
    signer: Identity | None,
    at: int,
    frames: Iterable[Value],
) -> None:
    """Writes a file that ``key`` opens. It appears whole or not at all; a file of that name is replaced.

    InvalidArgument for a target that is a database, a link or no regular file.
    """
    _refuse_database(target)
    stream_key = Secret(random_bytes(SECRET_BYTES))
    head = _sealed_head(purpose, key, cost, stream_key)
    owner = None if signer is None else signer.user_id.data
    stream, said, size = ChunkEncryptor(stream_key, _context(head)), RunningSha256(), 0
    with NewFile(target) as file:
        file.write(len(head).to_bytes(_LENGTH_BYTES, "big") + head)
        for items in chain([[BEGIN, owner, at]], frames):
            frame = _framed(items)
            said.update(frame)
            size += len(frame)
            file.write(stream.update(frame))
        signature = None if signer is None else sign(signing_key(signer), _signed(head, said))
        end = _framed([END, signature])
        size += len(end)
        file.write(stream.update(end))
        for start in range(size, padme(size), _PIECE):
            file.write(stream.update(bytes(min(_PIECE, padme(size) - start))))
        file.write(stream.finalize())
        file.place()


def _framed(items: Value) -> bytes:
    data = encode(items)
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


def _sealed_head(purpose: Purpose, key: Key, cost: Argon2Cost | None, stream_key: Secret) -> bytes:
    kind, salt = kind_of(key), b""
    parameters: Value = None
    if kind not in _KINDS:
        raise InvalidArgument("a key provider stays where it is: a file is for another machine")
    if kind is Kind.PASSPHRASE:
        cost, salt = cost or Argon2Cost(), random_bytes(PASSPHRASE_SALT_BYTES)
        require_cost(cost)
        parameters = [*cost, salt]
    elif cost is not None:
        raise InvalidArgument("only a passphrase has a cost")
    place = _place(purpose, kind, parameters)
    under = _secret_of(key, cost, salt)
    wrapped = wrap(stream_key, under=under, info=place, salt=random_bytes(SALT_BYTES))
    return encode([shape.BACKUP, shape.VERSION, purpose.value, kind.value, parameters, wrapped])


def _refuse_database(target: FileName) -> None:
    """A backup over the store that it is of would be the end of both."""
    try:
        with SourceFile(target) as there:
            if there.read_at(0, 16) == b"SQLite format 3\0":
                raise InvalidArgument(f"{target} is a database")
    except FileNotFoundError:
        pass


# --- reading ---------------------------------------------------------------------------------------------------------


class SealedFile(KeyObject):
    """A file that was opened with its key: what it says, as often as one asks.

    Raises:
        MalformedError: It is no such file. UnsupportedVersion, LimitExceeded. No key was touched.
        WrongKey: This key does not open it.
        InvalidMessage: It was damaged at its beginning, or somebody else than ``owner`` made it.
    """

    __slots__ = ("_context", "_file", "_head", "_key", "_progress", "_start", "opening")

    def __init__(
        self, source: FileName, *, purpose: Purpose, key: Key, owner: UserId | None, progress: Progress | None = None
    ) -> None:
        self._file, self._progress = SourceFile(source), progress
        try:
            head, self._start = _read_head(self._file, purpose)
            self._key, self._head = _stream_key(head, key), head.data
            self._context = _context(head.data)
            self.opening = _opening(self._reading().items(), owner)
        except BaseException:
            self._file.close()
            raise

    def frames(self) -> Iterator[list[Decoded]]:
        """The frames between the first and the last. InvalidMessage at once, or at the end, if not all is as it was.

        Whoever reads keeps nothing unless the end is reached.
        """
        reading = self._reading()
        reading.items()  # the opening, which the signature covers
        while (items := reading.items())[0] != END:
            yield items
        _check_end(items, _signed(self._head, reading.said), self.opening.owner)
        reading.finish()
        self._file.require_unchanged()

    def _reading(self) -> _Reading:
        return _Reading(self._file, self._start, ChunkDecryptor(self._key, self._context), self._progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


class _Reading:
    """The frames of a stream, as they are decrypted. ``said`` covers all of them but the last."""

    __slots__ = ("_at", "_file", "_plain", "_progress", "_size", "_stream", "_taken", "said")

    def __init__(self, file: SourceFile, start: int, stream: ChunkDecryptor, progress: Progress | None) -> None:
        self._file, self._at, self._stream, self._progress = file, start, stream, progress
        self._plain, self._taken, self._size = bytearray(), 0, 0
        self.said = RunningSha256()

    def items(self) -> list[Decoded]:
        """The next frame. InvalidMessage if it has another shape."""
        length = int.from_bytes(self._take(_LENGTH_BYTES), "big")
        if length > _MAX_FRAME:
            raise InvalidMessage
        data = self._take(length)
        items = _array(data)
        if items[0] != END:
            self.said.update(length.to_bytes(_LENGTH_BYTES, "big") + data)
        return items

    def finish(self) -> None:
        """InvalidMessage unless only zeros follow, up to the padded size, and the stream ends there."""
        left = padme(self._size) - self._size
        while left:
            count = min(left, _PIECE)
            if any(self._take(count)):
                raise InvalidMessage
            left -= count
        if self._more() or len(self._plain) > self._taken:
            raise InvalidMessage

    def _take(self, count: int) -> bytes:
        while len(self._plain) - self._taken < count:
            if not self._more():
                raise InvalidMessage
        data = bytes(self._plain[self._taken : self._taken + count])
        self._taken += count
        self._size += count
        return data

    def _more(self) -> bool:
        """Decrypts more; False if nothing is left."""
        del self._plain[: self._taken]
        self._taken = 0
        if self._at > self._file.size:
            return False
        sealed = self._file.read_at(self._at, _PIECE)
        self._at += len(sealed)
        self._plain += self._stream.update(sealed)
        if not sealed or self._at >= self._file.size:
            self._at = self._file.size + 1
            self._plain += self._stream.finalize()
        elif self._progress is not None:
            self._progress(self._at, self._file.size)
        return True


def _array(data: bytes) -> list[Decoded]:
    try:
        items = decode(data)
    except MalformedError:
        items = None
    if type(items) is not list or not items or type(items[0]) is not int:
        raise InvalidMessage
    return items


def _opening(items: list[Decoded], expected: UserId | None) -> Opening:
    """InvalidMessage unless this is the first frame of a file of the owner who is expected; None: of nobody."""
    try:
        kind, user, at = shape.array(items, 3, _WHERE)
        owner = None if user is None else UserId(shape.octets(user, USER_ID_BYTES, _WHERE))
        if kind == BEGIN and owner == expected:
            return Opening(owner, shape.uint(at, _WHERE, most=LATEST))
    except MalformedError:
        pass
    raise InvalidMessage


def _check_end(items: list[Decoded], signed: bytes, owner: UserId | None) -> None:
    """BAK-4: signed by the owner, or by nobody where there is none."""
    if len(items) != 2:
        raise InvalidMessage
    signature = items[1]
    if owner is not None and type(signature) is bytes and len(signature) == SIGNATURE_BYTES:
        verify(owner.data, signed, signature)
    elif owner is not None or signature is not None:
        raise InvalidMessage


def _read_head(file: SourceFile, wanted: Purpose) -> tuple[_Head, int]:
    """The head, and where the stream begins (BAK-2)."""
    length = int.from_bytes(file.read_at(0, _LENGTH_BYTES), "big")
    if not length or length > _MAX_HEAD:
        raise LimitExceeded(_WHERE, f"a head has 1 to {_MAX_HEAD} bytes; is this a backup?")
    data = file.read_at(_LENGTH_BYTES, length)
    items = shape.top_level(data, kind=shape.BACKUP, fields=4, where=_WHERE)
    purpose, number = shape.uint(items[0], f"{_WHERE} purpose"), shape.uint(items[1], f"{_WHERE} kind")
    if purpose != wanted.value:
        raise MalformedError(f"{_WHERE} purpose", f"the file is no {wanted.name.lower()}")
    if number not in [kind.value for kind in _KINDS]:
        raise MalformedError(f"{_WHERE} kind", "there is no such kind of key")
    cost, salt = None, b""
    if number == Kind.PASSPHRASE.value:
        *numbers, last = shape.array(items[2], 4, f"{_WHERE} parameters")
        cost = Argon2Cost(*(shape.uint(item, f"{_WHERE} cost") for item in numbers))
        check_cost(cost)
        salt = shape.octets(last, PASSPHRASE_SALT_BYTES, f"{_WHERE} salt")
    elif items[2] is not None:
        raise MalformedError(f"{_WHERE} parameters", "this kind has none")
    wrapped = shape.octets(items[3], WRAPPED_BYTES, f"{_WHERE} key")
    return _Head(data, wanted, Kind(number), cost, salt, wrapped), _LENGTH_BYTES + length


def _stream_key(head: _Head, key: Key) -> Secret:
    if kind_of(key) is head.kind:
        parameters: Value = None if head.cost is None else [*head.cost, head.salt]
        try:
            return unwrap(
                head.wrapped,
                under=_secret_of(key, head.cost, head.salt),
                info=_place(head.purpose, head.kind, parameters),
            )
        except InvalidMessage:
            pass
    raise WrongKey


# --- what keys and signature are bound to ----------------------------------------------------------------------------


def _secret_of(key: Key, cost: Argon2Cost | None, salt: bytes) -> Secret:
    """Of an identity the secret for backups: what unlocks its stores opens no backup (ID-1)."""
    return backup_secret(key) if isinstance(key, Identity) else secret_of(key, cost=cost, salt=salt, blob=b"")


def _place(purpose: Purpose, kind: Kind, parameters: Value) -> bytes:
    return labelled(Label.BACKUP_KEY, shape.BACKUP, shape.VERSION, purpose.value, kind.value, parameters)


def _context(head: bytes) -> bytes:
    return labelled(Label.BACKUP_STREAM, sha256(head))


def _signed(head: bytes, said: RunningSha256) -> bytes:
    return labelled(Label.BACKUP_SIGNATURE, sha256(head), said.digest())
