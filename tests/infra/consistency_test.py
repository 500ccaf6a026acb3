"""What must agree between the files of `infra/`, `cloudbuild.yaml` and the list of the environment."""

import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
FUNCTIONS = ["chunk-encoder", "credential-validator", "dashboard", "export-scheduler", "failure-checker"]
# Of the image, not of a service.
IMAGE_ENVIRONMENT = {"MALLOC_ARENA_MAX"}
ENVIRONMENT = json.loads((INFRA / "environment.json").read_text())
BUILD = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
TERRAFORM = {path.relative_to(INFRA).as_posix(): path.read_text() for path in INFRA.rglob("*.tf")}


def known(function: str) -> set[str]:
    return {name for name, entry in ENVIRONMENT.items() if function in entry["services"]}


SECRETS = re.compile(r"^  secrets = \{\n.*?^  \}\n", re.MULTILINE | re.DOTALL)


def names(text: str) -> set[str]:
    """What is set in Terraform's text: NAME = value."""
    return set(re.findall(r"^\s+([A-Z][A-Z0-9_]{3,})\s+=", text, re.MULTILINE))


class Environment(unittest.TestCase):
    def test_each_name_is_described(self):
        for name, entry in ENVIRONMENT.items():
            with self.subTest(name):
                self.assertEqual({"services", "description", "secret"}, set(entry))
                self.assertTrue(entry["services"] and set(entry["services"]) <= set(FUNCTIONS))
                self.assertTrue(entry["description"].endswith("."))

    def test_terraform_sets_known_names(self):
        common = names(TERRAFORM["main.tf"])
        self.assertIn("SPILLWAY_PROJECT_ID", common)
        for function in FUNCTIONS:
            with self.subTest(function):
                own = names(TERRAFORM[f"{function}.tf"])
                self.assertEqual(set(), (common | own) - known(function))

    def test_terraform_sets_every_name_but_endpoints(self):
        for function in FUNCTIONS:
            with self.subTest(function):
                unset = known(function) - names(TERRAFORM["main.tf"]) - names(TERRAFORM[f"{function}.tf"])
                # Cloud Run sets PORT; Google is the issuer where no other one is named; endpoints are for tests.
                builtin = {"PORT", "SPILLWAY_INVOKER_ISSUER", "SPILLWAY_INVOKER_JWKS_URL"}
                self.assertEqual(set(), {name for name in unset - builtin if not re.search("ENDPOINT|_HOST$", name)})

    def test_compose_sets_known_names(self):
        compose = yaml.safe_load((INFRA / "local/docker-compose.yaml").read_text())
        self.assertLessEqual(set(FUNCTIONS), set(compose["services"]))
        for function in FUNCTIONS:
            with self.subTest(function):
                own = set(compose["services"][function]["environment"])
                self.assertEqual(set(), own - known(function))

    def test_nothing_secret_is_in_plain_sight(self):
        secret = {name for name, entry in ENVIRONMENT.items() if entry["secret"]}
        for path, text in TERRAFORM.items():
            self.assertEqual(set(), names(SECRETS.sub("", text)) & secret, path)

    def test_secrets_are_known_as_such(self):
        secret = {name for name, entry in ENVIRONMENT.items() if entry["secret"]}
        for path, text in TERRAFORM.items():
            for block in SECRETS.findall(text):
                self.assertLessEqual(names(block), secret, path)


class Functions(unittest.TestCase):
    def test_each_has_a_file(self):
        for function in FUNCTIONS:
            self.assertIn(f'name    = "{function}"', TERRAFORM[f"{function}.tf"])

    def test_cloud_build_and_the_image_know_all(self):
        steps = {step["id"]: step for step in BUILD["steps"]}
        for step in ["registry", "build", "scan", "push"]:
            listed = re.search(r"for name in ([a-z -]+);", steps[step]["args"][-1]).group(1)
            self.assertEqual(FUNCTIONS, sorted(listed.split()), step)
        listed = re.search(r'names="([a-z -]+)"', (INFRA / "Dockerfile").read_text()).group(1)
        self.assertEqual(FUNCTIONS, sorted(listed.split()))

    def test_steps_wait_for_steps_that_are_there(self):
        seen = set()
        for step in BUILD["steps"]:
            self.assertLessEqual(set(step.get("waitFor", [])), seen)
            seen.add(step["id"])


    def test_scripts_can_be_read(self):
        for step in BUILD["steps"]:
            if step.get("entrypoint") in ["bash", "sh"]:
                script = step["args"][-1].replace("$$", "$")
                # What is handed to a shell within is a script too.
                for text in [script, *re.findall(r"-euc '(.*)'", script, re.DOTALL)]:
                    read = subprocess.run([step["entrypoint"], "-n"], input=text, capture_output=True, text=True)
                    self.assertEqual((0, ""), (read.returncode, read.stderr), step["id"])

    def test_the_registry_is_made_where_all_else_is(self):
        steps = {step["id"]: step for step in BUILD["steps"]}
        self.assertIn("infra/terraform.tfvars", steps["variables"]["args"][-1])
        registry = steps["registry"]["args"][-1]
        # What the operator decided counts there too, and nothing beside it but images that are not yet built.
        self.assertEqual(1, registry.count("-var"))
        self.assertIn("prevent_destroy = true", TERRAFORM["registry.tf"])

    def test_tests_have_no_identity(self):
        test = {step["id"]: step for step in BUILD["steps"]}["test"]
        self.assertEqual("gcr.io/cloud-builders/docker", test["name"])
        self.assertIn("docker run --rm --interactive --network=bridge", test["args"][-1])
        for given in ["docker.sock", "--volume", "network=cloudbuild", "--privileged"]:
            self.assertNotIn(given, test["args"][-1])

    def test_one_version_of_the_command(self):
        named = re.compile(r"google-cloud-cli:([\w.-]+)")
        compose = (INFRA / "local/docker-compose.yaml").read_text()
        found = named.findall((ROOT / "cloudbuild.yaml").read_text() + compose)
        self.assertEqual({"528.0.0", "528.0.0-emulators"}, set(found))


def rights() -> dict[str, dict[str, set[str]]]:
    """What each function may do, as the README's table says."""
    table = re.search(r"\| Account \|.*?\n\n", (INFRA / "README.md").read_text(), re.DOTALL).group()
    heads, _, *rows = ([cell.strip() for cell in line.strip("| ").split("|")] for line in table.strip().splitlines())
    both = {"chunks", "wakeups"}
    told = lambda cell: both if cell == "both" else set(re.findall(r"[a-z]+", cell))
    return {row[0].strip("`"): dict(zip(heads[1:], map(told, row[1:]))) for row in rows if "*" not in row[0]}


class Rights(unittest.TestCase):
    """Terraform's tests say who may do what; here the README says the same, and each right is of whom its name says."""

    def granted(self, block: str) -> set[str]:
        entries = re.findall(r"^\s+([\w-]+)\s+= module\.(\w+)\.member$", block, re.MULTILINE)
        for name, module in entries:
            self.assertEqual(name.replace("-", "_"), module)
        return {name for name, _ in entries}

    def test_each_function_has_a_row(self):
        self.assertEqual(FUNCTIONS, sorted(rights()))

    def test_who_publishes_what(self):
        for topic in ["chunks", "wakeups"]:
            block = re.search(rf'name            = "{topic}".*?\n\}}\n', TERRAFORM["queues.tf"], re.DOTALL).group()
            said = {function for function, may in rights().items() if topic in may["Pub/Sub"]}
            self.assertEqual(said, self.granted(block), topic)

    def test_who_opens_keys(self):
        block = re.search(r'"decrypter" \{.*?\n\}\n', TERRAFORM["kms.tf"], re.DOTALL).group()
        self.assertEqual({f for f, may in rights().items() if "decrypt" in may["KMS"]}, self.granted(block))
        sealer = re.search(r'"encrypter" \{.*?= module\.(\w+)\.member', TERRAFORM["kms.tf"], re.DOTALL)
        self.assertEqual({f for f, may in rights().items() if "encrypt" in may["KMS"]}, {sealer.group(1)})

    def test_who_reads_the_lake(self):
        block = re.search(r'"lake_reader" \{.*?\n\}\n', TERRAFORM["lake.tf"], re.DOTALL).group()
        self.assertEqual({f for f, may in rights().items() if "read" in may["lake"]}, self.granted(block))


class Alerts(unittest.TestCase):
    def test_what_is_counted_is_logged(self):
        files = [path for folder in ["functions", "shared"] for path in (ROOT / folder).rglob("src/**/*.rs")]
        source = "".join(path.read_text() for path in files)
        text = TERRAFORM["metrics.tf"].replace('\\"', '"')
        counted = re.findall(r'jsonPayload\.message=\(?"([a-z][^"$]+)"(?: OR "([^"]+)"\))?', text)
        counted = [line for lines in counted for line in lines if line] + re.findall(r'_done\s+= "([^"]+)"', text)
        self.assertEqual(5, len(counted), counted)
        for line in counted:
            self.assertIn(f'"{line}"', source)
        self.assertRegex(source, r"tracing::warn!\([^;]*\bfinding = finding\.kind\(\)")

    def test_each_has_its_playbook(self):
        text = "".join(text for path, text in TERRAFORM.items() if path.startswith("alerts"))
        policies = text.count('resource "google_monitoring_alert_policy"')
        linked = re.findall(r"playbooks/([\w-]+\.md)", text)
        written = sorted(path.name for path in (INFRA / "playbooks").iterdir())
        self.assertEqual(policies, len(linked))
        self.assertEqual(written, sorted(linked))

    def test_playbooks_fit_into_a_mail(self):
        for path in (INFRA / "playbooks").iterdir():
            text = path.read_text()
            self.assertLess(len(text), 8_192, path)
            for other in re.findall(r"`([\w-]+\.md)`", text):
                self.assertTrue((INFRA / "playbooks" / other).exists(), f"{path}: {other}")


class Findings(unittest.TestCase):
    def test_each_that_is_accepted_says_why(self):
        for path in [*INFRA.rglob("*.tf"), *INFRA.rglob("Dockerfile*")]:
            for line in re.findall(r"checkov:skip.*", path.read_text()):
                self.assertRegex(line, r"^checkov:skip=CKV2?_\w+_\d+: \S.{20,}", path)


class Costs(unittest.TestCase):
    def test_the_readme_shows_what_the_arithmetic_gives(self):
        shown = re.search(r"<!-- costs.py -->\n(.*)\n<!-- /costs.py -->", (INFRA / "README.md").read_text(), re.DOTALL)
        table = subprocess.run([sys.executable, INFRA / "costs.py"], capture_output=True, text=True, check=True)
        self.assertEqual(table.stdout.strip(), shown.group(1))


class Indexes(unittest.TestCase):
    def test_form(self):
        listed = json.loads((INFRA / "firestore.indexes.json").read_text())
        self.assertEqual({"indexes", "exemptions", "ttl"}, set(listed))
        for index in listed["indexes"]:
            self.assertIn(index["scope"], ["COLLECTION", "COLLECTION_GROUP"])
            # A collection's single fields are indexed without being asked.
            self.assertTrue(len(index["fields"]) > 1 or index["scope"] == "COLLECTION_GROUP", index)
        for field in [*listed["exemptions"], *listed["ttl"]]:
            self.assertEqual({"collection", "path"}, set(field))


if __name__ == "__main__":
    unittest.main()
