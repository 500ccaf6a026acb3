// What Node reads of each gzip file: its SHA-256, a line a file. `node gunzip.js FILE…`

const { createHash } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { gunzipSync } = require("node:zlib");

for (const file of process.argv.slice(2)) {
  console.log(createHash("sha256").update(gunzipSync(readFileSync(file))).digest("hex"));
}
