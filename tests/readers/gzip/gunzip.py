"""What Python reads of each gzip file: its SHA-256, a line a file. And that it is one member, with nothing behind it."""

import gzip
import hashlib
import sys
import zlib

for file in sys.argv[1:]:
    stored = open(file, "rb").read()
    member = zlib.decompressobj(31)
    raw = member.decompress(stored)
    assert member.eof and not member.unused_data, f"{file} is not one member"
    assert raw == gzip.decompress(stored), f"{file} is read in two ways"
    print(hashlib.sha256(raw).hexdigest())
