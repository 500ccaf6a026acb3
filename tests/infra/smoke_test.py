"""`infra/smoke`, with a `gcloud` that answers what the test says."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Keeps what it is asked, and finds the lines of logs that are in $SAID.
GCLOUD = """#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$ASKED"
[[ $1 == logging ]] || exit 0
while IFS= read -r line; do [[ -n $line && $* == *"$line"* ]] && echo 2026-01-01T00:00:00Z; done <<< "$SAID"
exit 0
"""


class Smoke(unittest.TestCase):
    def run_it(self, *said: str):
        with tempfile.TemporaryDirectory() as folder:
            gcloud, asked = Path(folder) / "gcloud", Path(folder) / "asked"
            gcloud.write_text(GCLOUD)
            gcloud.chmod(0o755)
            told = {"PATH": f"{folder}:{os.environ['PATH']}", "ASKED": str(asked), "SAID": "\n".join(said)}
            short = {"SMOKE_LOOKS": "2", "SMOKE_PAUSE_SECS": "0"}
            command = [ROOT / "infra/smoke", "europe-west1"]
            done = subprocess.run(command, env={**os.environ, **told, **short}, capture_output=True, text=True)
            return done, asked.read_text()

    def test_all_is_well(self):
        done, asked = self.run_it("a tick is done", "a round is done")
        self.assertEqual(0, done.returncode, done.stderr)
        for job in ["tick-hourly", "check-hourly"]:
            self.assertIn(f"scheduler jobs run {job} --location=europe-west1", asked)

    def test_a_call_that_is_refused_is_no_tick(self):
        done, asked = self.run_it()
        self.assertEqual(1, done.returncode)
        self.assertIn('export-scheduler did not say "a tick is done"', done.stderr)
        self.assertNotIn("check-hourly", asked)

    def test_ticks_are_not_all(self):
        done, _ = self.run_it("a tick is done")
        self.assertEqual(1, done.returncode)
        self.assertIn('failure-checker did not say "a round is done"', done.stderr)

    def test_its_jobs_and_lines_are_there(self):
        text = (ROOT / "infra/smoke").read_text()
        terraform = "".join(path.read_text() for path in (ROOT / "infra").glob("*.tf"))
        source = "".join(path.read_text() for path in (ROOT / "functions").rglob("src/*.rs"))
        for line in [line for line in text.splitlines() if line.startswith("try ")]:
            _, job, service, *message = line.split(maxsplit=3)
            self.assertIn(job, terraform)
            self.assertIn(f'name    = "{service}"', terraform)
            self.assertIn(message[0], source)


if __name__ == "__main__":
    unittest.main()
