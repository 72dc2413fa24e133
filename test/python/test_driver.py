"""The unmodified Python driver: the same assertions straight to the stand-in and through the gateway."""

import datetime
import decimal
import threading
import time

import pytest
import snowflake.connector
from conftest import Background
from snowflake.connector import DictCursor
from snowflake.connector.constants import FIELD_ID_TO_NAME, QueryStatus

#: Reads a few billion combinations of rows, far longer than any test waits.
ENDLESS = "select count(*) from big a join big b on a.id <> b.id join big c on b.id <> c.id"


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


@pytest.mark.parametrize("value", ["", " ", "a\nb", "tab\there", "quote ' and \\", "東京 🛷", "%s %d ? :1", "null"])
def test_texts_arrive_as_they_are(connection, value):
    with connection.cursor() as cursor:
        assert cursor.execute("select %s as v", (value,)).fetchall() == [(value,)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 9])
def test_every_number_of_rows_is_readable(cursor, count):
    cursor.execute(f"select id, city, region, created_at, id > 3 from customers order by id limit {count}")
    assert cursor.rowcount == count
    assert [row[0] for row in cursor.fetchall()] == list(range(1, count + 1))


def test_nulls_stand_where_they_belong(cursor):
    rows = cursor.execute("select id, note from orders where id < 2000 order by id").fetchall()
    assert len(rows) == 40
    without = [row[0] for row in rows if row[1] is None]
    assert len(without) == 8
    assert [row[0] for row in cursor.execute("select id from orders where note is null and id < 2000 order by id")] == without


def test_large_results_come_in_chunks_complete_and_in_order(cursor):
    cursor.execute("select id, payload from big order by id")
    assert len(cursor.get_result_batches()) >= 4
    rows = cursor.fetchall()
    assert [row[0] for row in rows] == list(range(1, 5001))
    assert rows[4999][1].startswith("row 5000 ") and len(rows[4999][1]) == 99


def test_large_results_can_be_read_bit_by_bit_and_twice(cursor):
    cursor.execute("select id, payload from big order by id")
    assert [row[0] for row in cursor.fetchmany(3)] == [1, 2, 3]
    assert cursor.fetchone()[0] == 4
    batches = cursor.get_result_batches()
    assert sum(len(list(batch)) for batch in batches) == 5000
    assert sum(batch.rowcount for batch in batches) == 5000


def test_rows_as_dictionaries(connection):
    with connection.cursor(DictCursor) as cursor:
        cursor.execute("select id, city as \"Home Town\" from customers where id = 1")
        assert cursor.fetchall() == [{"ID": 1, "Home Town": "Hamburg"}]


@pytest.mark.parametrize(
    ("select_list", "names"),
    [
        ('id, Region, "CITY", id as "Mixed Name"', ["ID", "REGION", "CITY", "Mixed Name"]),
        ("1+1, 1 + 1, 'A b', id::varchar", ["1+1", "1 + 1", "'A B'", "ID::VARCHAR"]),
        ("upper( city ), current_role()", ["UPPER( CITY )", "CURRENT_ROLE()"]),
    ],
)
def test_columns_have_the_names_snowflake_gives(cursor, select_list, names):
    cursor.execute(f"select {select_list} from customers limit 1")
    assert [column.name for column in cursor.description] == names


def test_description_says_type_size_and_scale(cursor):
    cursor.execute("select id, balance, city, created_at, 1.5::float as f, true as b from customers limit 1")
    described = [(c.name, FIELD_ID_TO_NAME[c.type_code], c.precision, c.scale) for c in cursor.description]
    assert described == [
        ("ID", "FIXED", 38, 0),
        ("BALANCE", "FIXED", 12, 2),
        ("CITY", "TEXT", None, None),
        ("CREATED_AT", "TIMESTAMP_NTZ", 0, 9),
        ("F", "REAL", None, None),
        ("B", "BOOLEAN", None, None),
    ]


def test_describe_gives_columns_without_running(cursor):
    described = cursor.describe("select id, city, balance from customers")
    assert [(column.name, column.precision, column.scale) for column in described] == [
        ("ID", 38, 0),
        ("CITY", None, None),
        ("BALANCE", 12, 2),
    ]


def test_client_side_binds(cursor):
    cursor.execute("select id from customers where city = %s", ("Cork",))
    assert cursor.fetchall() == [(6,)]
    cursor.execute("select id from customers where city = %(city)s or id = %(id)s order by id", {"city": "x' or 1=1 --", "id": 3})
    assert cursor.fetchall() == [(3,)]


def test_server_side_binds_of_every_type(connect):
    values = [
        7,
        2.5,
        decimal.Decimal("12.30"),
        "x' or 1=1 --",
        True,
        None,
        datetime.date(1960, 1, 1),
        datetime.time(1, 2, 3),
        datetime.datetime(1960, 1, 1, 0, 0, 0, 5),
        b"\xab\x00",
    ]
    with connect(paramstyle="qmark") as connection, connection.cursor() as cursor:
        cursor.execute("select " + ", ".join("?" for _ in values), values)
        (row,) = cursor.fetchall()
        assert (int(row[0]), float(row[1]), decimal.Decimal(str(row[2]))) == (7, 2.5, decimal.Decimal("12.30"))
        assert row[3:9] == tuple(values[3:9])
        assert bytes(row[9]) == b"\xab\x00"
        assert cursor.execute("select id from customers where city = ?", ("Cork",)).fetchall() == [(6,)]
    with connect(paramstyle="numeric") as connection, connection.cursor() as cursor:
        assert cursor.execute("select :2, :1", ("a", "b")).fetchall() == [("b", "a")]


@pytest.mark.parametrize("paramstyle", ["qmark", "pyformat"])
def test_batches_of_rows_are_inserted_in_a_transaction(connect, paramstyle):
    mark = "?, ?, ?, ?, ?, ?" if paramstyle == "qmark" else "%s, %s, %s, %s, %s, %s"
    happened = datetime.datetime(2020, 1, 1, 1, 2, 3)
    rows = [
        (9001, 1, decimal.Decimal("1.50"), "OPEN", "first; -- not a comment", happened),
        (9002, 2, decimal.Decimal("0.25"), "PAID", None, happened),
    ]
    with connect(paramstyle=paramstyle, autocommit=False) as connection, connection.cursor() as cursor:
        cursor.executemany(f"insert into orders values ({mark})", rows)
        assert cursor.rowcount == 2
        query = "select * from orders where id in (9001, 9002) order by id"
        assert cursor.execute(query).fetchall() == rows
        connection.rollback()
        assert cursor.execute(query).fetchall() == []


def test_commit_keeps_and_rollback_forgets(connect):
    with connect(autocommit=False) as own, own.cursor() as cursor, connect() as other:
        base = 70_000 + time.time_ns() % 1_000_000
        cursor.execute("insert into orders (id, status) values (%s, 'TEST')", (base,))
        own.commit()
        cursor.execute("insert into orders (id, status) values (%s, 'TEST')", (base + 1,))
        own.rollback()
        query = f"select id from orders where id in ({base}, {base + 1})"
        assert other.cursor().execute(query).fetchall() == [(base,)]


def test_errors_have_code_state_and_query_id(cursor):
    with pytest.raises(snowflake.connector.errors.ProgrammingError) as caught:
        cursor.execute("select status::number from orders")
    assert (caught.value.errno, caught.value.sqlstate) == (100038, "22018")
    assert "Numeric value 'PAID' is not recognized" in caught.value.msg
    assert caught.value.sfqid == cursor.sfqid


def test_a_session_survives_a_failed_statement(cursor):
    with pytest.raises(snowflake.connector.errors.ProgrammingError):
        cursor.execute("select status::number from orders")
    assert cursor.execute("select 1").fetchall() == [(1,)]


def test_asynchronous_statements(connection):
    with connection.cursor() as cursor:
        cursor.execute_async("select id, city from customers order by id")
        query_id = cursor.sfqid
        cursor.get_results_from_sfqid(query_id)
        assert len(cursor.fetchall()) == 12
        assert connection.get_query_status(query_id) is QueryStatus.SUCCESS
        assert not connection.is_still_running(connection.get_query_status_throw_if_error(query_id))
    with connection.cursor() as another:
        another.get_results_from_sfqid(query_id)
        assert another.fetchone() == (1, "Hamburg")


def test_large_results_of_asynchronous_statements(connection):
    with connection.cursor() as cursor:
        cursor.execute_async("select id, payload from big order by id")
        cursor.get_results_from_sfqid(cursor.sfqid)
        assert [row[0] for row in cursor.fetchall()] == list(range(1, 5001))


def test_a_failed_asynchronous_statement_says_why(connection):
    with connection.cursor() as cursor:
        cursor.execute_async("select status::number from orders")
        query_id = cursor.sfqid
        # Which subclass it is depends on whether the driver saw the statement still running.
        with pytest.raises(snowflake.connector.errors.DatabaseError) as caught:
            cursor.get_results_from_sfqid(query_id)
            cursor.fetchall()
        assert caught.value.sfqid == query_id
        assert "Numeric value 'PAID' is not recognized" in str(caught.value)
        assert connection.get_query_status(query_id) is QueryStatus.FAILED_WITH_ERROR
        assert connection.is_an_error(connection.get_query_status(query_id))


def test_an_asynchronous_statement_can_be_cancelled(connection):
    with connection.cursor() as cursor:
        cursor.execute_async(ENDLESS)
        query_id = cursor.sfqid
        assert connection.is_still_running(connection.get_query_status(query_id))
        assert cursor.abort_query(query_id)
        until = time.monotonic() + 10
        while connection.is_still_running(connection.get_query_status(query_id)):
            assert time.monotonic() < until
            time.sleep(0.1)
        assert connection.is_an_error(connection.get_query_status(query_id))


def test_a_statement_that_outlasts_its_timeout_is_cancelled(cursor):
    started = time.monotonic()
    with pytest.raises(snowflake.connector.errors.ProgrammingError) as caught:
        cursor.execute(ENDLESS, timeout=1)
    assert caught.value.errno == 604
    assert time.monotonic() - started < 15


def test_many_statements_side_by_side(connection):
    found = {}

    def run(number):
        with connection.cursor() as cursor:
            found[number] = cursor.execute("select %s, count(*) from customers", (number,)).fetchall()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == {number: [(number, 12)] for number in range(12)}


def test_use_changes_the_session(connect):
    with connect() as own, own.cursor() as cursor:
        assert (own.database, own.schema, own.warehouse, own.role) == ("CRM", "PUBLIC", "AGENT_WH", "ANALYST")
        cursor.execute("use schema hr")
        cursor.execute("use warehouse compute_wh")
        cursor.execute("use role support")
        assert (own.database, own.schema, own.warehouse, own.role) == ("CRM", "HR", "COMPUTE_WH", "SUPPORT")
        context = "select current_database(), current_schema(), current_warehouse(), current_role()"
        assert cursor.execute(context).fetchall() == [("CRM", "HR", "COMPUTE_WH", "SUPPORT")]
        assert cursor.execute("select count(*) from employees").fetchone() == (2,)
        cursor.execute("use crm.public")
        assert (own.database, own.schema) == ("CRM", "PUBLIC")


def test_session_parameters_at_log_in_and_later(connect):
    with connect(timezone="Europe/Berlin", session_parameters={"DATE_OUTPUT_FORMAT": "DD.MM.YYYY"}) as own:
        cursor = own.cursor()
        assert cursor.execute("show parameters like 'timezone'").fetchone()[1] == "Europe/Berlin"
        assert cursor.execute("show parameters like 'date_output_format'").fetchone()[1] == "DD.MM.YYYY"
        cursor.execute("alter session set query_tag = 'from python', timezone = 'UTC'")
        assert cursor.execute("show parameters like 'query_tag'").fetchone()[1] == "from python"
        value = cursor.execute("select '2020-01-01 10:00:00'::timestamp_ltz").fetchone()[0]
        assert value.utcoffset() == datetime.timedelta(0)
        cursor.execute("alter session unset query_tag")
        assert cursor.execute("show parameters like 'query_tag'").fetchone()[1] == ""


def test_metadata_statements_list_what_is_there(cursor):
    cursor.execute("show tables")
    names = [column.name for column in cursor.description]
    assert {"created_on", "name", "database_name", "schema_name", "kind"} <= set(names)
    listed = {row[names.index("name")] for row in cursor.fetchall()}
    assert {"BIG", "CUSTOMERS", "ORDERS"} <= listed
    cursor.execute("describe table customers")
    assert [row[0] for row in cursor.fetchall()][:3] == ["ID", "NAME", "EMAIL"]


def test_a_connection_is_valid_until_it_is_closed(connect):
    own = connect()
    assert own.is_valid()
    own.close()
    assert not own.is_valid()
    with pytest.raises(snowflake.connector.errors.DatabaseError):
        own.cursor().execute("select 1")


def test_a_slow_statement_holds_up_no_other_session(connect, connection):
    with connect() as own, own.cursor() as slow, connection.cursor() as quick:
        running = Background(lambda: slow.execute(ENDLESS, timeout=3))
        assert quick.execute("select 1").fetchall() == [(1,)]
        assert running.is_alive()
        with pytest.raises(snowflake.connector.errors.ProgrammingError):
            running.result()
