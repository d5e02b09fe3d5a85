//! Holds the checked-in code against `proto/event.proto`, compiled without protoc.
//!
//! `LOGEATER_UPDATE=1 cargo test -p logeater-proto --test generated` writes it anew.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::path::Path;
use std::{env, fs};

use prost::Message;
use protox::prost_reflect::prost_types::FileDescriptorSet;
use tonic_build::manual;

#[test]
fn the_generated_code_is_current() {
    let fresh = tempdir();
    messages_and_services(&fresh);
    raw_service(&fresh);
    for (generated, checked_in) in [("event.rs", "event.rs"), ("event.Event.rs", "raw.rs")] {
        let generated = fs::read_to_string(fresh.join(generated)).unwrap();
        let path = Path::new("src/generated").join(checked_in);
        if env::var_os("LOGEATER_UPDATE").is_some() {
            fs::write(&path, &generated).unwrap();
        }
        let checked_in = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            checked_in == generated,
            "{} is stale: LOGEATER_UPDATE=1 cargo test -p logeater-proto --test generated",
            path.display(),
        );
    }
}

#[test]
fn the_descriptor_of_the_contract_is_current() {
    let descriptor = contract().encode_to_vec();
    let path = Path::new("src/generated/event.bin");
    if env::var_os("LOGEATER_UPDATE").is_some() {
        fs::write(path, &descriptor).unwrap();
    }
    let checked_in = fs::read(path).unwrap_or_default();
    assert!(
        checked_in == descriptor,
        "{} is stale: LOGEATER_UPDATE=1 cargo test -p logeater-proto --test generated",
        path.display(),
    );
}

fn contract() -> FileDescriptorSet {
    protox::compile(["proto/event.proto"], ["proto"]).unwrap()
}

fn messages_and_services(out: &Path) {
    tonic_prost_build::configure()
        .build_transport(false)
        .client_mod_attribute("event", "#[cfg(feature = \"grpc\")]")
        .server_mod_attribute("event", "#[cfg(feature = \"grpc\")]")
        .out_dir(out)
        .compile_fds(contract())
        .unwrap();
}

fn raw_service(out: &Path) {
    let method = |name: &str, route: &str, answer: &str| {
        manual::Method::builder()
            .name(name)
            .route_name(route)
            .input_type("::bytes::Bytes")
            .output_type(answer)
            .codec_path("crate::RawCodec")
            .build()
    };
    let service = manual::Service::builder()
        .name("Event")
        .package("event")
        .method(method("push", "Push", "crate::event::EventResponse"))
        .method(method(
            "push_batch",
            "PushBatch",
            "crate::event::BatchResponse",
        ))
        .build();
    manual::Builder::new()
        .build_client(false)
        .build_transport(false)
        .out_dir(out)
        .compile(&[service]);
}

fn tempdir() -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    fs::create_dir_all(&folder).unwrap();
    folder
}
