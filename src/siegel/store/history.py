"""Knows the history of one conversation, packed: what is full of it stands 32 messages to a record.

    page:  which are deleted, one bit each (4) ‖ 32 times where a message ends (4, big endian) ‖ the messages

A record costs its header, its row and its key's lookup once; packed, 32 messages share that. Messages are numbered from
0. Those of a page that is not full stand one to a record, in the same form. Laws: a page is packed in the transaction
that fills it, so where a message stands follows from its number and the number of all; a record that should be there
and is not is CorruptRecord, because what is deleted leaves a place behind that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from struct import Struct
from typing import Final, cast

from siegel._core.codec import decode, encode
from siegel._core.secret import KeyObject
from siegel._core.shape import uint
from siegel.errors import CorruptRecord, InvalidArgument, MalformedError
from siegel.store.records import Record
from siegel.store.store import Store

PAGE_MESSAGES: Final = 32
MAX_MESSAGE_BYTES: Final = 500_000  # so that a full page is a record; larger messages are attachments

_PAGES_AT_ONCE: Final = 8  # as many as a backend asks for in one short statement
_HEADS: Final = {count: Struct(f">{count + 1}I") for count in (1, PAGE_MESSAGES)}
_END: Final = "end"

_Message = bytes | None  # None: deleted


class History(KeyObject):
    """The messages of one conversation, numbered from 0 in the order in which they came.

    For a history that is read from one end to the other and seldom changed: an export, a search index, a screen of it.
    Changing or deleting a message writes its page of 32 anew, and a damaged page is 32 messages. Messages do not expire
    one by one; ``Store.erase`` of the conversation takes them all.

    Each method that writes is a transaction of its own, or part of the one that is open.

    Args:
        store: Where it stands.
        name: A collection that holds nothing else.
        conversation: The scope of its records (``Store.collection``).
    """

    __slots__ = ("_records", "_store")

    def __init__(self, store: Store, name: str, *, conversation: str) -> None:
        self._store = store
        self._records = store.collection(name, scope=conversation)

    def __len__(self) -> int:
        """How many messages were ever appended: the number of the next one."""
        return self._end()[0]

    def append(self, message: bytes) -> int:
        """Writes a further message, and returns its number."""
        return self.append_many([message])

    def append_many(self, messages: Iterable[bytes]) -> int:
        """Writes further messages, all or none, and returns the number of the first. Whole pages are packed at once."""
        news = [_checked(message) for message in messages]
        with self._store.transaction():
            end, revision = self._end()
            if not news:
                return end
            start = end - end % PAGE_MESSAGES
            whole = [*self._loose(start, end), *news]
            full = len(whole) - len(whole) % PAGE_MESSAGES
            for at in range(0, full, PAGE_MESSAGES):
                self._records.put(_page(start + at), _packed(whole[at : at + PAGE_MESSAGES]), expected=0)
            for number in range(start, end if full else start):
                self._records.delete(_single(number))
            first = max(full, end - start)
            self._records.put_many([(_single(start + at), _packed([whole[at]])) for at in range(first, len(whole))])
            self._records.put(_END, encode(start + len(whole)), expected=revision)
        return end

    def get(self, number: int) -> bytes | None:
        """The message of this number; None if it was deleted, or never written."""
        _check(number)
        for _ in range(2):
            page, single = self._records.get_many([_page(number), _single(number)])
            if page is not None:
                return _unpacked(page, PAGE_MESSAGES)[number % PAGE_MESSAGES]
            if single is not None:
                return _unpacked(single, 1)[0]
            if number >= self._end()[0]:
                return None
        raise CorruptRecord(f"message {number} is missing")  # not even a writer between two looks explains it

    def replace(self, number: int, message: bytes) -> None:
        """Writes another message in the place of one. InvalidArgument if there is none, or it was deleted."""
        self._change(number, _checked(message))

    def delete(self, number: int) -> bool:
        """Deletes a message; its number stays empty. Whether it was there."""
        with self._store.transaction():
            if self.get(number) is None:
                return False
            self._change(number, None)
        return True

    def _change(self, number: int, message: _Message) -> None:
        with self._store.transaction():
            if self.get(number) is None:
                raise InvalidArgument(f"there is no message {number}")
            record = self._records.get(_page(number))
            if record is None:
                self._records.put(_single(number), _packed([message]))
                return
            messages = _unpacked(record, PAGE_MESSAGES)
            messages[number % PAGE_MESSAGES] = message
            self._records.put(record.key, _packed(messages), expected=record.revision)

    def scan(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Number and message, in order, from ``start`` until before ``stop`` (None: all), without the deleted ones.

        What is appended meanwhile does not come; what is changed comes as it was or as it is.
        """
        end = self._end()[0]
        stop = end if stop is None else min(stop, end)
        _check(start)
        first = start - start % PAGE_MESSAGES
        step = PAGE_MESSAGES * _PAGES_AT_ONCE
        for at in range(first, stop, step):
            numbers = range(at, min(at + step, stop), PAGE_MESSAGES)
            for number, record in zip(numbers, self._records.get_many([_page(n) for n in numbers]), strict=True):
                messages = self._unfilled(number, end) if record is None else _unpacked(record, PAGE_MESSAGES)
                if number < start or number + PAGE_MESSAGES > stop:
                    for n, message in enumerate(messages, number):
                        if message is not None and start <= n < stop:
                            yield n, message
                elif None in messages:
                    yield from [(n, message) for n, message in enumerate(messages, number) if message is not None]
                else:
                    yield from enumerate(cast("list[bytes]", messages), number)

    def _unfilled(self, start: int, end: int) -> list[_Message]:
        """The messages of a page that was not packed when the end was read."""
        if end - start < PAGE_MESSAGES:
            records = self._records.get_many([_single(number) for number in range(start, end)])
            if None not in records:
                return [_unpacked(record, 1)[0] for record in records if record is not None]
        page = self._records.get(_page(start))  # packed since
        if page is None:
            raise CorruptRecord(f"messages from number {start} on are missing")
        return _unpacked(page, PAGE_MESSAGES)

    def _loose(self, start: int, end: int) -> list[_Message]:
        return self._unfilled(start, end) if end > start else []

    def _end(self) -> tuple[int, int]:
        """The number of the next message, and the revision of the record that says so."""
        record = self._records.get(_END)
        if record is None:
            return 0, 0
        try:
            return uint(decode(record.value), "history"), record.revision
        except MalformedError as error:
            raise CorruptRecord("the end of a history is something else") from error


def _page(number: int) -> str:
    return f"page {number // PAGE_MESSAGES}"


def _single(number: int) -> str:
    return f"message {number}"


def _check(number: int) -> None:
    if type(number) is not int or number < 0:
        raise InvalidArgument("messages are numbered from 0")


def _checked(message: bytes) -> bytes:
    if type(message) is not bytes or len(message) > MAX_MESSAGE_BYTES:
        raise InvalidArgument(f"a message is at most {MAX_MESSAGE_BYTES} bytes; larger ones are attachments")
    return message


def _packed(messages: Sequence[_Message]) -> bytes:
    form = _HEADS[len(messages)]
    deleted = sum(1 << at for at, message in enumerate(messages) if message is None)
    ends = accumulate([len(message or b"") for message in messages], initial=form.size)
    return form.pack(deleted, *list(ends)[1:]) + b"".join([message for message in messages if message])


def _unpacked(record: Record, count: int) -> list[_Message]:
    """The messages of a record. CorruptRecord if another room wrote it."""
    form, whole = _HEADS[count], record.value
    if len(whole) < form.size:
        raise _corrupt()
    deleted, *ends = form.unpack_from(whole)
    bounds = [form.size, *ends]
    if bounds[-1] != len(whole) or bounds != sorted(bounds):
        raise _corrupt()
    found: list[_Message] = [whole[begin:end] for begin, end in pairwise(bounds)]
    if not deleted:
        return found
    return [None if deleted >> at & 1 else message for at, message in enumerate(found)]


def _corrupt() -> CorruptRecord:
    return CorruptRecord("a record of a history is something else")
