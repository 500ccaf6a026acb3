# What the benches share: where they work, and the other programs in a venv beside the build. Sourced at the top level.

need() { # program, what installs it
  command -v "$1" >/dev/null || { printf '%s is missing; install it: %s\n' "$1" "$2" >&2; exit 1; }
}
need cargo "curl --proto '=https' -sSf https://sh.rustup.rs | sh -s -- -y"
need python3 "apt-get install -y python3-venv"

target=$(cargo metadata --format-version 1 --no-deps |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
work=$target/bench
mkdir -p "$work"
if ! cmp -s tests/bench/requirements.txt "$work/venv/requirements.txt"; then
  rm -rf "$work/venv"
  python3 -m venv "$work/venv" || { echo "python3 cannot make it; apt-get install -y python3-venv" >&2; exit 1; }
  "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: \
    -r tests/bench/requirements.txt >&2
  cp tests/bench/requirements.txt "$work/venv/"
fi
