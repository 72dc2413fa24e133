"""The `snow` command through the gateway. SNOW is its path."""

import json
import os
import subprocess

import pytest
from conftest import Background, mint, where


@pytest.fixture(scope="module")
def snow(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    token = home / "token"
    token.write_text(mint())
    token.chmod(0o600)
    place = where(os.environ["GATEWAY_URL"])
    options = {
        "host": place["host"],
        "port": str(place["port"]),
        "protocol": place["protocol"],
        "account": "acme",
        "authenticator": "oauth",
        "token-file-path": str(token),
        "database": "CRM",
        "schema": "PUBLIC",
        "warehouse": "AGENT_WH",
        "role": "ANALYST",
    }
    flags = [word for name, value in options.items() for word in (f"--{name}", value)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "COLUMNS": "500"}

    def run(*words):
        command = [os.environ["SNOW"], *words, "--temporary-connection", *flags, "--format", "json"]
        return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=60)

    return run


def rows_of(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_connection_can_be_tested(snow):
    assert rows_of(snow("connection", "test"))["Status"] == "OK"


def test_protected_columns_arrive_masked(snow):
    done = snow("sql", "--query", "select id, name, ssn, city from customers where id = 1")
    assert rows_of(done) == [{"ID": 1, "NAME": "***", "SSN": "***2233", "CITY": "Hamburg"}]


def test_several_statements_are_sent_one_by_one(snow):
    assert rows_of(snow("sql", "--query", "select 1 as a; select 2 as b")) == [[{"A": 1}], [{"B": 2}]]


def test_tables_are_listed(snow):
    listed = {row["name"] for row in rows_of(snow("object", "list", "table"))}
    assert {"BIG", "CUSTOMERS", "ORDERS"} <= listed


def test_a_blocked_statement_says_why(snow):
    done = snow("sql", "--query", "drop database crm")
    assert done.returncode == 1
    assert 'Blocked by rule "no-dropping-databases"' in done.stderr + done.stdout


def test_a_held_statement_waits_for_its_approval(snow, approver):
    rows_of(snow("sql", "--query", "insert into orders (id, status) values (9301, 'OPEN')"))
    running = Background(lambda: snow("sql", "--query", "delete from orders where id = 9301"))
    approver.decide(approver.find("9301", seconds=30), "approve")
    assert rows_of(running.result()) == [{"number of rows deleted": 1}]
