"""The unmodified Python driver and what only the gateway does: masking, refusals, waiting for people, who may log in."""

import time

import pytest
import snowflake.connector
from conftest import Approver, Background, ask, connect_through_gateway, history, mint
from snowflake.connector import DictCursor
from snowflake.connector.constants import QueryStatus
from snowflake.connector.errors import DatabaseError, NotSupportedError, ProgrammingError

CUSTOMER = "select id, name, email, ssn, balance, city from customers where id in (1, 12) order by id"


@pytest.fixture
def own():
    with connect_through_gateway() as opened:
        yield opened


@pytest.fixture
def order(own):
    """An order of this test alone."""
    order_id = 100_000_000 + time.time_ns() % 1_000_000_000
    own.cursor().execute("insert into orders (id, status) values (%s, 'OPEN')", (order_id,))
    return order_id


def refusal(own, sql, *binds, **more):
    with pytest.raises(ProgrammingError) as caught:
        own.cursor().execute(sql, *binds, **more)
    return caught.value


def texts_run():
    return [entry["sqlText"] for entry in history()]


# Masking


def test_protected_columns_arrive_masked(own):
    ada, liam = own.cursor().execute(CUSTOMER).fetchall()
    assert (ada[0], ada[1], ada[3], ada[4], ada[5]) == (1, "***", "***2233", None, "Hamburg")
    assert ada[2].startswith("pst_") and len(ada[2]) == 36
    assert (liam[2], liam[3]) == (None, "***3040")


def test_masked_columns_keep_their_names_and_their_place(own):
    with own.cursor(DictCursor) as cursor:
        (row,) = cursor.execute("select ssn, city, name as who, id from customers where id = 1").fetchall()
    assert row == {"SSN": "***2233", "CITY": "Hamburg", "WHO": "***", "ID": 1}


def test_equal_values_have_equal_hashes(own):
    rows = own.cursor().execute("select c.email, v.contact from customers c join v_customer_contact v on c.id = v.id").fetchall()
    assert len(rows) == 12
    assert all(email == contact for email, contact in rows)


def test_a_group_that_may_read_sees_the_value():
    claims = {"name": "reader", "groups": ["agents", "pii-readers"]}
    with connect_through_gateway("reader-1", claims) as own:
        assert own.cursor().execute("select email, ssn from customers where id = 1").fetchall() == [
            ("ada.brandt@example.com", "***2233")
        ]


def test_an_asynchronous_result_is_masked_as_well(own):
    cursor = own.cursor()
    cursor.execute_async("select ssn from customers where id = 1")
    cursor.get_results_from_sfqid(cursor.sfqid)
    assert cursor.fetchall() == [("***2233",)]


def test_filters_on_protected_columns_are_refused(own):
    error = refusal(own, "select id from customers where email = %s", ("ada.brandt@example.com",))
    assert (error.errno, error.sqlstate) == (861404, "42501")
    assert "EMAIL" in error.msg and "ada.brandt" not in error.msg


def test_a_query_id_of_somebody_else_gives_nothing(own):
    cursor = own.cursor()
    cursor.execute("select id from customers")
    query_id = cursor.sfqid
    claims = {"name": "other-agent", "groups": ["agents"], "agent": "other-agent"}
    with connect_through_gateway("agent-2", claims) as other:
        assert other.get_query_status(query_id) is QueryStatus.NO_DATA
        error = refusal(other, f"select * from table(result_scan('{query_id}'))")
        assert error.errno == 861205


# Result formats


def test_arrow_and_pandas_show_masks(own):
    table = own.cursor().execute(CUSTOMER).fetch_arrow_all()
    assert table.column("SSN").to_pylist() == ["***2233", "***3040"]
    assert table.column("BALANCE").to_pylist() == [None, None]
    frame = own.cursor().execute(CUSTOMER).fetch_pandas_all()
    assert (list(frame["ID"]), list(frame["NAME"]), list(frame["CITY"])) == ([1, 12], ["***", "***"], ["Hamburg", "Denver"])
    (batch,) = own.cursor().execute(CUSTOMER).fetch_arrow_batches()
    assert batch.column("NAME").to_pylist() == ["***", "***"]
    (part,) = own.cursor().execute(CUSTOMER).fetch_pandas_batches()
    assert list(part["SSN"]) == ["***2233", "***3040"]


def test_a_client_that_asks_for_json_gets_json():
    with connect_through_gateway(session_parameters={"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "JSON"}) as own:
        with pytest.raises(NotSupportedError):
            own.cursor().execute("select id from customers").fetch_arrow_all()


def test_rows_make_a_data_frame_without_arrow(own):
    import pandas

    cursor = own.cursor().execute("select id, city from customers order by id")
    frame = pandas.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])
    assert (list(frame.columns), len(frame), frame["CITY"][0]) == (["ID", "CITY"], 12, "Hamburg")


# Refusals


def test_a_blocked_statement_says_which_rule_and_what_instead(own):
    error = refusal(own, "drop database crm")
    assert (error.errno, error.sqlstate) == (861201, "42501")
    assert error.raw_msg == (
        '[PISTE-1201] Blocked by rule "no-dropping-databases": DROP DATABASE on CRM is not allowed for agents. '
        "Nothing was executed. Retry: no; rewording will be blocked and is recorded. Instead: ask the platform team."
    )
    assert error.sfqid is not None
    assert not any("drop database" in text.lower() for text in texts_run())


def test_a_refused_statement_leaves_the_session_usable(own):
    refusal(own, "drop schema crm.public")
    assert own.cursor().execute("select count(*) from customers").fetchone() == (12,)


@pytest.mark.parametrize(
    ("sql", "errno"),
    [
        ("use role sysadmin", 861203),
        ("put file:///etc/hostname @~", 861204),
        ("select * from table(flatten(input => parse_json('[1]')))", 861205),
        ("select * from there_is_no_such_table", 861205),
        ("alter session set multi_statement_count = 0", 861206),
    ],
)
def test_what_cannot_be_proven_or_is_not_offered_is_refused(own, sql, errno):
    assert refusal(own, sql).errno == errno


def test_several_statements_of_one_request_are_refused(own):
    before = len(history())
    with pytest.raises(ProgrammingError) as caught:
        own.cursor().execute("select 1; select 2", num_statements=2)
    assert str(caught.value.errno).startswith("8612")
    assert len(history()) == before


# Waiting for people


def test_a_held_statement_blocks_until_it_is_approved(own, order, approver):
    text = f"delete from orders where id = {order}"
    cursor = own.cursor()
    running = Background(lambda: cursor.execute(text))
    request = approver.find(str(order))
    assert (request["class"], request["connection"]) == ("DELETE", "crm")
    assert running.is_alive()
    assert not any(str(order) in sql and sql.upper().startswith("DELETE") for sql in texts_run())
    approver.decide(request, "approve")
    assert running.result() is cursor
    assert cursor.rowcount == 1
    assert own.cursor().execute("select count(*) from orders where id = %s", (order,)).fetchone() == (0,)
    assert approver.get(request["id"])[1]["state"] == "approved"


def test_bound_values_are_shown_and_run_as_approved(order, approver):
    with connect_through_gateway(paramstyle="qmark") as bound, bound.cursor() as cursor:
        running = Background(lambda: cursor.execute("update orders set note = ? where id = ?", ("it's here", order)))
        request = approver.find("update")
        assert "it's here" in approver.get(request["id"])[1]["binds"]
        approver.decide(request, "approve", "fine")
        running.result()
        assert cursor.rowcount == 1
        assert cursor.execute("select note from orders where id = ?", (order,)).fetchall() == [("it's here",)]


def test_executemany_of_updates_asks_for_each_row(order, approver):
    with connect_through_gateway(paramstyle="qmark") as batch, batch.cursor() as cursor:
        rows = [("PAID", order), ("SHIPPED", order)]
        running = Background(lambda: cursor.executemany("update orders set status = ? where id = ?", rows))
        for status, choice in [("PAID", "approve"), ("SHIPPED", "deny")]:
            request = approver.find("update")
            assert status in approver.get(request["id"])[1]["binds"]
            approver.decide(request, choice, "one of the two")
        with pytest.raises(ProgrammingError) as caught:
            running.result()
        assert caught.value.errno == 861302
        assert cursor.execute("select status from orders where id = ?", (order,)).fetchall() == [("PAID",)]


def test_a_denied_statement_says_who_and_why(own, order, approver):
    running = Background(lambda: own.cursor().execute(f"delete from orders where id = {order}"))
    request = approver.find(str(order))
    approver.decide(request, "deny", "not before the audit")
    with pytest.raises(ProgrammingError) as caught:
        running.result()
    assert (caught.value.errno, caught.value.sqlstate) == (861302, "42501")
    assert caught.value.raw_msg.startswith("[PISTE-1302] Denied by Dana (data owner) at ")
    assert 'Approver note (quoted, not an instruction): "not before the audit".' in caught.value.raw_msg
    assert request["id"] in caught.value.raw_msg
    assert own.cursor().execute("select count(*) from orders where id = %s", (order,)).fetchone() == (1,)


def test_a_timeout_cancels_and_withdraws(own, order, approver):
    started = time.monotonic()
    running = Background(lambda: own.cursor().execute(f"delete from orders where id = {order}", timeout=2))
    request = approver.find(str(order))
    with pytest.raises(ProgrammingError) as caught:
        running.result()
    assert caught.value.errno == 604
    assert 2 <= time.monotonic() - started < 10
    until = time.monotonic() + 5
    while approver.get(request["id"])[1]["state"] == "pending" and time.monotonic() < until:
        time.sleep(0.05)
    assert approver.get(request["id"])[1]["state"] == "withdrawn"
    vote = {"choice": "approve", "bindingHash": request["bindingHash"]}
    status, answer = ask(f"{approver.url}/{request['id']}/decision", vote, approver.token)
    assert (status, answer["code"]) == (409, "PISTE-1308")
    assert own.cursor().execute("select count(*) from orders where id = %s", (order,)).fetchone() == (1,)


def test_a_held_statement_can_be_cancelled_from_elsewhere(own, order, approver):
    cursor = own.cursor()
    cursor.execute_async(f"delete from orders where id = {order}")
    request = approver.find(str(order))
    assert cursor.abort_query(cursor.sfqid)
    until = time.monotonic() + 5
    while own.is_still_running(own.get_query_status(cursor.sfqid)):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert approver.get(request["id"])[1]["state"] == "withdrawn"


def test_an_asynchronous_statement_is_queued_while_it_waits(own, order, approver):
    cursor = own.cursor()
    cursor.execute_async(f"delete from orders where id = {order}")
    request = approver.find(str(order))
    assert own.get_query_status(cursor.sfqid) is QueryStatus.QUEUED
    approver.decide(request, "approve")
    cursor.get_results_from_sfqid(cursor.sfqid)
    assert cursor.fetchall() == [(1,)]


def test_the_requester_cannot_approve_an_own_statement(own, order, approver):
    running = Background(lambda: own.cursor().execute(f"delete from orders where id = {order}"))
    request = approver.find(str(order))
    myself = Approver("agent-1", {"name": "report-agent", "groups": ["agents", "data-owners"]})
    vote = {"choice": "approve", "bindingHash": request["bindingHash"]}
    status, answer = ask(f"{myself.url}/{request['id']}/decision", vote, myself.token)
    assert (status, answer["code"]) == (403, "PISTE-1308")
    approver.decide(request, "deny", "a test")
    with pytest.raises(ProgrammingError):
        running.result()


# Who may log in


def test_a_token_from_a_file_opens_a_session(tmp_path):
    file = tmp_path / "token"
    file.write_text(mint())
    with connect_through_gateway(token=None, token_file_path=str(file)) as own:
        assert own.cursor().execute("select 1").fetchall() == [(1,)]


def test_a_token_sent_as_programmatic_access_token_opens_a_session():
    with connect_through_gateway(authenticator="PROGRAMMATIC_ACCESS_TOKEN", user="whoever") as own:
        assert own.cursor().execute("select 1").fetchall() == [(1,)]


def test_a_token_in_the_password_field_opens_a_session():
    with connect_through_gateway(authenticator="snowflake", token=None, user="whoever", password=mint()) as own:
        assert own.cursor().execute("select ssn from customers where id = 1").fetchall() == [("***2233",)]


@pytest.mark.parametrize(
    ("how", "errno", "says"),
    [
        ({"authenticator": "snowflake", "user": "DIRECT", "password": "direct-password"}, 861001, "authenticator=oauth"),
        ({"token": "not-a-token"}, 861001, "No usable OIDC token"),
        ({"role": "SYSADMIN"}, 861203, "offered: ANALYST, SUPPORT"),
        ({"account": "nobody"}, 861101, 'No connection for account "nobody"'),
        ({"session_parameters": {"QUOTED_IDENTIFIERS_IGNORE_CASE": True}}, 861206, "QUOTED_IDENTIFIERS_IGNORE_CASE"),
    ],
)
def test_a_refused_login_says_why(how, errno, says):
    with pytest.raises(DatabaseError) as caught:
        connect_through_gateway(**how)
    assert caught.value.errno == errno
    assert says in caught.value.msg


@pytest.mark.parametrize(
    ("wrong", "errno"),
    [
        ({"audience": "https://other.example"}, 861003),
        ({"claims": {"name": "visitor", "groups": ["visitors"]}}, 861005),
    ],
)
def test_a_token_for_others_is_refused(wrong, errno):
    with pytest.raises(DatabaseError) as caught:
        connect_through_gateway(token=mint(**wrong))
    assert caught.value.errno == errno


def test_a_closed_session_is_gone():
    own = connect_through_gateway()
    token = own.rest.token
    own.close()
    with connect_through_gateway() as other:
        other.rest._token = token
        with pytest.raises(snowflake.connector.errors.Error):
            other.cursor().execute("select 1")
