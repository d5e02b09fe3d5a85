//! A rule's pattern, its filter and an event's details, each on a line.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logeater_server::fuzzing::rules(data));
