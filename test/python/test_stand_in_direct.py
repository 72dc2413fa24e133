"""The unmodified Python driver against the stand-in, in both result formats.

STAND_IN_URL is the base URL; the demo user and the demo data are expected there.
"""

import datetime
import decimal
import os
import urllib.parse

import pytest
import snowflake.connector

URL = urllib.parse.urlparse(os.environ["STAND_IN_URL"])


def connect(**more):
    options = {
        "host": URL.hostname,
        "port": URL.port,
        "protocol": URL.scheme,
        "account": "acme",
        "user": "DEMO",
        "password": "demo-password",
        "database": "CRM",
        "schema": "PUBLIC",
        "warehouse": "COMPUTE_WH",
        "login_timeout": 20,
        "network_timeout": 60,
    }
    return snowflake.connector.connect(**{**options, **more})


@pytest.fixture(scope="module", params=["ARROW", "JSON"])
def connection(request):
    with connect(session_parameters={"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": request.param}) as opened:
        opened.wanted_format = request.param
        yield opened


@pytest.fixture
def cursor(connection):
    with connection.cursor() as opened:
        yield opened


def batch_kinds(cursor):
    return {type(batch).__name__ for batch in cursor.get_result_batches()}


def test_results_come_in_the_wanted_format(cursor, connection):
    cursor.execute("select 1")
    expected = "ArrowResultBatch" if connection.wanted_format == "ARROW" else "JSONResultBatch"
    assert batch_kinds(cursor) == {expected}


def test_every_type_is_decoded(cursor):
    cursor.execute(
        """select 1::number(10,2), 12345678901234567890123456789, 1.5::float, 'é', true, '2020-02-02'::date,
        '01:02:03.5'::time, '1960-01-01 00:00:00.5'::timestamp_ntz, '2020-01-01 10:00:00 +02:00'::timestamp_tz,
        '2020-01-01 10:00:00'::timestamp_ltz, to_binary('AB', 'HEX'), parse_json('{"a":1}'), null::varchar,
        '2020-01-01 10:00:00.123'::timestamp_ntz(3), -5.25::number(5,2)"""
    )
    (row,) = cursor.fetchall()
    assert row[:8] == (
        decimal.Decimal("1.00"),
        12345678901234567890123456789,
        1.5,
        "é",
        True,
        datetime.date(2020, 2, 2),
        datetime.time(1, 2, 3, 500000),
        datetime.datetime(1960, 1, 1, 0, 0, 0, 500000),
    )
    assert row[8] == datetime.datetime(2020, 1, 1, 8, tzinfo=datetime.timezone.utc)
    assert row[8].utcoffset() == datetime.timedelta(hours=2)
    assert row[9] == datetime.datetime(2020, 1, 1, 10, tzinfo=datetime.timezone.utc)
    assert bytes(row[10]) == b"\xab"
    assert row[11] == '{"a":1}'
    assert row[12:] == (None, datetime.datetime(2020, 1, 1, 10, 0, 0, 123000), decimal.Decimal("-5.25"))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 9])
def test_every_number_of_rows_is_readable(cursor, count):
    cursor.execute(f"select id, name, ssn, balance, created_at, id > 3 from customers order by id limit {count}")
    assert [row[0] for row in cursor.fetchall()] == list(range(1, count + 1))


def test_nulls_stand_where_they_belong(cursor):
    cursor.execute("select id from customers where ssn is null or email is null order by id")
    assert cursor.fetchall() == [(10,), (12,)]
    cursor.execute("select ssn, email from customers order by id")
    rows = cursor.fetchall()
    assert rows[9][0] is None and rows[11][1] is None


def test_large_results_come_in_chunks_complete_and_in_order(cursor):
    cursor.execute("select id, payload from big order by id")
    assert len(cursor.get_result_batches()) >= 4
    assert [row[0] for row in cursor.fetchall()] == list(range(1, 5001))


def test_pandas_reads_arrow(cursor, connection):
    if connection.wanted_format == "JSON":
        pytest.skip("pandas needs Arrow results")
    cursor.execute("select id, amount, status, note, created_at from orders order by id")
    frame = cursor.fetch_pandas_all()
    assert len(frame) == 40
    assert list(frame.columns) == ["ID", "AMOUNT", "STATUS", "NOTE", "CREATED_AT"]
    assert frame["NOTE"].isna().sum() == 8


def test_client_side_binds(cursor):
    cursor.execute("select name from customers where city = %s", ("Cork",))
    assert cursor.fetchall() == [("Finn O'Connor",)]


def test_server_side_binds_and_batches():
    with connect(paramstyle="qmark") as connection, connection.cursor() as cursor:
        cursor.execute("create temporary table batch_target (id int, note text, day date, happened timestamp_ntz)")
        rows = [
            (1, "a", datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1, 1, 2, 3)),
            (2, "b", datetime.date(1960, 1, 1), datetime.datetime(1960, 1, 1, 0, 0, 0, 5)),
        ]
        cursor.executemany("insert into batch_target values (?, ?, ?, ?)", rows)
        assert cursor.rowcount == 2
        assert cursor.execute("select * from batch_target order by id").fetchall() == rows
        assert cursor.execute("select id from batch_target where note = ?", ("b",)).fetchall() == [(2,)]
        cursor.execute("update batch_target set note = 'c'")
        assert cursor.rowcount == 2


def test_errors_have_code_state_and_query_id(cursor):
    with pytest.raises(snowflake.connector.errors.ProgrammingError) as caught:
        cursor.execute("select name::number from customers where id = 1")
    assert (caught.value.errno, caught.value.sqlstate) == (100038, "22018")
    assert "Numeric value 'Ada Brandt' is not recognized" in caught.value.msg
    assert caught.value.sfqid == cursor.sfqid


def test_describe_gives_columns_without_running(cursor):
    described = cursor.describe("select id, name, balance from customers")
    assert [(column.name, column.precision, column.scale) for column in described] == [
        ("ID", 38, 0),
        ("NAME", None, None),
        ("BALANCE", 12, 2),
    ]


def test_asynchronous_statements(cursor, connection):
    cursor.execute_async("select system$wait(1), 7 as x")
    assert connection.is_still_running(connection.get_query_status(cursor.sfqid))
    cursor.get_results_from_sfqid(cursor.sfqid)
    assert cursor.fetchall()[0][1] == 7


def test_several_statements_of_one_request(cursor):
    cursor.execute("select 1; select 2", num_statements=2)
    assert cursor.fetchall() == [(1,)]
    assert cursor.nextset() is not None
    assert cursor.fetchall() == [(2,)]


def test_session_state_and_transactions(connection):
    with connect(autocommit=False) as own, own.cursor() as cursor:
        cursor.execute("insert into orders (id) values (7777)")
        own.rollback()
        assert cursor.execute("select count(*) from orders where id = 7777").fetchone() == (0,)
        cursor.execute("use schema hr")
        assert own.schema == "HR"
        cursor.execute("alter session set query_tag = 'from python'")
        assert cursor.execute("show parameters like 'query_tag'").fetchone()[1] == "from python"


def test_a_statement_that_outlasts_its_timeout_is_cancelled(cursor):
    with pytest.raises(snowflake.connector.errors.ProgrammingError) as caught:
        cursor.execute("select system$wait(30)", timeout=1)
    assert caught.value.errno == 604


def test_a_wrong_password_is_refused():
    with pytest.raises(snowflake.connector.errors.DatabaseError) as caught:
        connect(password="wrong")
    assert caught.value.errno == 390100
    assert "Incorrect username or password" in caught.value.msg
