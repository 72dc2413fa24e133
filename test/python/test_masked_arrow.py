"""Arrow streams the gateway masked, read by the library most clients use. ARROW_DIRECTORY holds them."""

import glob
import json
import os

import pyarrow.ipc


def test_masked_streams_are_valid_and_masked():
    paths = glob.glob(os.path.join(os.environ["ARROW_DIRECTORY"], "*.out"))
    assert len(paths) > 100
    for path in paths:
        base = path.removesuffix(".out")
        with open(f"{base}.json", encoding="utf-8") as file:
            expected = json.load(file)
        before = pyarrow.ipc.open_stream(f"{base}.in").read_all()
        after = pyarrow.ipc.open_stream(path).read_all()
        after.validate(full=True)
        assert after.schema.equals(before.schema, check_metadata=True)
        assert after.num_rows == len(expected["rows"])
        for index, kind in enumerate(expected["types"]):
            cells = [row[index] for row in expected["rows"]]
            if index not in expected["masked"]:
                # NaN is not equal to itself.
                assert kind == "real" or after.column(index).equals(before.column(index))
            elif kind == "text":
                assert after.column(index).to_pylist() == cells
            elif kind != "fixed":
                # A number may become NULL where its bucket does not fit the column's width.
                assert after.column(index).is_null().to_pylist() == [cell is None for cell in cells]
