"""The stand-ins of `infra/local` that keep secrets and sign tokens."""

import base64
import os
import sys
import tempfile
import unittest
from pathlib import Path

import jwt

FOLDER = tempfile.TemporaryDirectory()
os.environ["STANDINS_DATA"] = FOLDER.name
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "infra/local/standins"))

import kms  # noqa: E402  (they are no package)
import tokens  # noqa: E402

KEY = "projects/p/locations/l/keyRings/r/cryptoKeys/k"


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Kms(unittest.TestCase):
    def seal(self) -> dict:
        return kms.call(f"{KEY}:encrypt", {"plaintext": text(b"secret"), "additionalAuthenticatedData": text(b"1/b")})

    def test_what_is_sealed_is_opened(self):
        asked = {"ciphertext": self.seal()["ciphertext"], "additionalAuthenticatedData": text(b"1/b")}
        self.assertEqual(text(b"secret"), kms.call(f"{KEY}:decrypt", asked)["plaintext"])

    def test_nobody_else_opens_it(self):
        asked = {"ciphertext": self.seal()["ciphertext"], "additionalAuthenticatedData": text(b"2/b")}
        with self.assertRaises(kms.Refused):
            kms.call(f"{KEY}:decrypt", asked)

    def test_a_wrong_checksum_is_refused(self):
        with self.assertRaises(kms.Refused):
            kms.call(f"{KEY}:encrypt", {"plaintext": text(b"secret"), "plaintextCrc32c": "1"})


class Tokens(unittest.TestCase):
    def read(self, token: str, audience: str) -> dict:
        key = jwt.PyJWKSet.from_dict(tokens.jwks())[jwt.get_unverified_header(token)["kid"]]
        return jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=tokens.ISSUER)

    def test_a_machine(self):
        claims = self.read(tokens.machine("http://127.0.0.1:8084"), "http://127.0.0.1:8084")
        self.assertEqual((tokens.INVOKER, True), (claims["email"], claims["email_verified"]))

    def test_a_person(self):
        claims = self.read(tokens.person(), "dashboard")
        self.assertEqual((1, "editor"), (claims["account"], claims["role"]))

    def test_for_one_audience_only(self):
        with self.assertRaises(jwt.InvalidAudienceError):
            self.read(tokens.machine("http://127.0.0.1:8084"), "http://127.0.0.1:8083")


def tearDownModule():
    FOLDER.cleanup()


if __name__ == "__main__":
    unittest.main()
