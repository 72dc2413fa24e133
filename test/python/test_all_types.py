"""Every type of a result through the gateway: columns without a mask as a direct connection gives them, secrets masked.

PREDICATES says where the policy puts the masks: `Mask` into the statement, `Allow` into the result alone.
"""

import datetime
import decimal
import math
import os
import re
import struct

import pytest
from conftest import connect_directly, connect_through_gateway, mint, open_connection, where, CONTEXT
from tap import Tap

SOURCE = os.environ["PREDICATES"] == "Mask"
TABLES = ["all_types", "all_types_large"]
FIXED_ZONE = datetime.timezone(datetime.timedelta(hours=2))
EXACT = decimal.Context(prec=60)


def bucket(size):
    def mask(value):
        if isinstance(value, decimal.Decimal):
            return EXACT.multiply(EXACT.divide(value, size).to_integral_value(decimal.ROUND_FLOOR), size)
        return math.floor(value / size) * size

    return mask


def always(value):
    return lambda _: value


def monday(moment):
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - datetime.timedelta(days=day.weekday())


HASHED = re.compile(r"pst_[0-9a-f]{32}")

#: What a value becomes. Hashes and tokens are keyed; their form is looked at instead.
MASKS = {
    "S_INT8": bucket(10),
    "S_INT16": bucket(100),
    "S_INT32": always(7),
    "S_INT64": always(None),
    "S_DECIMAL": always(None),
    "S_MONEY": bucket(50),
    "S_FINE": bucket(1000),
    "S_REAL": bucket(5),
    "S_TEXT": always("***"),
    "S_NULLED": always(None),
    "S_PARTIAL": lambda value: f"•••{value[-2:]}",
    "S_FIXED_TEXT": always("hidden é"),
    "S_BOOL": always(False),
    "S_DATE": lambda value: value.replace(day=1),
    "S_TIME": lambda value: value.replace(minute=0, second=0, microsecond=0),
    "S_NTZ": lambda value: value.replace(hour=0, minute=0, second=0, microsecond=0),
    "S_NTZ_MILLIS": monday,
    "S_LTZ": lambda value: value.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0),
    "S_TZ": always(datetime.datetime(2000, 1, 1, tzinfo=FIXED_ZONE)),
    "S_BINARY": always(None),
    "S_VARIANT": always(None),
    "S_OBJECT": always(None),
    "S_ARRAY": always(None),
    "S_PLACE": always(None),
}
#: Masks in a statement that put one value in place of all put it in place of NULL, too.
OVER_NULL = {"S_INT32", "S_TEXT", "S_FIXED_TEXT", "S_BOOL", "S_TZ"} if SOURCE else set()


def check(name, masked, original):
    """The masked column against the original one, value for value."""
    assert len(masked) == len(original)
    if name.startswith("P_") or name == "ID":
        assert list(map(comparable, masked)) == list(map(comparable, original)), name
    elif name == "S_HASHED":
        assert all(is_null(m) if is_null(o) else HASHED.fullmatch(m) for m, o in zip(masked, original, strict=True))
        distinct = {o for o in original if not is_null(o)}
        assert len({m for m in masked if not is_null(m)}) == len(distinct) == 3
    elif name == "S_TOKEN":
        for m, o in zip(masked, original, strict=True):
            assert is_null(m) if is_null(o) else (m != o and re.fullmatch(r"\d{4}(-\d{4}){3}", m)), (m, o)
        assert len({m for m in masked if not is_null(m)}) == 3
    else:
        mask = MASKS[name]
        expected = [
            (mask(o) if name in OVER_NULL else None) if is_null(o) else mask(o) for o in original
        ]
        assert list(map(comparable, masked)) == list(map(comparable, expected)), name


def is_null(value):
    import pandas

    return value is None or value is pandas.NaT or (isinstance(value, float) and math.isnan(value))


def comparable(value):
    if is_null(value):
        return None
    return bytes(value) if isinstance(value, bytearray) else value


@pytest.fixture(scope="module")
def direct():
    with connect_directly() as opened:
        yield opened


@pytest.fixture(scope="module", params=["ARROW", "JSON"])
def form(request):
    return {"session_parameters": {"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": request.param}}


@pytest.fixture(scope="module")
def own(form):
    with connect_through_gateway(**form) as opened:
        yield opened


@pytest.fixture(scope="module")
def direct_alike(form):
    """Without the gateway, in the format of `own`."""
    with connect_directly(**form) as opened:
        yield opened


@pytest.fixture(scope="module")
def arrow():
    """As the driver comes, without any setting: Arrow."""
    with connect_through_gateway() as opened:
        yield opened


@pytest.fixture(params=TABLES)
def table(request):
    return request.param


def test_rows(own, direct_alike, table):
    cursor = own.cursor().execute(f"select * from {table} order by id")
    assert (len(cursor.get_result_batches()) >= 3) == (table == "all_types_large")
    rows = cursor.fetchall()
    original = direct_alike.cursor().execute(f"select * from {table} order by id").fetchall()
    assert cursor.rowcount == len(rows) == len(original)
    for index, column in enumerate(cursor.description):
        masked = [row[index] for row in rows]
        before = [row[index] for row in original]
        check(column.name, masked, before)
        if column.name.startswith("P_"):
            assert [type(value) for value in masked] == [type(value) for value in before], column.name


def test_arrow_table(arrow, direct, table):
    cursor = arrow.cursor().execute(f"select * from {table} order by id")
    masked = cursor.fetch_arrow_all()
    original = direct.cursor().execute(f"select * from {table} order by id").fetch_arrow_all()
    masked.validate(full=True)
    assert masked.num_rows == original.num_rows == cursor.rowcount
    assert masked.column_names == original.column_names
    for name in masked.column_names:
        if name.startswith("P_"):
            assert masked.schema.field(name).equals(original.schema.field(name), check_metadata=True), name
            assert masked.column(name).equals(original.column(name)), name
        else:
            check(name, masked.column(name).to_pylist(), original.column(name).to_pylist())


def test_arrow_batches(arrow, table):
    query = f"select * from {table} order by id"
    batches = list(arrow.cursor().execute(query).fetch_arrow_batches())
    whole = arrow.cursor().execute(query).fetch_arrow_all()
    assert (len(batches) > 1) == (table == "all_types_large")
    assert sum(batch.num_rows for batch in batches) == whole.num_rows
    ids = [value for batch in batches for value in batch.column("ID").to_pylist()]
    assert ids == whole.column("ID").to_pylist() == list(range(ids[0], ids[0] + whole.num_rows))


def test_data_frame(arrow, direct, table):
    masked = arrow.cursor().execute(f"select * from {table} order by id").fetch_pandas_all()
    original = direct.cursor().execute(f"select * from {table} order by id").fetch_pandas_all()
    assert list(masked.columns) == list(original.columns)
    for name in masked.columns:
        if name.startswith("P_"):
            assert masked[name].dtype == original[name].dtype, name
            assert masked[name].equals(original[name]), name
        else:
            check(name, masked[name].tolist(), original[name].tolist())


def test_data_frames_per_batch(arrow):
    frames = list(arrow.cursor().execute("select * from all_types_large order by id").fetch_pandas_batches())
    assert len(frames) > 1 and sum(map(len, frames)) == 600
    assert {value for frame in frames for value in frame["S_TEXT"] if value is not None} == {"***"}


def test_no_rows_still_have_columns(own, direct, table):
    query = f"select * from {table} where id < 0"
    cursor = own.cursor().execute(query)
    names = [column.name for column in direct.cursor().execute(query).description]
    assert cursor.fetchall() == []
    assert (cursor.rowcount, [column.name for column in cursor.description]) == (0, names)


def test_no_rows_make_an_empty_table_and_frame(arrow):
    query = "select * from all_types where id < 0"
    cursor = arrow.cursor().execute(query)
    assert cursor.fetch_arrow_all() is None
    made = arrow.cursor().execute(query).fetch_arrow_all(force_return_table=True)
    assert (made.num_rows, made.num_columns) == (0, len(cursor.description))
    frame = arrow.cursor().execute(query).fetch_pandas_all()
    assert (len(frame), list(frame.columns)) == (0, [column.name for column in cursor.description])


# What goes over the wire


def le(value, size):
    return int(value).to_bytes(size, "little", signed=True)


def needles(direct, form):
    """Bytes by which secrets would be recognised; short numbers stand in any stream by chance."""
    cursor = direct.cursor().execute("select * from all_types order by id")
    rows = cursor.fetchall()
    columns = {column.name: [row[index] for row in rows] for index, column in enumerate(cursor.description)}
    epoch = datetime.datetime(1970, 1, 1)

    def micros(moment):
        naive = moment if moment.tzinfo is None else moment.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return (naive - epoch) // datetime.timedelta(microseconds=1)

    binary = {
        "S_INT32": lambda v: le(v, 4),
        "S_INT64": lambda v: le(v, 8),
        "S_DECIMAL": lambda v: le(v, 16),
        "S_MONEY": lambda v: le(v.scaleb(2), 8),
        "S_FINE": lambda v: le(EXACT.scaleb(v, 10), 16),
        "S_REAL": lambda v: struct.pack("<d", v),
        "S_DATE": lambda v: le((v - datetime.date(1970, 1, 1)).days, 4),
        "S_TIME": lambda v: le(((v.hour * 60 + v.minute) * 60 + v.second) * 10**9 + v.microsecond * 1000, 8),
        "S_NTZ": lambda v: le(micros(v) // 10**6, 8),
        "S_NTZ_MILLIS": lambda v: le(micros(v) // 1000, 8),
        "S_LTZ": lambda v: le(micros(v) // 10**6, 8),
        "S_TZ": lambda v: le(micros(v) // 10**6, 8),
        "S_BINARY": bytes,
    }
    as_text = {
        **{name: lambda v: str(v).encode() for name in ["S_INT32", "S_INT64", "S_DECIMAL", "S_MONEY", "S_FINE", "S_REAL"]},
        **{name: lambda v: str(micros(v) // 10**6 if micros(v) >= 0 else -(-micros(v) // 10**6)).encode() for name in ["S_NTZ", "S_LTZ", "S_TZ"]},
        "S_BINARY": lambda v: bytes(v).hex().upper().encode(),
    }
    found = {("S_TOKEN", value.encode()) for value in columns["S_TOKEN"] if value is not None}
    for name, encode in (binary if form == "ARROW" else as_text).items():
        found |= {(name, encode(value)) for value in columns[name] if value is not None}
    found |= {(name, f"geheim-{name[2:]}".encode()) for name in ("S_VARIANT", "S_OBJECT", "S_ARRAY", "S_PLACE")}
    texts = ("S_TEXT", "S_NULLED", "S_PARTIAL", "S_HASHED", "S_FIXED_TEXT")
    return found | {(name, value.encode()) for name in texts for value in columns[name] if value}


@pytest.mark.parametrize("form", ["ARROW", "JSON"])
def test_no_secret_goes_over_the_wire(direct, form):
    wanted = needles(direct, form)
    assert len(wanted) > 40
    options = {"session_parameters": {"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": form}}
    tap = Tap(os.environ["GATEWAY_URL"])
    with open_connection({**where(tap.url), **CONTEXT, "authenticator": "oauth", "token": mint(), **options}) as own:
        for table in TABLES:
            assert own.cursor().execute(f"select * from {table}").fetchall()
    tap.close()
    received = tap.received()
    assert len(received) > 300_000
    assert [name for name, needle in wanted if needle in received] == []
    assert b"geheim" not in received


@pytest.mark.parametrize("form", ["ARROW", "JSON"])
def test_the_tap_would_see_every_secret(direct, form):
    tap = Tap(os.environ["STAND_IN_URL"])
    options = {"session_parameters": {"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": form}}
    with connect_directly(**where(tap.url), **options) as opened:
        assert opened.cursor().execute("select * from all_types").fetchall()
    tap.close()
    received = tap.received()
    assert [(name, needle) for name, needle in needles(direct, form) if needle not in received] == []
