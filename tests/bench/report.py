"""Measures one program, and shows what was found: a table, and a plot."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from pairs import DISTANCES, EXTRAS, TARGETS, TWO_THREADS


def measure(command, environment=None):
    """Seconds of CPU and on the clock, and peak memory, of a program by `wait4`; None where it failed."""
    with tempfile.TemporaryFile("w+") as errors:
        begun = time.monotonic()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env={**os.environ, **(environment or {})})
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            errors.seek(0)
            print(f"{' '.join(command[3:7])}: exit {child.returncode}\n{errors.read()[-1500:]}", file=sys.stderr)
            return None
    return {"user": usage.ru_utime, "system": usage.ru_stime, "peak_mib": usage.ru_maxrss / 1024,
            "wall": time.monotonic() - begun}


def compared(figures):
    """(ours, the other, how many times faster: median, least and most of the rounds, bytes in its bytes, targets)."""
    middle, rounds = figures["figures"], figures["rounds_user"]
    for ours, other, faster, bytes_allowed in TARGETS:
        if ours in middle and other in middle:
            # A program that ran once is held against each round of ours.
            others = rounds[other] if len(rounds[other]) == len(rounds[ours]) else rounds[other][:1] * len(rounds[ours])
            ratios = [theirs / own for own, theirs in zip(rounds[ours], others)]
            size = middle[ours]["bytes"] / middle[other]["bytes"]
            yield ours, other, statistics.median(ratios), min(ratios), max(ratios), size, faster, bytes_allowed


def mark(ok):
    return "yes" if ok else "NO"


def print_table(figures):
    middle, millions = figures["figures"], figures["events"] / 1e6
    print(f"{figures['events']:,} events, {figures['rounds']} rounds, {figures['machine']['cpu']}, one core\n")
    print("| | user CPU s (least–most) | MB out | peak MiB | µs an event |\n|---|--:|--:|--:|--:|")
    for name, one in middle.items():
        print(f"| {name} | {one['user']:.2f} ({one['least']:.2f}–{one['most']:.2f}) | {one['bytes'] / 1e6:.1f} | "
              f"{one['peak_mib']:.0f} | {one['user'] / millions:.2f} |")
    print("\n| ours | the other | times faster (least–most) | target | met | bytes in its bytes | target | met |")
    print("|---|---|--:|--:|---|--:|--:|---|")
    for ours, other, ratio, least, most, size, faster, allowed in compared(figures):
        print(f"| {ours} | {other} | {ratio:.2f} ({least:.2f}–{most:.2f}) | {faster or ''} | {mark(ratio >= faster) if faster else ''} | "
              f"{size:.2f} | {allowed or ''} | {mark(size <= allowed) if allowed else ''} |")
    print("\n| ours | reading + compressing alone s | times that | target | met |\n|---|--:|--:|--:|---|")
    for ours, allowed in DISTANCES:
        alone = f"{ours.split()[0]} gzip alone{' compact' if 'compact' in ours else ''}"
        if ours in middle and alone in middle and "scan" in middle:
            floor = middle["scan"]["user"] + middle[alone]["user"]
            times = middle[ours]["user"] / floor
            print(f"| {ours} | {floor:.2f} | {times:.2f} | {allowed} | {mark(times <= allowed)} |")
    for ours, plain, allowed in EXTRAS:
        if ours in middle and plain in middle:
            times = middle[ours]["user"] / middle[plain]["user"]
            print(f"| {ours} | beside {plain} | {times:.2f} | {allowed} | {mark(times <= allowed)} |")
    if "json two threads" in middle and "json" in middle:
        times = middle["json"]["wall"] / middle["json two threads"]["wall"]
        print(f"| json two threads | how many times faster than one, on the clock | {times:.2f} | {TWO_THREADS} | {mark(times >= TWO_THREADS)} |")


def plot(figures, file):
    """CPU time an event of every program, by format."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    middle, millions = figures["figures"], figures["events"] / 1e6
    formats = ["json", "csv", "xml", "parquet"]
    plain = {"json": ["json", "json compact"], "csv": ["csv", "csv compact"], "xml": ["xml", "xml compact"],
             "parquet": ["parquet", "parquet gzip", "parquet strings"]}
    figure, axes = pyplot.subplots(1, 4, figsize=(14, 4), layout="constrained")
    for axis, format in zip(axes, formats):
        names = [name for name in plain[format] if name in middle]
        names += [name for name in middle if name.split()[-1] == format and len(name.split()) == 2 and name not in names]
        names += [name for name in middle if format == "parquet" and name.endswith("parquet strings") and name not in names]
        seconds = [middle[name]["user"] / millions for name in names]
        colours = ["#1f6f5c" if name in plain[format] else "#b8b8b8" for name in names]
        bars = axis.barh([f"spillway {name}" if name in plain[format] else name for name in names], seconds, color=colours)
        axis.bar_label(bars, [f"{value:.1f}" for value in seconds], padding=3)
        axis.invert_yaxis()
        axis.set_title(format)
        axis.set_xlabel("µs of CPU an event")
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.15)
    figure.savefig(file, dpi=110)
    print(f"plot: {file}", file=sys.stderr)
