// The server of push_server.py in Node: the same usage, the same answers.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const contract = path.join(__dirname, "contract.proto");
// Numbers of 64 bits as texts; what is not there but has a default is there, and what is optional is not.
const definition = loader.loadSync(contract, { keepCase: true, longs: String, defaults: true });
const { service } = grpc.loadPackageDefinition(definition).event.Event;

const [file, port, diesAfter] = process.argv.slice(2);
const stored = fs.openSync(file, "w");
const failed = new Set();
let left = Number(diesAfter);

function push({ request: entry }, answer) {
  if (entry.user_id === "refused") {
    return answer(null, { success: false });
  }
  if (Object.hasOwn(grpc.status, entry.user_id) && !failed.has(entry.details)) {
    failed.add(entry.details);
    return answer({ code: grpc.status[entry.user_id], details: "not now" });
  }
  store(entry);
  answer(null, { success: true });
}

function store({ timestamp, service, type, user_id, details }) {
  fs.writeSync(stored, `${JSON.stringify({ timestamp, service, type, user_id, details })}\n`);
  left -= 1;
  if (left === 0) {
    process.kill(process.pid, "SIGKILL");
  }
}

const server = new grpc.Server();
server.addService(service, { Push: push });
server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) {
    throw error;
  }
  console.log(`http://127.0.0.1:${port}`);
});
