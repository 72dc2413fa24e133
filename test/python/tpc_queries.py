"""Prints the queries and tables of TPC-H and TPC-DS as one line of JSON, from DuckDB's extensions; nothing is downloaded."""

import json
from pathlib import Path

import duckdb
import duckdb_extension_tpcds
import duckdb_extension_tpch

GENERATORS = {"tpch": (duckdb_extension_tpch, "dbgen"), "tpcds": (duckdb_extension_tpcds, "dsdgen")}


def benchmark(connection, name):
    package, generator = GENERATORS[name]
    extension = next(Path(package.__file__).parent.glob("extensions/*/*.duckdb_extension"))
    connection.execute(f"LOAD '{extension}'")
    connection.execute(f"CREATE SCHEMA {name}")
    connection.execute(f"CALL {generator}(sf=0, schema='{name}')")
    columns = connection.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = ? ORDER BY table_name, ordinal_position",
        [name],
    ).fetchall()
    tables = {}
    for table, column, data_type in columns:
        tables.setdefault(table, []).append({"name": column, "type": data_type})
    queries = connection.execute(f"SELECT query FROM {name}_queries() ORDER BY query_nr").fetchall()
    return {"queries": [query for (query,) in queries], "tables": tables}


if __name__ == "__main__":
    print(json.dumps({name: benchmark(duckdb.connect(), name) for name in GENERATORS}))
