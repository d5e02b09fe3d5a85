// The client of push_client.py in Node: the same usage, the same output.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const IN_FLIGHT = 256;

const contract = path.join(__dirname, "contract.proto");
const definition = loader.loadSync(contract, { keepCase: true, longs: String });
const { Event } = grpc.loadPackageDefinition(definition).event;

const [url, file] = process.argv.slice(2);
const client = new Event(new URL(url).host, grpc.credentials.createInsecure());

function push(entry) {
  return new Promise((resolve) => {
    client.Push(entry, (error, response) =>
      resolve(error ? `${grpc.status[error.code]} ${error.details}` : String(response.success)),
    );
  });
}

async function main() {
  const entries = fs.readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  for (let start = 0; start < entries.length; start += IN_FLIGHT) {
    const answers = await Promise.all(entries.slice(start, start + IN_FLIGHT).map(push));
    process.stdout.write(answers.map((answer) => `${answer}\n`).join(""));
  }
  client.close();
}

main();
