"""Runs the lines that the dashboard offers for DuckDB and pandas, in a folder with the downloaded files, and says what
they read.

`snippets.json` in the folder has a list of {"title", "format", "ids", "parts": [{"label", "code"}]}; `ids` is where a row's
own id stands, as a list of names from the outside in. The answer, on standard output, is a list of sorted lists of ids.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas


def main():
    snippets = json.loads(Path("snippets.json").read_text(encoding="utf-8"))
    print(json.dumps([sorted(ids(snippet)) for snippet in snippets]))


def ids(snippet):
    """Runs a snippet as somebody would who pastes its parts one after the other."""
    connection = duckdb.connect()
    scope = {"print": lambda *_: None}
    table = None
    for part in snippet["parts"]:
        label, code = part["label"], part["code"]
        if label.startswith("Shell"):
            subprocess.run(["bash", "-euc", code], check=True)
        elif label.startswith("SQL"):
            connection.execute(code)
            table = re.search(r"TABLE (\w+) AS", code)[1]
        elif label.startswith("Python"):
            exec(code, scope)
        else:
            raise ValueError(label)
    if table is not None:
        frame = connection.execute(f"FROM {table}").df()
    elif snippet["title"] == "DuckDB":
        table = re.search(r"TABLE (\w+) AS", snippet["parts"][-1]["code"])[1]
        frame = duckdb.sql(f"FROM {table}").df()
    else:
        frame = scope["frame"]
    assert isinstance(frame, pandas.DataFrame)
    return [value_of(row, snippet["ids"]) for row in frame.to_dict("records")]


def value_of(row, path):
    """A value, whether its containers are columns, structs, maps or JSON text."""
    joined = ".".join(path)
    if joined in row:
        return str(row[joined])
    value = row
    for name in path:
        if isinstance(value, str):
            value = json.loads(value)
        if isinstance(value, dict) and set(value) == {"key", "value"}:
            value = dict(zip(value["key"], value["value"]))
        if isinstance(value, list):
            value = dict(value)
        value = value[name]
    if isinstance(value, dict):  # A property of Parquet is a union: one member has the value.
        value = next(member for member in value.values() if member is not None)
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
