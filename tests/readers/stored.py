"""The bytes of a file as stored, and the report of what differs."""

import contextlib
import gzip
import traceback
import zlib

# ID1 ID2 CM, then neither name nor comment, MTIME 0; OS 255 (RFC 1952; FORMATS, Names).
GZIP_BEGIN = b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


class Report:
    """Counts what was compared and keeps what differs."""

    def __init__(self):
        self.cells = 0
        # By file.
        self.faults = {}
        self.path = ""

    @contextlib.contextmanager
    def of(self, path):
        """What follows is about a file; a reader that gives up is a difference."""
        self.path = path
        try:
            yield
        except Exception:  # noqa: BLE001
            self.fault(traceback.format_exc(limit=-3))

    def fault(self, text):
        self.faults.setdefault(self.path, []).append(text)

    def equal(self, what, found, expected):
        self.cells += 1
        if found != expected:
            self.fault(f"{what}\n    found    {short(found, expected)}\n    expected {short(expected, found)}")

    def all_equal(self, what, found, expected, names=None):
        """Compares two lists, cell by cell."""
        if found == expected:
            self.cells += len(found)
            return
        if len(found) != len(expected):
            self.fault(f"{what}: {len(found)} instead of {len(expected)}")
        for at, (one, other) in enumerate(zip(found, expected)):
            self.equal(f"{what}, {names[at] if names else f'number {at}'}", one, other)


def short(value, beside):
    """A value around the place where it begins to differ."""
    text, other = repr(value), repr(beside)
    at = next((at for at, (a, b) in enumerate(zip(text, other)) if a != b), min(len(text), len(other)))
    return text[max(0, at - 80) : at + 160]


def raw_bytes(report, path, is_gzip):
    """The file without its packaging, unpacked by Python's `gzip`."""
    stored = path.read_bytes()
    if not is_gzip:
        return stored
    report.equal("the gzip header", (stored[:8], stored[9]), (GZIP_BEGIN, 255))
    member = zlib.decompressobj(31)
    member.decompress(stored)
    report.equal("what follows the first gzip member", (member.eof, member.unused_data), (True, b""))
    return gzip.decompress(stored)
