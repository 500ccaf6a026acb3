"""Reads files of ours with readers that are not, and compares every cell with what FORMATS makes of the rows.

    check_files.py FOLDER    where FOLDER holds expected.json, the rows of the lake it names, and the files

Exits with 1 and the differences if there are any.
"""

import argparse
import json
import pathlib
import sys
import time

from formats import Dataset
from read_parquet import check_parquet
from read_text import check_csv, check_json, check_xml
from stored import Report, raw_bytes

CHECKS = {"json": check_json, "csv": check_csv, "xml": check_xml, "parquet": check_parquet}
# Differences that are shown of a file.
SHOWN = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="what the Rust test has written")
    folder = parser.parse_args().folder
    # Integers of any length are the point here.
    sys.set_int_max_str_digits(0)

    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    datasets = {}
    for name, facts in expected["datasets"].items():
        lines = (folder / facts["rows"]).read_bytes().split(b"\n")
        datasets[name] = Dataset(facts, [json.loads(line) for line in lines if line])

    report, typed, seconds = Report(), {}, {}
    for file in expected["files"]:
        path, dataset, began = folder / file["path"], datasets[file["dataset"]], time.monotonic()
        with report.of(file["path"]):
            raw = raw_bytes(report, path, file["gzip"])
            same = (file["dataset"], file["format"], file["gzip"])
            if file["format"] in ("csv", "xml") and same in typed:
                # As string changes no byte of them, and the bytes have been read.
                report.equal("the bytes as string and typed", raw == typed[same], True)
            else:
                typed[same] = raw
                CHECKS[file["format"]](report, path, raw, dataset, file)
        seconds[file["format"]] = seconds.get(file["format"], 0) + time.monotonic() - began

    spent = ", ".join(f"{name} {took:.1f} s" for name, took in seconds.items())
    count = sum(len(faults) for faults in report.faults.values())
    print(f"{len(expected['files'])} files, {report.cells} cells compared, {count} differ ({spent})")
    for path, faults in report.faults.items():
        print(path)
        for fault in faults[:SHOWN]:
            print(f"  {fault}")
        if len(faults) > SHOWN:
            print(f"  and {len(faults) - SHOWN} more")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
