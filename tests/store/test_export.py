"""BAK-10, BAK-11: what is handed out to a person is readable and complete; what is sealed goes into another store."""

from __future__ import annotations

import json
import stat
from base64 import b64decode
from pathlib import Path

import pytest

from siegel.errors import CorruptRecord, InvalidMessage, MalformedError, WrongKey
from siegel.store import carrying
from siegel.store import export as room
from siegel.store.kept import StoredContacts
from siegel.store.keys import FLOOR, Passphrase, RecoveryWords
from siegel.store.memory_backend import MemoryBackend
from siegel.store.scopes import SCOPES, Scope
from siegel.store.sealed_file import Purpose, write_file
from siegel.store.store import Store
from tests.people import AT, person, public, secret_of
from tests.store.conftest import Opener
from tests.store.records_at_hand import KEY, new_store
from tests.store.test_backup import contents, filled

OTHER = secret_of("another store")


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


# --- readable --------------------------------------------------------------------------------------------------------


def test_a_person_gets_all_that_is_kept_of_them_in_readable_form(opener: Opener, tmp_path: Path) -> None:
    store = filled(Store.create(opener.fresh(), key=KEY))
    assert store.export_readable(tmp_path / "anna.jsonl", scope="anna") == 2
    found = sorted(lines(tmp_path / "anna.jsonl"), key=lambda line: str(line["key"]))
    assert found[0] == {
        "collection": "messages",
        "scope": "anna",
        "key": "1",
        "value": {"utf8": "text of anna"},
        "revision": 2,
        "expires": AT + 9 * 86_400_000,
        "fields": {"day": "1"},
    }
    assert found[1]["key"] == {"base64": "/w=="}
    value = found[1]["value"]
    assert isinstance(value, dict)
    assert b64decode(value["base64"]) == bytes(range(256))


def test_everything_is_readable_but_the_librarys_own_state(tmp_path: Path) -> None:
    store = filled()
    kept = StoredContacts(store)
    kept.contacts.add(public("bob"))
    kept.save()
    assert store.export_readable(tmp_path / "all.jsonl") == 46
    assert {line["collection"] for line in lines(tmp_path / "all.jsonl")} == {"messages", "files"}
    assert {line["scope"] for line in lines(tmp_path / "all.jsonl")} == {"anna", "bert", None}
    assert stat.S_IMODE((tmp_path / "all.jsonl").stat().st_mode) == 0o600


def test_what_expired_and_is_still_there_is_told_and_where_it_came_from(tmp_path: Path) -> None:
    store, other = new_store(), new_store()
    store.collection("c").put("a", "ä\n".encode(), expires=1)
    assert store.export_readable(tmp_path / "all.jsonl") == 1
    assert lines(tmp_path / "all.jsonl")[0]["value"] == {"utf8": "ä\n"}
    store.collection("c").put("a", b"")
    store.export(tmp_path / "export", key=OTHER, at=AT)
    other.restore(tmp_path / "export", key=OTHER)
    other.export_readable(tmp_path / "all.jsonl")
    assert lines(tmp_path / "all.jsonl")[0]["restored"] == AT


def test_a_damaged_record_stops_it_and_no_file_is_left(tmp_path: Path) -> None:
    backend = MemoryBackend()
    store = filled(Store.create(backend, key=KEY))
    row = backend.scan(1, limit=1)[0]
    backend._rows[1][row.name] = row._replace(value=row.value[:-1] + bytes([row.value[-1] ^ 1]))
    with pytest.raises(CorruptRecord):
        store.export_readable(tmp_path / "all.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_scope_without_its_name_is_told(tmp_path: Path) -> None:
    store = new_store()
    store.collection("c", scope="anna").put("a", b"")
    store.collection(SCOPES, scope="anna").delete("scope")
    for act in (
        lambda: store.export_readable(tmp_path / "out"),
        lambda: store.export(tmp_path / "out", key=OTHER),
    ):
        with pytest.raises(CorruptRecord, match="name is not known"):
            act()
    assert list(tmp_path.iterdir()) == []


# --- sealed ----------------------------------------------------------------------------------------------------------


KEYS = [OTHER, Passphrase("a phrase"), RecoveryWords.generate(), person("alice")]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: type(key).__name__)
def test_a_store_goes_into_another_under_its_keys(tmp_path: Path, key: bytes | Passphrase | RecoveryWords) -> None:
    store, other = filled(), Store.create(MemoryBackend(), key=OTHER)
    store.export(tmp_path / "export", key=key, cost=FLOOR if isinstance(key, Passphrase) else None, at=AT)
    assert other.restore(tmp_path / "export", key=key) == 46
    assert contents(other) == contents(store)
    assert other.verify().ok
    assert other.restores == 1
    with pytest.raises(WrongKey):
        other.restore(tmp_path / "export", key=secret_of("nobody"))


def test_one_scope_goes_and_no_other(opener: Opener, tmp_path: Path) -> None:
    store, other = filled(), Store.create(opener.fresh(), key=OTHER)
    other.collection("messages", scope="anna", index=("new", "day")).put("1", b"only once")
    store.export(tmp_path / "export", key=OTHER, scope="anna", at=AT)
    assert other.restore(tmp_path / "export", key=OTHER) == 2
    assert other.scopes() == (Scope("anna"),)
    assert other.collections() == ("messages",)
    assert [r.value for r in other.collection("messages", scope="anna", index=("day",)).find(day="1", at=AT)] == [
        b"text of anna"
    ]
    assert other.restore(tmp_path / "export", key=OTHER) == 0
    assert other.verify().ok


def test_a_file_that_changes_between_its_two_readings_restores_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = filled(), new_store()
    store.export(tmp_path / "export", key=OTHER, at=AT)
    whole = (tmp_path / "export").read_bytes()

    through = carrying.looked_through

    def swapped(*given: object) -> object:
        found = through(*given)  # type: ignore[arg-type]  # passed on as they came
        (tmp_path / "export").write_bytes(whole[:-20_000] + bytes(20_000))
        return found

    monkeypatch.setattr(room, "looked_through", swapped)
    with pytest.raises(InvalidMessage):
        other.restore(tmp_path / "export", key=OTHER)
    assert not other.collections()
    assert not other.scopes()
    assert other.restores == 0


def test_a_signed_file_is_no_export(tmp_path: Path) -> None:
    alice = person("alice")
    write_file(tmp_path / "f", purpose=Purpose.EXPORT, key=OTHER, cost=None, signer=alice, at=AT, frames=[[1, "c", []]])
    with pytest.raises(InvalidMessage):
        new_store().restore(tmp_path / "f", key=OTHER)
    (tmp_path / "f").write_bytes((1).to_bytes(4, "big") + b"x" * 9)
    with pytest.raises(MalformedError):
        new_store().restore(tmp_path / "f", key=OTHER)
