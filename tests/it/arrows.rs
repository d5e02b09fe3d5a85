//! The house's plan: which crate may know which, and what a client without features is.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// What each crate may depend on, of our own.
const ARROWS: [(&str, &[&str]); 5] = [
    ("logeater-derive", &[]),
    ("logeater-proto", &[]),
    ("logeater-schema", &["logeater-derive"]),
    ("logeater-client", &["logeater-proto", "logeater-schema"]),
    ("logeater-server", &["logeater-proto", "logeater-schema"]),
];

fn metadata(arguments: &[&str]) -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    command.other_options(
        arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect::<Vec<_>>(),
    );
    command.exec().unwrap()
}

fn own_dependencies(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .map(|dependency| dependency.name.as_str())
        .filter(|name| is_ours(name))
        .collect()
}

fn is_ours(name: &str) -> bool {
    name.starts_with("logeater")
}

#[test]
fn arrows_run_one_way() {
    let metadata = metadata(&["--no-deps"]);
    let allowed: BTreeMap<_, BTreeSet<_>> = ARROWS
        .into_iter()
        .map(|(name, targets)| (name, targets.iter().copied().collect()))
        .collect();
    let mut seen = BTreeSet::new();
    for package in &metadata.packages {
        let Some(allowed) = allowed.get(package.name.as_str()) else {
            continue;
        };
        seen.insert(package.name.as_str());
        assert_eq!(&own_dependencies(package), allowed, "{}", package.name);
    }
    assert_eq!(
        seen.len(),
        ARROWS.len(),
        "a crate has gone, or has another name: {seen:?}"
    );
}

#[test]
fn every_dependency_is_named_in_the_workspace_table() {
    let manifests = metadata(&["--no-deps"])
        .packages
        .into_iter()
        .map(|package| package.manifest_path);
    for manifest in manifests {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let tables = text
            .split("\n[")
            .filter(|table| table.contains("dependencies]"));
        for line in tables.flat_map(|table| table.lines().skip(1)) {
            let names_a_dependency = !line.is_empty() && !line.starts_with('#');
            assert!(
                !names_a_dependency || line.contains("workspace = true"),
                "{manifest}: {line}"
            );
        }
    }
}

#[test]
fn a_client_without_features_knows_no_transport() {
    let tree = tree(&["--no-default-features"]);
    for transport in ["tokio", "tonic", "hyper", "logeater-proto", "inventory"] {
        assert!(!tree.contains(transport), "{transport} is in {tree:?}");
    }
    assert!(tree.contains("logeater-schema"));
}

#[test]
fn a_client_needs_no_c_compiler_and_no_protoc() {
    let tree = tree(&[]);
    assert!(tree.contains("tonic"));
    for tool in [
        "cc",
        "cmake",
        "bindgen",
        "prost-build",
        "protoc-bin-vendored",
        "openssl-sys",
        "ring",
        "rustls",
    ] {
        assert!(!tree.contains(tool), "{tool} is in {tree:?}");
    }
}

#[test]
fn gzip_needs_no_c_compiler() {
    let tree = tree(&["--features", "gzip"]);
    assert!(tree.contains("flate2") && !tree.contains("cc"), "{tree:?}");
}

#[test]
fn tls_has_one_provider_and_needs_no_more_than_a_c_compiler() {
    let tree = tree(&["--features", "tls"]);
    assert!(tree.contains("ring") && tree.contains("rustls-native-certs"));
    for tool in ["cmake", "bindgen", "aws-lc-rs", "openssl-sys", "native-tls"] {
        assert!(!tree.contains(tool), "{tool} is in {tree:?}");
    }
}

/// The crates that `logeater-client` is built with, build dependencies included.
fn tree(features: &[&str]) -> BTreeSet<String> {
    let output = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "-p",
            "logeater-client",
            "-e",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{lib}",
        ])
        .args(features)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).unwrap();
    names
        .lines()
        .map(|name| name.trim_end_matches(" (*)").replace('_', "-"))
        .collect()
}

#[test]
fn dependencies_between_our_crates_are_normal_ones() {
    let metadata = metadata(&["--no-deps"]);
    let names: BTreeSet<_> = ARROWS.into_iter().map(|(name, _)| name).collect();
    for package in metadata
        .packages
        .iter()
        .filter(|package| names.contains(package.name.as_str()))
    {
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| is_ours(&dependency.name))
        {
            assert_eq!(
                dependency.kind,
                DependencyKind::Normal,
                "{} → {}",
                package.name,
                dependency.name
            );
        }
    }
}
