//! What logeater promises, tested from outside: real servers on free ports, real files, real processes.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod allocations;
mod arbitrary_faults;
mod arrows;
mod attributes;
mod bad_disks;
mod codes;
mod compression;
mod connections;
mod details;
mod endpoints;
mod environment;
mod failing_server;
mod faults;
mod fits;
mod forks;
mod full_buffer;
mod killed_client;
mod killed_collector;
mod limits;
mod logs;
mod losses;
mod lost_answers;
mod memory;
mod metrics;
mod push_only;
mod pushback;
mod round_trip;
mod runtimes;
mod sampling;
mod silent_server;
mod spool;
mod support;
#[cfg(target_os = "linux")]
mod synced;
#[cfg(target_os = "linux")]
mod thousand_clients;
mod tls;
mod token;
mod tracing_layer;
mod twins;
#[path = "../values/mod.rs"]
mod values;
mod warehouse;
