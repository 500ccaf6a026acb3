"""What the cloud has and a laptop has not, on loopback:

- 8080 the dashboard's front door: puts a login's token on every request
- 8092 Cloud Storage: our emulator (a program of its own), at an address that is known beforehand
- 8093 /jwks, the metadata server (ID tokens), Cloud KMS, and /push/…, to which the Pub/Sub emulator pushes without a
  token and which hands on with one
- Cloud Scheduler: ticks and webhooks every five minutes, checks every hour
- the platform: makes account 1 known, without which nobody comes in
"""

import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import kms
import proxy
import tokens

DATA = kms.DATA
SERVICES_USER = 65532
BUCKET = "spillway-trial"
DASHBOARD, SCHEDULER, ENCODER, CHECKER = 8081, 8083, 8084, 8085
PUBSUB = "http://127.0.0.1:8091/v1/projects/spillway-local"
PUSHED = {"chunks": ENCODER, "wakeups": SCHEDULER}
JOBS = [(300, SCHEDULER, "/tick"), (3600, CHECKER, "/check"), (300, CHECKER, "/notify")]
# The account of `tokens.person`. What is put again changes only what it names, and other settings are the dashboard's.
# Without a limit, so that the sample's events of some years ago can be exported once.
ACCOUNT, SETTINGS = 1, {"time_zone": "Europe/Berlin", "one_time_limit_days": None}


def bearer(port: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.machine(f'http://127.0.0.1:{port}')}"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        """The services log for themselves."""


class FrontDoor(Handler):
    def hand_on(self):
        proxy.hand_on(self, DASHBOARD, self.path, {"X-Spillway-Login": tokens.person()})

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = hand_on


class Google(Handler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/jwks":
            self.answer(200, tokens.jwks())
        elif url.path.endswith("/identity"):
            audience = urllib.parse.parse_qs(url.query).get("audience", [""])[0]
            self.answer(200, tokens.machine(audience))
        elif url.path.endswith("/token"):
            self.answer(200, {"access_token": "local", "expires_in": 3600, "token_type": "Bearer"})
        else:
            self.answer(404, {"error": {"code": 404, "message": "no such thing here", "status": "NOT_FOUND"}})

    def do_POST(self):
        if self.path.startswith("/push/"):
            port = PUSHED[self.path.removeprefix("/push/")]
            proxy.hand_on(self, port, "/push", bearer(port))
            return
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)))
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        try:
            self.answer(200, kms.call(path.removeprefix("/v1/"), body))
        except kms.Refused as error:
            self.answer(400, {"error": {"code": 400, "message": str(error), "status": "INVALID_ARGUMENT"}})

    def answer(self, status: int, what):
        text = what if isinstance(what, str) else json.dumps(what)
        self.send_response_only(status)
        self.send_header("Content-Type", "text/plain" if isinstance(what, str) else "application/json")
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())


def serve_storage() -> int:
    """Starts the emulator; the port that it chose."""
    key = DATA / "keys" / "key.json"
    # A new one each time: it is written by the emulator, and only where there is none.
    key.unlink(missing_ok=True)
    emulator = subprocess.Popen(
        ["serve", str(DATA / "buckets"), BUCKET, str(key)], stdout=subprocess.PIPE, text=True
    )
    address = emulator.stdout.readline().strip()
    print(f"bucket {BUCKET}, key {key}", flush=True)
    return urllib.parse.urlsplit(address).port


def forward(listener: socket.socket, port: int) -> None:
    """Connection by connection, byte by byte."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            # One side is gone: so is the other.
            source.close()
            sink.close()

    while True:
        near, _ = listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", port))
        except OSError:
            near.close()
            continue
        for pair in [(near, far), (far, near)]:
            threading.Thread(target=pump, args=pair, daemon=True).start()


def ask(method: str, url: str, body: dict | None = None, headers: dict[str, str] | None = None) -> int:
    data = json.dumps(body).encode() if body is not None else b""
    headers = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=560) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def make_queues() -> None:
    """The topics, and the subscriptions that push to us. Until the emulator answers, it is asked again."""
    for name in PUSHED:
        subscription = {
            "topic": f"projects/spillway-local/topics/{name}",
            "ackDeadlineSeconds": 600,
            "pushConfig": {"pushEndpoint": f"{tokens.ISSUER}/push/{name}"},
            "retryPolicy": {"minimumBackoff": "1s", "maximumBackoff": "10s"},
        }
        for what, body in [(f"topics/{name}", {}), (f"subscriptions/{name}-push", subscription)]:
            # 409: it is there already.
            while (status := patiently("PUT", f"{PUBSUB}/{what}", body)) not in (200, 409):
                print(f"{what}: {status}", flush=True)
                time.sleep(1)


def patiently(method: str, url: str, body: dict, headers: Callable[[], dict[str, str]] = dict) -> int:
    while True:
        try:
            return ask(method, url, body, headers())
        except OSError:
            time.sleep(0.5)


def put_account() -> None:
    """Until the scheduler has taken it: it may not have started yet, nor the store behind it."""
    url = f"http://127.0.0.1:{SCHEDULER}/accounts/{ACCOUNT}"
    # 422: it was known before, in another time zone, and has data.
    while (status := patiently("PUT", url, SETTINGS, lambda: bearer(SCHEDULER))) not in (200, 422):
        print(f"account {ACCOUNT}: {status}", flush=True)
        time.sleep(1)
    print(f"account {ACCOUNT} is known", flush=True)


def call_regularly(seconds: int, port: int, path: str) -> None:
    while True:
        try:
            status = ask("POST", f"http://127.0.0.1:{port}{path}", headers=bearer(port))
            print(f"{path}: {status}", flush=True)
            time.sleep(seconds)
        except OSError:
            # It has not started yet.
            time.sleep(2)


def main() -> None:
    for folder in [DATA, DATA / "lake", DATA / "buckets", DATA / "keys"]:
        folder.mkdir(mode=0o700, exist_ok=True)
        if os.getuid() == 0:
            os.chown(folder, SERVICES_USER, SERVICES_USER)
    DATA.chmod(0o700)
    storage = serve_storage()
    listener = socket.create_server(("127.0.0.1", 8092))
    running = [
        threading.Thread(target=forward, args=(listener, storage), daemon=True),
        threading.Thread(target=ThreadingHTTPServer(("0.0.0.0", 8080), FrontDoor).serve_forever, daemon=True),
        threading.Thread(target=make_queues, daemon=True),
        threading.Thread(target=put_account, daemon=True),
        *(threading.Thread(target=call_regularly, args=job, daemon=True) for job in JOBS),
    ]
    for thread in running:
        thread.start()
    ThreadingHTTPServer(("127.0.0.1", 8093), Google).serve_forever()


if __name__ == "__main__":
    main()
