#!/usr/bin/env python3
"""What a day costs, for the README: prices and assumptions with their names, then the arithmetic.

Prices are Google's list prices in US dollars of a cheap region (europe-west1 or us-central1), as published in 2025. Look
them up for yours before you decide anything: https://cloud.google.com/pricing/list
"""

# Prices.
VCPU_SECOND = 0.000024  # Cloud Run, while a request is worked
GIB_SECOND = 0.0000025  # the same, memory
FIRESTORE_READ = 0.03 / 100_000
FIRESTORE_WRITE = 0.09 / 100_000
FIRESTORE_GIB_MONTH = 0.15
BACKUP_GIB_MONTH = 0.03
PUBSUB_TIB = 40.0
GCS_READ = 0.004 / 10_000  # a class B operation
GCS_GB_MONTH = 0.020  # standard storage
KMS_OPERATION = 0.03 / 10_000
LOG_GIB = 0.50
TRANSFER_GIB = 0.02  # to a bucket in another region of the same continent; none within a region
FIXED_MONTH = 10.5  # address 3.65, NAT's instance hours about 2, 13 alert conditions 1.30, 4 jobs 0.40, logs, key, images

# Assumptions.
CHUNK_BYTES = 85e6  # what a file should hold, as stored
SLOT_BYTES_PER_SECOND = 20e6  # what one message at a time writes, on one vCPU; measure your format
VCPU_PER_SLOT, GIB_PER_SLOT = 1.0, 0.5  # `encoder`: 2 vCPU and 1 GiB for 2 messages at once
USED_SHARE = 0.75  # the rest of what is paid for starts, waits or is tried again
# Documents. `spillway simulate scale --store firestore` counts 73 and 6 where all encoders end their messages together;
# most reads look which messages are out.
READS_PER_CHUNK, WRITES_PER_CHUNK = 50, 6
LAKE_READS_PER_CHUNK = 20  # ranges of Parquet files
MESSAGE_BYTES_PER_CHUNK = 2_000  # published and delivered
LOG_BYTES_PER_CHUNK = 3_000
LAKE_BYTES_PER_BYTE = 0.2  # Parquet in the lake, for a byte of JSON that goes out
LAKE_DAYS, SOFT_DELETE_DAYS = 90, 30  # `lake_delete_after_days`; what is deleted is kept, and paid for, after that
BYTES_KEPT_PER_CHUNK = 8_000  # in Firestore: 3 KB of document (20 lake files), and its entries of indexes
BACKUPS = 14  # daily, each of all

GIB, TIB = 2**30, 2**40
DAYS = {"1 GB a day": 1e9, "1 TB a day": 1e12, "100 TB a day": 100e12}


def day(volume: float) -> dict[str, float]:
    """Dollars a day, for so many bytes delivered."""
    chunks = volume / CHUNK_BYTES
    slot_seconds = volume / SLOT_BYTES_PER_SECOND / USED_SHARE
    return {
        "encoders: bytes / 20 MB/s / 0.75 × (1 vCPU + 0.5 GiB)": slot_seconds
        * (VCPU_PER_SLOT * VCPU_SECOND + GIB_PER_SLOT * GIB_SECOND),
        "Firestore: chunks × (50 reads + 6 writes)": chunks
        * (READS_PER_CHUNK * FIRESTORE_READ + WRITES_PER_CHUNK * FIRESTORE_WRITE),
        "lake reads, KMS, Pub/Sub, logs: by chunk": chunks
        * (
            LAKE_READS_PER_CHUNK * GCS_READ
            + KMS_OPERATION
            + MESSAGE_BYTES_PER_CHUNK / TIB * PUBSUB_TIB
            + LOG_BYTES_PER_CHUNK / GIB * LOG_GIB
        ),
        "the lake: bytes × 0.2 × (90 days stored + 30 soft-deleted)": volume
        / 1e9
        * LAKE_BYTES_PER_BYTE
        * (LAKE_DAYS + SOFT_DELETE_DAYS)
        * GCS_GB_MONTH
        / 30,
        "what is there anyway": FIXED_MONTH / 30,
    }


def kept_after(volume: float, days: int) -> float:
    """Dollars a day for Firestore's documents of finished runs, which nobody deletes, and their backups."""
    kept = volume / CHUNK_BYTES * days * BYTES_KEPT_PER_CHUNK
    return kept / GIB * (FIRESTORE_GIB_MONTH + BACKUPS * BACKUP_GIB_MONTH) / 30


def table() -> str:
    days = [day(volume) for volume in DAYS.values()]
    lines = ["| dollars a day | " + " | ".join(DAYS) + " |", "|---|" + "--:|" * len(DAYS)]
    row = lambda what, values: f"| {what} | " + " | ".join(f"{value:,.2f}" for value in values) + " |"
    lines += [row(what, [one[what] for one in days]) for what in days[0]]
    lines.append(row("**together, buckets in the lake's region**", [sum(one.values()) for one in days]))
    lines.append(
        row("more, buckets elsewhere on the continent: GiB × 0.02", [v / GIB * TRANSFER_GIB for v in DAYS.values()])
    )
    kept = [kept_after(volume, 365) for volume in DAYS.values()]
    lines.append(row("more, after a year: chunks × 365 × 8 KB in Firestore and its 14 backups", kept))
    lines.append(
        "| chunks; encoder slots busy all day | "
        + " | ".join(
            f"{volume / CHUNK_BYTES:,.0f}; {volume / SLOT_BYTES_PER_SECOND / USED_SHARE / 86_400:,.1f}"
            for volume in DAYS.values()
        )
        + " |"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
