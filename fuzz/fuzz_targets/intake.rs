//! The bytes of a request.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| logeater_server::fuzzing::intake(data));
