//! The wire of logeater: the gRPC contract, its limits, and the encoder and decoder of entries.
//!
//! An [`Envelope`] and its details become one [`EventEntry`](event::EventEntry) by [`write_entry`], and
//! [`frame_entry`] appends that entry to a buffer which, at any moment, is a whole
//! [`EventBatch`](event::EventBatch). On the other side [`entries`] and [`EntryRef`] read them in place,
//! without a copy. No clock, no task, no I/O.
//!
//! The feature `grpc` adds the services: [`event::event_client`] and [`event::event_server`] of whole
//! messages, and [`raw::event_server`] of the bytes as they came.

mod decode;
mod encode;
mod limits;
#[cfg(feature = "grpc")]
mod raw_codec;

/// The messages and services of `proto/event.proto`, as generated.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
#[rustfmt::skip]
#[path = "generated/event.rs"]
pub mod event;

/// The same service, generated over the bytes of a request instead of its messages.
#[cfg(feature = "grpc")]
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
#[rustfmt::skip]
#[path = "generated/raw.rs"]
pub mod raw;

/// `proto/event.proto` as an encoded `google.protobuf.FileDescriptorSet`, for the reflection service.
#[cfg(feature = "grpc")]
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/event.bin");

pub use decode::{DecodeError, EntryRef, entries};
pub use encode::{
    EVENT_ID_FIELD_BYTES, Envelope, frame_entry, framed_len, write_entry, write_event_id,
};
pub use limits::{ENTRY_BYTES_MAX, REQUEST_BYTES_MAX, REQUEST_ENTRIES_MAX, SERVICE_BYTES_MAX};
#[cfg(feature = "grpc")]
pub use raw_codec::RawCodec;
