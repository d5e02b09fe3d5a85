//! The derives amid names that users may have: the client is a crate that another passes on, nothing of the prelude
//! is there, or something else has its name.

#![deny(warnings, unused, clippy::all, clippy::pedantic)]

mod dead;
mod no_prelude;
mod passed_on;
mod shadowed;

use logeater_compile_tests::passed_on::{Event, JsonWriter};

fn details(event: &impl Event) -> String {
    let mut out = Vec::new();
    let mut json = JsonWriter::new(&mut out);
    event.write_details(&mut json);
    json.finish().expect("the columns hold their values");
    String::from_utf8(out).expect("JSON is UTF-8")
}
