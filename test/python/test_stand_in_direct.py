"""What the stand-in alone does: the gateway refuses it (several statements) or answers in JSON (Arrow)."""

import datetime

import pytest
import snowflake.connector
from conftest import connect_directly


@pytest.mark.parametrize(("wanted", "kind"), [("ARROW", "ArrowResultBatch"), ("JSON", "JSONResultBatch")])
def test_results_come_in_the_wanted_format(wanted, kind):
    with connect_directly(session_parameters={"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": wanted}) as connection:
        cursor = connection.cursor().execute("select 1")
        assert {type(batch).__name__ for batch in cursor.get_result_batches()} == {kind}


def test_pandas_and_arrow_read_arrow_results():
    with connect_directly() as connection, connection.cursor() as cursor:
        cursor.execute("select id, amount, status, note, created_at from orders order by id limit 40")
        frame = cursor.fetch_pandas_all()
        assert list(frame.columns) == ["ID", "AMOUNT", "STATUS", "NOTE", "CREATED_AT"]
        assert (len(frame), frame["NOTE"].isna().sum()) == (40, 8)
        cursor.execute("select id from customers order by id")
        assert cursor.fetch_arrow_all()["ID"].to_pylist() == list(range(1, 13))


def test_several_statements_of_one_request():
    with connect_directly() as connection, connection.cursor() as cursor:
        cursor.execute("select 1; select 2", num_statements=2)
        assert cursor.fetchall() == [(1,)]
        assert cursor.nextset() is not None
        assert cursor.fetchall() == [(2,)]


def test_changes_to_an_own_table():
    with connect_directly(paramstyle="qmark") as connection, connection.cursor() as cursor:
        cursor.execute("create temporary table batch_target (id int, note text, day date, happened timestamp_ntz)")
        rows = [
            (1, "a", datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1, 1, 2, 3)),
            (2, "b", datetime.date(1960, 1, 1), datetime.datetime(1960, 1, 1, 0, 0, 0, 5)),
        ]
        cursor.executemany("insert into batch_target values (?, ?, ?, ?)", rows)
        assert cursor.execute("select * from batch_target order by id").fetchall() == rows
        cursor.execute("update batch_target set note = 'c'")
        assert cursor.rowcount == 2


def test_a_waiting_statement_outlasts_its_timeout():
    with connect_directly() as connection, connection.cursor() as cursor:
        with pytest.raises(snowflake.connector.errors.ProgrammingError) as caught:
            cursor.execute("select system$wait(30)", timeout=1)
        assert caught.value.errno == 604


def test_a_wrong_password_is_refused():
    with pytest.raises(snowflake.connector.errors.DatabaseError) as caught:
        connect_directly(password="wrong")
    assert caught.value.errno == 390100
    assert "Incorrect username or password" in caught.value.msg
