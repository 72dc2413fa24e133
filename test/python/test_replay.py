"""The unmodified Python driver in two passes: PHASE=record through the gateway, PHASE=replay at a served recording.

Both do the same; the second must see what the first saw, value for value. OUTCOMES is a file that goes from one to the other.
"""

import os
import time

import pyarrow
from conftest import connect_through_gateway, open_connection, where
from snowflake.connector.errors import Error

PHASE = os.environ["PHASE"]

STATEMENTS = [
    ("select id, name, email, ssn, balance, city, created_at from customers order by id", None),
    ("select * from all_types order by 1", None),
    ("select id, payload from big order by id", None),
    ("select id, city from customers where id = %s or city = %s", (3, "Hamburg")),
    ("insert into orders (id, note) values (%s, %s)", (82_001, "one")),
    ("select count(*) from orders where id > 82000", None),
    ("select count(*) from orders where id > 82000", None),
    ("select 'x'::number", None),
    ("drop database crm", None),
    ("select id from nowhere", None),
]


def connect():
    if PHASE == "record":
        return connect_through_gateway()
    return open_connection({**where(os.environ["REPLAY_URL"]), "user": "anybody", "password": "anything"})


def outcome(opened, sql, binds):
    cursor = opened.cursor()
    try:
        cursor.execute(sql, binds)
        return cursor.sfqid, cursor.rowcount, cursor.description, cursor.fetchall()
    except Error as error:
        return error.sfqid, error.errno, error.sqlstate, error.raw_msg


def as_arrow(opened):
    table = opened.cursor().execute("select id, city, created_at from customers order by id desc").fetch_arrow_all()
    assert isinstance(table, pyarrow.Table)
    return table.schema, table.to_pylist()


def in_background(opened):
    cursor = opened.cursor()
    cursor.execute_async("select 'later' as v, 1 as n")
    query_id = cursor.sfqid
    while opened.is_still_running(opened.get_query_status_throw_if_error(query_id)):
        time.sleep(0.1)
    cursor.get_results_from_sfqid(query_id)
    return query_id, cursor.fetchall()


def test_the_replay_gives_what_was_recorded():
    with connect() as opened:
        seen = [repr(outcome(opened, *statement)) for statement in STATEMENTS]
        seen += [repr(as_arrow(opened)), repr(in_background(opened))]
    assert "'***'" in seen[0] and "5000" in seen[2] and "861201" in seen[8] and "later" in seen[11]
    if PHASE == "record":
        with open(os.environ["OUTCOMES"], "w", encoding="utf-8") as file:
            file.write("\0".join(seen))
        return
    with open(os.environ["OUTCOMES"], encoding="utf-8") as file:
        recorded = file.read().split("\0")
    assert seen == recorded
