"""Cloud KMS: `encrypt` and `decrypt` of its REST API, under a key in a file."""

import base64
import os
from pathlib import Path

import google_crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# What all stand-ins keep; in a container it is the volume.
DATA = Path(os.environ.get("STANDINS_DATA", "/data"))
KEY_FILE = DATA / "kms.key"


class Refused(Exception):
    """What KMS calls INVALID_ARGUMENT."""


def key() -> AESGCM:
    if not KEY_FILE.exists():
        KEY_FILE.touch(mode=0o600)
        KEY_FILE.write_bytes(AESGCM.generate_key(256))
    return AESGCM(KEY_FILE.read_bytes())


def call(path: str, body: dict) -> dict:
    """`projects/…/cryptoKeys/…:encrypt`, or `:decrypt`."""
    name, _, verb = path.rpartition(":")
    beside = part(body, "additionalAuthenticatedData")
    if verb == "encrypt":
        nonce, plain = os.urandom(12), part(body, "plaintext")
        sealed = nonce + key().encrypt(nonce, plain, beside)
        return {
            "name": f"{name}/cryptoKeyVersions/1",
            **told("ciphertext", sealed),
            "verifiedPlaintextCrc32c": "plaintextCrc32c" in body,
            "verifiedAdditionalAuthenticatedDataCrc32c": "additionalAuthenticatedDataCrc32c" in body,
            "protectionLevel": "SOFTWARE",
        }
    if verb == "decrypt":
        sealed = part(body, "ciphertext")
        try:
            plain = key().decrypt(sealed[:12], sealed[12:], beside)
        except (InvalidTag, ValueError) as error:
            raise Refused("Decryption failed: the ciphertext is invalid.") from error
        return {**told("plaintext", plain), "usedPrimary": True, "protectionLevel": "SOFTWARE"}
    raise Refused(f"no such method: {verb}")


def part(body: dict, name: str) -> bytes:
    """Bytes, and their checksum where there is one."""
    data = base64.b64decode(body.get(name) or "")
    sent = body.get(f"{name}Crc32c")
    if sent is not None and int(sent) != google_crc32c.value(data):
        raise Refused(f"the checksum of {name} is wrong")
    return data


def told(name: str, data: bytes) -> dict:
    return {name: base64.b64encode(data).decode(), f"{name}Crc32c": str(google_crc32c.value(data))}
