"""The stand-ins of `infra/local`: what they keep, sign and call."""

import base64
import json
import os
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from unittest import mock

import jwt

FOLDER = tempfile.TemporaryDirectory()
os.environ["STANDINS_DATA"] = FOLDER.name
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra/local/standins"))

import kms  # noqa: E402  (they are no package)
import main  # noqa: E402
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


def read(token: str, audience: str) -> dict:
    key = jwt.PyJWKSet.from_dict(tokens.jwks())[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=tokens.ISSUER)


class Tokens(unittest.TestCase):
    def test_a_machine(self):
        claims = read(tokens.machine("http://127.0.0.1:8084"), "http://127.0.0.1:8084")
        self.assertEqual((tokens.INVOKER, True), (claims["email"], claims["email_verified"]))

    def test_a_person(self):
        claims = read(tokens.person(), "dashboard")
        self.assertEqual((1, "editor"), (claims["account"], claims["role"]))

    def test_for_one_audience_only(self):
        with self.assertRaises(jwt.InvalidAudienceError):
            read(tokens.machine("http://127.0.0.1:8084"), "http://127.0.0.1:8083")


class Scheduler(BaseHTTPRequestHandler):
    """An export scheduler whose store is not there at once."""

    answers = []
    asked = []

    def do_PUT(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.path, body, self.headers["authorization"]))
        self.send_response(self.answers.pop(0))
        self.end_headers()

    def log_message(self, format, *args):
        """Its requests are looked at."""


class Calls(unittest.TestCase):
    def test_account_1_is_put_until_it_is_taken(self):
        Scheduler.answers, Scheduler.asked = [503, 200], []
        server = HTTPServer(("127.0.0.1", 0), Scheduler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port
        with mock.patch.object(main, "SCHEDULER", port), mock.patch("time.sleep"), mock.patch("builtins.print"):
            main.put_account()
        server.shutdown()
        server.server_close()
        self.assertEqual(2, len(Scheduler.asked))
        path, body, authorization = Scheduler.asked[-1]
        # Of whom the front door says that they come.
        account = read(tokens.person(), "dashboard")["account"]
        self.assertEqual((f"/accounts/{account}", {"time_zone": "Europe/Berlin", "one_time_limit_days": None}), (path, body))
        read(authorization.removeprefix("Bearer "), f"http://127.0.0.1:{port}")

    def test_all_that_cloud_scheduler_calls_is_called(self):
        terraform = "".join(path.read_text() for path in (ROOT / "infra").glob("*.tf"))
        called = {path for _, _, path in main.JOBS}
        self.assertEqual({"/tick", "/check", "/notify"}, called)
        for path in called:
            self.assertIn(f'}}{path}"', terraform)
        self.assertIn((300, main.CHECKER, "/notify"), main.JOBS)


def tearDownModule():
    FOLDER.cleanup()


if __name__ == "__main__":
    unittest.main()
