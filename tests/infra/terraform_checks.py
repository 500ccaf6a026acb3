"""`terraform validate` and `terraform test`: terraform_checks.py CONFIGURATION WORK_FOLDER

With the providers themselves where Terraform can fetch them. Elsewhere with a stand-in that has their schemas
(`provider_server.py`): Terraform then checks every name, type, reference and expression all the same; what only the
provider's own code knows is not checked, and the output says so.
"""

import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import provider_schema
import provider_server

FAULTY = Path(__file__).parent / "faulty"
# What Terraform must say of `faulty/main.tf`, so that we know that it looks.
FAULTS = ["colour", '"location" is required', "google_no_such_thing", "INGRESS_TRAFFIC_EVERYBODY", "nobody_declared_it"]
# How long Terraform may try to fetch two providers of 100 MB each.
FETCH_SECS = 300


def terraform(folder: Path, *arguments: str, env: dict[str, str], timeout: int | None = None):
    command = ["terraform", f"-chdir={folder}", *arguments, "-no-color"]
    environment = {**os.environ, **env, "TF_DATA_DIR": str(folder.with_suffix(".data"))}
    return subprocess.run(command, env=environment, timeout=timeout, capture_output=True, text=True)


def must(done: subprocess.CompletedProcess) -> None:
    print(done.stdout.strip(), flush=True)
    if done.returncode:
        sys.exit(done.stderr)


def copy(source: Path, folder: Path) -> Path:
    """Terraform writes into what it reads; so it gets a copy."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder.with_suffix(".data"), ignore_errors=True)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfvars", "*.tfstate*"))
    return folder


def fetch_providers(folder: Path, cache: Path) -> str | None:
    """Why the providers cannot be had; none where they are there."""
    cache.mkdir(parents=True, exist_ok=True)
    try:
        done = terraform(
            folder, "init", "-backend=false", "-input=false", env={"TF_PLUGIN_CACHE_DIR": str(cache)}, timeout=FETCH_SECS
        )
    except subprocess.TimeoutExpired:
        return f"not within {FETCH_SECS} seconds"
    if done.returncode == 0:
        return None
    reasons = [line for line in done.stderr.splitlines() if line.startswith(("Could not", "Error"))]
    return " ".join(reasons) or done.stderr.strip()


def main() -> None:
    source, work = (Path(argument).resolve() for argument in sys.argv[1:3])
    work.mkdir(parents=True, exist_ok=True)
    folder, faulty = copy(source, work / "configuration"), copy(FAULTY, work / "faulty")
    missing = fetch_providers(folder, work / "plugins")
    if missing is None:
        print("With Google's providers themselves.")
        providers = nullcontext({"TF_PLUGIN_CACHE_DIR": str(work / "plugins")})
    else:
        print(f"Google's providers cannot be fetched here ({missing}).")
        print("Their schemas, from npm, stand in for them: names, types, references, expressions and listed values are")
        print("checked; what only a provider's own code knows is not.")
        kinds = provider_schema.used(source)
        schemas = {name: provider_schema.load(name, work, kinds) for name in provider_schema.PACKAGES}
        providers = provider_server.serving(schemas)
    with providers as env:
        if missing is not None:
            must(terraform(folder, "init", "-backend=false", "-input=false", env=env))
        must(terraform(folder, "validate", env=env))
        must(terraform(folder, "test", env=env))
        terraform(faulty, "init", "-input=false", env=env)
        told = terraform(faulty, "validate", env=env)
        unseen = [fault for fault in FAULTS if fault not in told.stderr + told.stdout]
        if unseen:
            sys.exit(f"these faults were not seen: {unseen}\n{told.stdout}{told.stderr}")
        print(f"{len(FAULTS)} planted faults are seen.")


if __name__ == "__main__":
    main()
