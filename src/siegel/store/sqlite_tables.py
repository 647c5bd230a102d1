"""Knows the tables of a store in SQLite and the statements on them, of constant text so that SQLite has them prepared.

Rows stand in the order in which they were written, and the index over their names beside them: names are random, and a
table ordered by them would rewrite a page of 4 KiB for every row. The number of the data key is read out of the value,
so the two cannot differ.
"""

from __future__ import annotations

TABLES = {
    "siegel_format": "CREATE TABLE siegel_format (version INTEGER NOT NULL) STRICT",
    "siegel_block": "CREATE TABLE siegel_block (name BLOB PRIMARY KEY NOT NULL, data BLOB NOT NULL) STRICT",
    "siegel_key": "CREATE TABLE siegel_key (kid INTEGER PRIMARY KEY NOT NULL, wrapped BLOB NOT NULL) STRICT",
    "siegel_record": "CREATE TABLE siegel_record (collection INTEGER NOT NULL, name BLOB NOT NULL,"
    " revision INTEGER NOT NULL, day INTEGER, value BLOB NOT NULL, PRIMARY KEY (collection, name)) STRICT",
    "siegel_record_key": "CREATE INDEX siegel_record_key ON siegel_record (substr(value, 2, 4))",
    "siegel_record_day": "CREATE INDEX siegel_record_day ON siegel_record (day) WHERE day IS NOT NULL",
    "siegel_tag": "CREATE TABLE siegel_tag (collection INTEGER NOT NULL, field INTEGER NOT NULL, tag BLOB NOT NULL,"
    " name BLOB NOT NULL, PRIMARY KEY (collection, field, tag, name)) STRICT, WITHOUT ROWID",
    "siegel_tag_name": "CREATE INDEX siegel_tag_name ON siegel_tag (collection, name)",
}
SCHEMA = "SELECT name, sql FROM sqlite_schema WHERE tbl_name GLOB 'siegel_*' AND sql IS NOT NULL"
MARK_FORMAT = "INSERT INTO siegel_format (version) VALUES (?)"
READ_FORMAT = "SELECT max(version) FROM siegel_format"
# Takes the lock of the one writer, and changes nothing.
LOCK = "UPDATE siegel_format SET version = version WHERE version < 0"

COLUMNS = "name, revision, value, day"
GET = f"SELECT {COLUMNS} FROM siegel_record WHERE collection = ? AND name"  # noqa: S608 - constants alone
GET_ONE = f"{GET} = ?"
FEW, MANY = 8, 64  # names in one statement: few texts, so that SQLite has each prepared
GET_SOME = {count: f"{GET} IN ({', '.join('?' * count)})" for count in (FEW, MANY)}
COUNT = "SELECT count(*) FROM siegel_record WHERE collection = ?"
SCAN = f"{GET} > ? ORDER BY name LIMIT ?"
FIND = (
    "SELECT r.name, r.revision, r.value, r.day FROM siegel_tag AS t CROSS JOIN siegel_record AS r"
    " ON r.collection = t.collection AND r.name = t.name"
    " WHERE t.collection = ? AND t.field = ? AND t.tag = ? AND t.name > ? ORDER BY t.name LIMIT ?"
)
EXPIRED = f"SELECT collection, {COLUMNS} FROM siegel_record WHERE day < ? LIMIT ?"  # noqa: S608 - constants alone
OF_KEY = f"SELECT collection, {COLUMNS} FROM siegel_record WHERE substr(value, 2, 4) = ? LIMIT ?"  # noqa: S608 - as above
INSERT = (
    "INSERT INTO siegel_record (collection, name, revision, day, value) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (collection, name) DO NOTHING"
)
REPLACE = "UPDATE siegel_record SET revision = ?, day = ?, value = ? WHERE collection = ? AND name = ? AND revision = ?"
DELETE = "DELETE FROM siegel_record WHERE collection = ? AND name = ? AND revision = ?"
TAGGED = "SELECT 1 FROM siegel_tag WHERE collection = ? LIMIT 1"
TAG = "INSERT INTO siegel_tag (collection, field, tag, name) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
UNTAG = "DELETE FROM siegel_tag WHERE collection = ? AND name = ?"
BLOCKS = "SELECT name, data FROM siegel_block"
ADD_BLOCK = "INSERT INTO siegel_block (name, data) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
SWAP_BLOCK = "UPDATE siegel_block SET data = ? WHERE name = ? AND data = ?"
DELETE_BLOCK = "DELETE FROM siegel_block WHERE name = ?"
PUT_BLOCK = "INSERT INTO siegel_block (name, data) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET data = excluded.data"
KEYS = "SELECT kid, wrapped FROM siegel_key ORDER BY kid"
DELETE_KEY = "DELETE FROM siegel_key WHERE kid = ?"
PUT_KEY = (
    "INSERT INTO siegel_key (kid, wrapped) VALUES (?, ?) ON CONFLICT (kid) DO UPDATE SET wrapped = excluded.wrapped"
)
