"""Lets the encoder and the other programs take turns on the same data, and says how they compare: see `run`."""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

import report
from pairs import FLOORS, OURS, PEERS

HERE = pathlib.Path(__file__).parent
CORE = max(os.sched_getaffinity(0))


def folder_bytes(folder):
    return sum(file.stat().st_size for file in folder.iterdir())


class Bench:
    def __init__(self, arguments):
        self.arguments, self.work = arguments, arguments.work
        self.lake = self.work / f"lake-{arguments.events}"
        self.out = self.work / "out"

    def make_lake(self):
        if not (self.lake / "made").exists():
            shutil.rmtree(self.lake, ignore_errors=True)
            subprocess.run([sys.executable, HERE / "make_lake.py", "--out", self.lake, "--events",
                            str(self.arguments.events)], check=True)
            (self.lake / "made").touch()

    def once(self, command, environment=None, cores=str(CORE)):
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir(parents=True)
        measured = report.measure(["taskset", "-c", cores, *map(str, command)], environment)
        if measured:
            measured["bytes"] = folder_bytes(self.out)
        return measured

    def ours(self, flags):
        cores = "0-1" if "--threads" in flags else str(CORE)
        return self.once([self.arguments.encoder, self.lake, "100000000", *flags, "--out", self.out], cores=cores)

    def peer(self, program, task):
        command = [sys.executable, HERE / "peers.py", program, task, self.lake, self.out]
        return self.once(command, {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"})

    def floor(self, format, flags):
        """Compression alone of what the encoder compresses."""
        raw = self.work / f"raw-{self.arguments.events}-{format}"
        if not raw.exists():
            raw.mkdir()
            subprocess.run([self.arguments.encoder, self.lake, "100000000", format, "--plain", "--out", raw], check=True,
                           stdout=subprocess.DEVNULL)
        return self.once([self.arguments.encoder, "gzip", *flags, *sorted(raw.iterdir())])

    def raw_json_bytes(self):
        """The bytes of all events as JSON, before compression: of the rows, a number to count costs by."""
        self.floor("json", [])
        return folder_bytes(self.work / f"raw-{self.arguments.events}-json")

    def all(self):
        wanted = lambda name: self.arguments.only in name
        turns = [(name, lambda flags=flags: self.ours(flags)) for name, flags in OURS.items() if wanted(name)]
        turns += [(name, lambda pair=pair: self.peer(*pair)) for name, pair in PEERS.items() if wanted(name)]
        turns += [(name, lambda pair=pair: self.floor(*pair)) for name, pair in FLOORS.items() if wanted(name)]
        found = {name: [] for name, _ in turns}
        for round_number in range(self.arguments.rounds):
            for name, turn in turns:
                if not (round_number and name.startswith("python")):
                    measured = turn()
                    if measured:
                        found[name].append(measured)
                        print(f"round {round_number + 1}: {name}: {measured['user']:.2f} s", file=sys.stderr)
            # After every round, so that one that takes too long need not be waited for.
            yield {name: rounds for name, rounds in found.items() if rounds}


    def figures(self, found):
        keys = ("user", "system", "wall", "peak_mib", "bytes")
        middle = {name: {key: statistics.median(one[key] for one in rounds) for key in keys}
                  | {"least": min(one["user"] for one in rounds), "most": max(one["user"] for one in rounds)}
                  for name, rounds in found.items()}
        return {"events": self.arguments.events, "raw_json_bytes": self.raw_json_bytes(),
                "rounds": max(map(len, found.values())), "machine": machine(), "figures": middle,
                "rounds_user": {name: [one["user"] for one in rounds] for name, rounds in found.items()}}


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines() if pathlib.Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return {"cpu": model, "cores": os.cpu_count(), "system": platform.platform()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--encoder", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--events", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", default="")
    parser.add_argument("--plot", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.events = arguments.events or (200_000 if arguments.quick else 2_000_000)
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 5)
    bench = Bench(arguments)
    bench.make_lake()
    for found in bench.all():
        figures = bench.figures(found)
        (bench.work / "figures.json").write_text(json.dumps(figures, indent=1))
    if arguments.json:
        print(json.dumps(figures, indent=1))
    else:
        report.print_table(figures)
    report.plot(figures, arguments.plot or bench.work / "plot.png")


if __name__ == "__main__":
    main()
