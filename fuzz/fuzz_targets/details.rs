//! An event's details, as text.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logeater_server::fuzzing::details(data));
