"""Knows the tables of a store in PostgreSQL, and the statements on them: one for many rows, which travel as arrays.

Only what databases that speak PostgreSQL's protocol have too: no sequence, no advisory lock, no notification.
"""

from __future__ import annotations

COLUMNS_OF = {
    "siegel_format": {"version": "integer"},
    "siegel_block": {"name": "text", "data": "bytea"},
    "siegel_key": {"kid": "bigint", "wrapped": "bytea"},
    "siegel_record": {
        "collection": "integer",
        "name": "bytea",
        "revision": "bigint",
        "day": "integer",
        "value": "bytea",
    },
    "siegel_tag": {"collection": "integer", "field": "integer", "tag": "bytea", "name": "bytea"},
}
CREATE = (
    "CREATE TABLE siegel_format (version INTEGER NOT NULL PRIMARY KEY)",
    "CREATE TABLE siegel_block (name TEXT NOT NULL PRIMARY KEY, data BYTEA NOT NULL)",
    "CREATE TABLE siegel_key (kid BIGINT NOT NULL PRIMARY KEY, wrapped BYTEA NOT NULL)",
    (
        "CREATE TABLE siegel_record (collection INTEGER NOT NULL, name BYTEA NOT NULL, revision BIGINT NOT NULL,"
        " day INTEGER, value BYTEA NOT NULL, PRIMARY KEY (collection, name))"
    ),
    "CREATE INDEX siegel_record_key ON siegel_record (substr(value, 2, 4))",
    "CREATE INDEX siegel_record_day ON siegel_record (day) WHERE day IS NOT NULL",
    (
        "CREATE TABLE siegel_tag (collection INTEGER NOT NULL, field INTEGER NOT NULL, tag BYTEA NOT NULL,"
        " name BYTEA NOT NULL, PRIMARY KEY (collection, field, tag, name))"
    ),
    "CREATE INDEX siegel_tag_name ON siegel_tag (collection, name)",
)
SHAPE = (
    "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns"
    " WHERE table_schema = current_schema() AND table_name::text = ANY(%b)"
)
TRIGGERS = (
    "SELECT event_object_table::text FROM information_schema.triggers"
    " WHERE event_object_schema = current_schema() AND event_object_table::text = ANY(%b)"
)
MARK_FORMAT = "INSERT INTO siegel_format (version) VALUES (%b)"
READ_FORMAT = "SELECT version FROM siegel_format ORDER BY version DESC LIMIT 1"

COLUMNS = "name, revision, value, day"
GET_ONE = f"SELECT {COLUMNS} FROM siegel_record WHERE collection = %b AND name = %b"  # noqa: S608 - constants alone
GET = f"SELECT {COLUMNS} FROM siegel_record WHERE collection = %b AND name = ANY(%b)"  # noqa: S608 - as above
SCAN = f"SELECT {COLUMNS} FROM siegel_record WHERE collection = %b AND name > %b ORDER BY name LIMIT %b"  # noqa: S608 - as above
FIND = (
    "SELECT r.name, r.revision, r.value, r.day FROM siegel_tag AS t"
    " JOIN siegel_record AS r ON r.collection = t.collection AND r.name = t.name"
    " WHERE t.collection = %b AND t.field = %b AND t.tag = %b AND t.name > %b ORDER BY t.name LIMIT %b"
)
EXPIRED = f"SELECT collection, {COLUMNS} FROM siegel_record WHERE day < %b LIMIT %b"  # noqa: S608 - as above
OF_KEY = f"SELECT collection, {COLUMNS} FROM siegel_record WHERE substr(value, 2, 4) = %b LIMIT %b"  # noqa: S608 - as above
COUNT = "SELECT count(*) FROM siegel_record WHERE collection = %b"

INSERT_ONE = (
    "INSERT INTO siegel_record (collection, name, revision, day, value) VALUES (%b, %b, %b, %b, %b)"
    " ON CONFLICT (collection, name) DO NOTHING"
)
INSERT = (
    "INSERT INTO siegel_record (collection, name, revision, day, value)"
    " SELECT %b::int, name, revision, day, value"
    " FROM unnest(%b::bytea[], %b::bigint[], %b::int[], %b::bytea[]) AS given (name, revision, day, value)"
    " ON CONFLICT (collection, name) DO NOTHING"
)
# What is written and what loses its tags is one statement. Its answer is the number of rows written.
REPLACE_ONE = (
    "WITH written AS (UPDATE siegel_record SET revision = %b, day = %b, value = %b"
    " WHERE collection = %b AND name = %b AND revision = %b RETURNING name)"
    ", gone AS (DELETE FROM siegel_tag WHERE collection = %b AND name IN (SELECT name FROM written))"
    " SELECT count(*) FROM written"
)
REPLACE = (
    "WITH written AS (UPDATE siegel_record AS r SET revision = given.revision, day = given.day, value = given.value"
    " FROM unnest(%b::bytea[], %b::bigint[], %b::int[], %b::bytea[], %b::bigint[])"
    " AS given (name, revision, day, value, replaced)"
    " WHERE r.collection = %b AND r.name = given.name AND r.revision = given.replaced RETURNING r.name)"
    ", gone AS (DELETE FROM siegel_tag WHERE collection = %b AND name IN (SELECT name FROM written))"
    " SELECT count(*) FROM written"
)
DELETE = (
    "WITH written AS (DELETE FROM siegel_record AS r"
    " USING unnest(%b::bytea[], %b::bigint[]) AS given (name, revision)"
    " WHERE r.collection = %b AND r.name = given.name AND r.revision = given.revision RETURNING r.name)"
    ", gone AS (DELETE FROM siegel_tag WHERE collection = %b AND name IN (SELECT name FROM written))"
    " SELECT count(*) FROM written"
)
TAG = (
    "INSERT INTO siegel_tag (collection, field, tag, name)"
    " SELECT %b::int, field, tag, name FROM unnest(%b::int[], %b::bytea[], %b::bytea[]) AS given (field, tag, name)"
    " ON CONFLICT DO NOTHING"
)
BLOCKS = "SELECT name, data FROM siegel_block"
ADD_BLOCK = "INSERT INTO siegel_block (name, data) VALUES (%b, %b) ON CONFLICT (name) DO NOTHING"
SWAP_BLOCK = "UPDATE siegel_block SET data = %b WHERE name = %b AND data = %b"
DELETE_BLOCK = "DELETE FROM siegel_block WHERE name = %b"
PUT_BLOCK = (
    "INSERT INTO siegel_block (name, data) VALUES (%b, %b) ON CONFLICT (name) DO UPDATE SET data = excluded.data"
)
KEYS = "SELECT kid, wrapped FROM siegel_key ORDER BY kid"
DELETE_KEYS = "DELETE FROM siegel_key WHERE kid = ANY(%b)"
PUT_KEYS = (
    "INSERT INTO siegel_key (kid, wrapped) SELECT * FROM unnest(%b::bigint[], %b::bytea[])"
    " ON CONFLICT (kid) DO UPDATE SET wrapped = excluded.wrapped"
)
VACUUM = "VACUUM siegel_record, siegel_tag, siegel_key, siegel_block"
