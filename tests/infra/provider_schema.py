"""The schemas of the Google providers, without the providers.

`terraform validate` asks a provider's program for its schema. Where that cannot be fetched, the npm packages
`@cdktf/provider-google` and `-beta` have the whole of it, in the form of TypeScript's: names, types, what is required,
what is a block, which values are possible. `load` gives it as plain data, once fetched from a file.
"""

import gzip
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

# The last ones that were published; of provider 6.50.0, which `infra/versions.tf` asks for.
PACKAGES = {
    "google": "@cdktf/provider-google@16.12.1",
    "google-beta": "@cdktf/provider-google-beta@16.12.1",
}
KINDS = {"cdktf.TerraformResource": "resources", "cdktf.TerraformDataSource": "data_sources"}


def used(configuration: Path) -> set[str]:
    """The resources and data sources that a configuration names. The whole schema would take Terraform seconds to read,
    at each of its commands."""
    texts = [file.read_text() for file in configuration.rglob("*.tf")]
    return {kind for text in texts for kind in re.findall(r'^(?:resource|data) "(\w+)"', text, re.MULTILINE)}


def load(provider: str, folder: Path, kinds: set[str]) -> dict:
    """The schema of these kinds: `{resources: {type: block}, data_sources: …, provider: block}`, a block being
    `{attributes: {name: {type, required, values}}, blocks: {name: {block, single, required}}}`."""
    package = PACKAGES[provider]
    cache = folder / (re.sub(r"\W+", "-", package).strip("-") + ".json")
    if not cache.exists():
        types = fetch(package)
        schema = Reader(types).schema()
        folder.mkdir(parents=True, exist_ok=True)
        partial = cache.with_suffix(".partial")
        partial.write_text(json.dumps(schema))
        partial.rename(cache)
    schema = json.loads(cache.read_text())
    for place in KINDS.values():
        schema[place] = {kind: block for kind, block in schema[place].items() if kind in kinds}
    return schema


def fetch(package: str) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as tar:
            raw = tar.extractfile("package/.jsii").read()
    return json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)["types"]


class Reader:
    """Reads the package's types."""

    def __init__(self, types: dict):
        self.types = types

    def schema(self) -> dict:
        schema = {"resources": {}, "data_sources": {}, "provider": {"attributes": {}, "blocks": {}}}
        for name, kind in self.types.items():
            place = KINDS.get(kind.get("base"))
            documented = re.search(r"/docs/[\w-]+/\w+ (\w+)\}", json.dumps(kind.get("docs", {})))
            if place and documented and name + "Config" in self.types:
                schema[place][documented.group(1)] = self.resource(name)
            elif kind.get("base") == "cdktf.TerraformProvider":
                schema["provider"] = self.block(name + "Config")
        return schema

    def resource(self, name: str) -> dict:
        block = self.block(name + "Config")
        # What only the cloud knows is a property of the class, in camelCase, that the configuration has not.
        for prop in self.types[name].get("properties", []):
            told = snake(prop["name"])
            if prop.get("static") or prop["name"].endswith("Input") or told in block["blocks"]:
                continue
            block["attributes"].setdefault(told, {"type": told_type(prop["type"]), "computed": True})
        return block

    def block(self, name: str) -> dict:
        block = {"attributes": {}, "blocks": {}}
        for prop in self.types[name].get("properties", []):
            docs = prop.get("docs", {})
            named = re.search(r"#(\w+) \w", json.dumps(docs))
            if not named:
                continue
            required, inner = not prop.get("optional", False), self.interface(prop["type"])
            if inner and re.fullmatch(r"\w+ block\.?", docs.get("summary", "")):
                single = "collection" not in json.dumps(prop["type"])
                block["blocks"][named.group(1)] = {"block": self.block(inner), "single": single, "required": required}
                continue
            values = re.search(r"Possible values: (\[.*?\])", docs.get("summary", "") + docs.get("remarks", ""))
            block["attributes"][named.group(1)] = {
                "type": told_type(prop["type"]),
                "required": required,
                "values": json.loads(values.group(1)) if values else None,
            }
        return block

    def interface(self, kind: dict) -> str | None:
        for name in re.findall(r'"fqn": "([^"]+)"', json.dumps(kind)):
            if self.types.get(name, {}).get("kind") == "interface":
                return name
        return None


def told_type(kind: dict):
    """Terraform's type, in the JSON form of its protocol."""
    if "primitive" in kind:
        return {"string": "string", "number": "number", "boolean": "bool"}.get(kind["primitive"], "dynamic")
    if "union" in kind:
        plain = [one for one in kind["union"]["types"] if one.get("fqn") != "cdktf.IResolvable"]
        return told_type(plain[0]) if len(plain) == 1 else "dynamic"
    if "collection" in kind:
        element = told_type(kind["collection"]["elementtype"])
        return "dynamic" if element == "dynamic" else ["map" if kind["collection"]["kind"] == "map" else "list", element]
    return ["map", "string"] if kind.get("fqn") == "cdktf.StringMap" else "dynamic"


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
