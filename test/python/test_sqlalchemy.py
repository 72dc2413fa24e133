"""SQLAlchemy with its Snowflake dialect through the gateway."""

import os

import pandas
import pytest
import sqlalchemy
from conftest import Background, mint, where
from snowflake.sqlalchemy import URL

ORDERS = sqlalchemy.table("orders", *(sqlalchemy.column(name) for name in ("id", "amount", "status")))


@pytest.fixture(scope="module")
def engine():
    url = URL(account="acme", database="CRM", schema="PUBLIC", warehouse="AGENT_WH", role="ANALYST")
    carrier = {"authenticator": "oauth", "token": mint(), **where(os.environ["GATEWAY_URL"])}
    made = sqlalchemy.create_engine(url, connect_args=carrier)
    yield made
    made.dispose()


@pytest.fixture
def own(engine):
    with engine.connect() as opened:
        yield opened
        opened.rollback()


def test_protected_columns_arrive_masked(own):
    query = sqlalchemy.text("select id, name, ssn from customers where id = :id")
    assert own.execute(query, {"id": 1}).fetchall() == [(1, "***", "***2233")]


def test_composed_statements_run(own):
    query = sqlalchemy.select(ORDERS.c.status, sqlalchemy.func.count()).where(ORDERS.c.id < 2000)
    counted = own.execute(query.group_by(ORDERS.c.status).order_by(ORDERS.c.status)).fetchall()
    assert counted == [("OPEN", 10), ("PAID", 10), ("RETURNED", 10), ("SHIPPED", 10)]


def test_a_batch_is_inserted_and_rolled_back(own):
    rows = [{"id": 9101, "amount": 1.5, "status": "A"}, {"id": 9102, "amount": 2.5, "status": "B"}]
    assert own.execute(sqlalchemy.insert(ORDERS), rows).rowcount == 2
    query = sqlalchemy.select(ORDERS.c.id).where(ORDERS.c.id.in_([9101, 9102]))
    assert len(own.execute(query).fetchall()) == 2
    own.rollback()
    assert own.execute(query).fetchall() == []


def test_a_blocked_statement_says_why(own):
    with pytest.raises(sqlalchemy.exc.ProgrammingError) as caught:
        own.execute(sqlalchemy.text("drop database crm"))
    assert caught.value.orig.errno == 861201
    assert 'Blocked by rule "no-dropping-databases"' in str(caught.value)


def test_a_held_statement_waits_for_its_approval(own, approver):
    own.execute(sqlalchemy.insert(ORDERS), [{"id": 9201, "amount": 1, "status": "OPEN"}])
    running = Background(lambda: own.execute(sqlalchemy.update(ORDERS).where(ORDERS.c.id == 9201).values(status="PAID")))
    approver.decide(approver.find("update"), "approve")
    assert running.result().rowcount == 1


def test_the_inspector_lists_tables_and_columns(own):
    inspector = sqlalchemy.inspect(own)
    assert {"big", "customers", "orders"} <= set(inspector.get_table_names())
    assert inspector.has_table("orders") and not inspector.has_table("there_is_none")
    assert [column["name"] for column in inspector.get_columns("customers")][:4] == ["id", "name", "email", "ssn"]
    assert {"hr", "public"} <= set(inspector.get_schema_names())


def test_listing_views_needs_a_rule(own):
    with pytest.raises(sqlalchemy.exc.ProgrammingError) as caught:
        sqlalchemy.inspect(own).get_view_names()
    assert caught.value.orig.errno == 861201
    assert "no rule admits SHOW VIEWS" in str(caught.value)


def test_pandas_reads_a_query(engine):
    frame = pandas.read_sql("select id, city from customers order by id limit 2", engine)
    assert frame.to_dict("list") == {"id": [1, 2], "city": ["Hamburg", "Zurich"]}
