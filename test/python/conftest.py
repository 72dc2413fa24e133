"""Where the suites connect.

STAND_IN_URL is always there. ROUTE says which way: `direct` to the stand-in with a password, or `gateway` with a token of
the issuer (then GATEWAY_URL, CONSOLE_URL and ISSUER_URL are needed). The same assertions hold on both ways.
"""

import json
import os
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
import snowflake.connector

ROUTE = os.environ["ROUTE"]
AUDIENCE = "https://piste.example"
AGENT_CLAIMS = {
    "name": "report-agent",
    "groups": ["agents"],
    "agent": "report-agent",
    "delegator": "sam.analyst",
    "task": "monthly report",
}
OWNER_CLAIMS = {"name": "Dana (data owner)", "groups": ["data-owners"]}
CONTEXT = {"database": "CRM", "schema": "PUBLIC", "warehouse": "AGENT_WH", "role": "ANALYST"}


def ask(url, body=None, token=None):
    """One JSON exchange: HTTP status and answer."""
    headers = {"content-type": "application/json"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method="GET" if body is None else "POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def mint(subject="agent-1", claims=None, **overrides):
    """A token of the issuer for whoever is wanted."""
    wanted = {"subject": subject, "audience": AUDIENCE, "claims": claims or AGENT_CLAIMS, **overrides}
    status, answer = ask(f"{os.environ['ISSUER_URL']}/control/mint", wanted)
    assert status == 200, answer
    return answer["token"]


def where(url):
    parts = urllib.parse.urlparse(url)
    return {"host": parts.hostname, "port": parts.port, "protocol": parts.scheme, "account": "acme"}


def connect_directly(**more):
    who = {"user": os.environ.get("DIRECT_USER", "DEMO"), "password": os.environ.get("DIRECT_PASSWORD", "demo-password")}
    return open_connection({**where(os.environ["STAND_IN_URL"]), **CONTEXT, **who, **more})


def connect_through_gateway(subject="agent-1", claims=None, **more):
    carrier = {"authenticator": "oauth", "token": mint(subject, claims)}
    return open_connection({**where(os.environ["GATEWAY_URL"]), **CONTEXT, **carrier, **more})


def open_connection(options):
    limits = {"login_timeout": 20, "network_timeout": 120}
    return snowflake.connector.connect(**{**limits, **options})


@pytest.fixture(scope="session")
def connect():
    """Opens a connection on the way under test; every keyword of the driver may be given."""
    return connect_directly if ROUTE == "direct" else connect_through_gateway


@pytest.fixture(scope="module", params=["ARROW", "JSON"])
def connection(request, connect):
    """A connection whose client asked for results in that format."""
    with connect(session_parameters={"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": request.param}) as opened:
        opened.wanted_format = request.param
        yield opened


@pytest.fixture
def cursor(connection):
    with connection.cursor() as opened:
        yield opened


class Approver:
    """Somebody with a token at the admin API."""

    def __init__(self, subject="dana.owner", claims=None):
        self.token = mint(subject, claims or OWNER_CLAIMS)
        self.url = f"{os.environ['CONSOLE_URL']}/api/v1/requests"

    def get(self, request_id):
        return ask(f"{self.url}/{request_id}", token=self.token)

    def find(self, text, seconds=15):
        """The pending request whose statement contains the text, in any case; waits until it is there."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            status, answer = ask(self.url, token=self.token)
            assert status == 200, answer
            for request in answer["requests"]:
                if request["state"] == "pending" and text.lower() in request["canonicalText"].lower():
                    return request
            time.sleep(0.05)
        raise AssertionError(f"no request with {text} came within {seconds} s")

    def decide(self, request, choice, reason=None):
        vote = {"choice": choice, "bindingHash": request["bindingHash"]}
        if reason is not None:
            vote["reason"] = reason
        status, answer = ask(f"{self.url}/{request['id']}/decision", vote, self.token)
        assert status == 200, answer
        return answer


@pytest.fixture
def approver():
    return Approver()


class Background(threading.Thread):
    """Work in another thread; `result()` gives its value or raises what it raised."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work, self.value, self.error = work, None, None
        self.start()

    def run(self):
        try:
            self.value = self.work()
        except BaseException as error:  # noqa: BLE001 - handed to the one who asks for the result
            self.error = error

    def result(self, seconds=30):
        self.join(seconds)
        assert not self.is_alive(), "the work in the background does not end"
        if self.error is not None:
            raise self.error
        return self.value


def history():
    """What the stand-in was asked to run, oldest first."""
    return ask(f"{os.environ['STAND_IN_URL']}/stand-in/history")[1]
