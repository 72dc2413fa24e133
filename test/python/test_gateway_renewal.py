"""The driver's session token runs out while a statement waits; SESSION_TOKEN_SECONDS says how soon."""

import os
import time

from conftest import Background, connect_through_gateway

LIFE = int(os.environ["SESSION_TOKEN_SECONDS"])


def test_the_driver_renews_its_token_between_statements():
    with connect_through_gateway() as own:
        first = own.rest.token
        time.sleep(LIFE + 1)
        assert own.cursor().execute("select count(*) from customers").fetchone() == (12,)
        assert own.rest.token != first


def test_the_driver_renews_its_token_in_the_middle_of_a_poll(approver):
    with connect_through_gateway() as own:
        own.cursor().execute("insert into orders (id, status) values (200000001, 'OPEN')")
        first = own.rest.token
        cursor = own.cursor()
        running = Background(lambda: cursor.execute("delete from orders where id = 200000001"))
        request = approver.find("200000001")
        time.sleep(2 * LIFE)
        assert running.is_alive(), running.error
        approver.decide(request, "approve")
        running.result()
        assert cursor.rowcount == 1
        assert own.rest.token != first


def test_chunks_are_read_after_the_token_ran_out():
    with connect_through_gateway() as own, own.cursor() as cursor:
        cursor.execute("select id, payload from big order by id")
        time.sleep(LIFE + 1)
        assert [row[0] for row in cursor.fetchall()] == list(range(1, 5001))
