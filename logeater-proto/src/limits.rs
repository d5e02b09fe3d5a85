//! The limits of the wire, checked by both sides.

/// The most bytes that one encoded entry may have: 1 MiB.
pub const ENTRY_BYTES_MAX: usize = 1 << 20;

/// The most entries that one request may have.
pub const REQUEST_ENTRIES_MAX: u32 = 100_000;

/// The most bytes that one request may have: 4 MiB, the default limit of gRPC servers.
pub const REQUEST_BYTES_MAX: usize = 4 << 20;

/// The most bytes that the name of a service may have. Servers of the first contract have no such limit.
pub const SERVICE_BYTES_MAX: usize = 255;
