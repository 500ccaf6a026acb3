"""Times whole commands: see `whole`."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time
from urllib.parse import unquote

import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
DEMO_ROUNDS = 5
ACCOUNT = 100_000_000
# As many folders as a month of all shards and twenty events has; each holds an equal part of the files.
DAYS, SHARDS, EVENTS = 30, 24, 20


def timed(command):
    """Seconds on the clock, and peak memory in MiB; ends everything where the command fails."""
    begun = time.monotonic()
    child = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit {child.returncode}\n{said}")
    return time.monotonic() - begun, usage.ru_maxrss / 1024


def demo(spillway, work):
    rounds, homes = [], fresh(work / "homes-demo")
    homes.mkdir()
    for number in range(DEMO_ROUNDS):
        # All of them are deleted at the end: where thousands of files have just been, ext4 is slow to make new ones.
        rounds.append(timed([spillway, "--home", homes / str(number), "demo"])[0])
    shutil.rmtree(homes)
    return {"secs": statistics.median(rounds), "least": min(rounds), "most": max(rounds)}


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def make_lines(work, events):
    """The bench's lake as JSON lines of the upload API, sorted as nothing is: its folders one behind the other."""
    lines, lake = work / f"events-{events}.jsonl", work / f"lake-{events}"
    if lines.exists():
        return lines
    subprocess.run([sys.executable, HERE / "make_lake.py", "--out", lake, "--events", str(events)], check=True)
    draft = lines.with_suffix(".draft")
    with open(draft, "w", encoding="utf-8") as out:
        for file in sorted(lake.rglob("*.parquet")):
            name = unquote(next(part[6:] for part in file.parts if part.startswith("event=")))
            table = pq.read_table(file, columns=["ts", "object_id", "identity", "email", "platform", "event_props"],
                                  partitioning=None)
            for row in table.to_pylist():
                props, row["ts"] = row.pop("event_props"), int(row["ts"].timestamp())
                row = {key: value for key, value in row.items() if value is not None}
                head = json.dumps({"type": "event", "evtName": name, "objectId": row.pop("object_id"), **row},
                                  ensure_ascii=False)
                out.write(f'{head[:-1]},"evtData":{props}}}\n')
    draft.rename(lines)
    return lines


def ingest(spillway, work, events):
    lines = make_lines(work, events)
    home = fresh(work / "home-ingest")
    secs, peak_mib = timed([spillway, "--home", home, "ingest", "--account", ACCOUNT, "--shards", 3, lines])
    shutil.rmtree(home)
    return {"mb": lines.stat().st_size / 1e6, "secs": secs, "peak_mib": peak_mib}


def make_files(work, files):
    """A lake whose files are all the same one, so that a million of them take no room but their names."""
    lake = work / f"files-{files}"
    if (lake / "made").exists():
        return lake
    shutil.rmtree(lake, ignore_errors=True)
    sample = next((work / "lake-of-one").rglob("*.parquet"), None)
    if sample is None:
        subprocess.run([sys.executable, HERE / "make_lake.py", "--out", work / "lake-of-one", "--events", "2000",
                        "--days", "1"], check=True)
        sample = next((work / "lake-of-one").rglob("*.parquet"))
    made, folders = 0, DAYS * SHARDS * EVENTS
    for folder in range(folders):
        day, rest = divmod(folder, SHARDS * EVENTS)
        shard, event = divmod(rest, EVENTS)
        date = f"2024-05-{day + 1:02}"
        place = lake / f"account={ACCOUNT}/events/captured={date}-23/db={shard}/event=Event%20{event}/date={date}"
        place.mkdir(parents=True)
        links, source = (folder + 1) * files // folders - made, sample
        for number in range(links):
            target = place / f"{number:08}.parquet"
            # A file has so many names at most, so each folder has a copy of its own.
            if number == 0:
                shutil.copyfile(sample, target)
                source = target
            else:
                os.link(source, target)
        made += links
    (lake / "made").touch()
    return lake


def planning(spillway, work, files):
    lake, home = make_files(work, files), fresh(work / "home-planning")
    # An account comes with its first events.
    line = work / "one.jsonl"
    line.write_text('{"type":"event","identity":"1","ts":1714500000,"evtName":"Event 0","evtData":{}}\n')
    timed([spillway, "--home", home, "ingest", "--account", ACCOUNT, line])
    secs, peak_mib = timed([spillway, "--home", home, "export", "--account", ACCOUNT, "--lake", lake, "--bucket", "bench",
                            "--create-bucket", "--data", "all-events", "--format", "json", "--from", "2024-05-01", "--to",
                            "2024-05-30", "--dry-run"])
    return {"files": files, "secs": secs, "peak_mib": peak_mib}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--spillway", type=pathlib.Path, required=True)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    spillway, work = arguments.spillway, arguments.work
    found = {}
    for name, measure in [("demo", lambda: demo(spillway, work)), ("ingest", lambda: ingest(spillway, work, arguments.events)),
                          ("planning", lambda: planning(spillway, work, arguments.files))]:
        found[name] = measure()
        print(f"{name}: {found[name]}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(found, indent=1))
        return
    one, taken, planned = found["demo"], found["ingest"], found["planning"]
    print("| | | target |\n|---|--:|--:|")
    print(f"| demo, cold start to end | {one['secs']:.2f} s ({one['least']:.2f}–{one['most']:.2f}) | 3 s |")
    print(f"| ingest | {taken['mb'] / taken['secs']:.0f} MB/s, {taken['peak_mib']:.0f} MiB | 300 MB/s |")
    print(f"| planning {planned['files']:,} files | {planned['secs']:.1f} s, {planned['peak_mib']:.0f} MiB | 10 s, 500 MiB |")


if __name__ == "__main__":
    main()
