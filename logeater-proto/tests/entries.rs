//! Holds the encoder and the decoder against bytes worked out by hand, and against prost.

use logeater_proto::event::{EventBatch, EventEntry, EventResponse};
use logeater_proto::{
    DecodeError, ENTRY_BYTES_MAX, EVENT_ID_FIELD_BYTES, EntryRef, Envelope, entries, frame_entry,
    framed_len, write_entry, write_event_id,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message;

/// timestamp = 1,700,000,000,000; service = "checkout"; type = "cart.add"; `user_id` = "u-42";
/// details = {"sku":"A-1"}.
///
/// By <https://protobuf.dev/programming-guides/encoding/>: a tag is the field's number times 8 plus the wire
/// type; 1,700,000,000,000 is 0x18BCFE56800, in groups of seven bits from the lowest 00, 50, 15, 7F, 45, 31 (hex).
const SEED_ENTRY: &[u8] = b"\x08\x80\xd0\x95\xff\xbc\x31\
    \x12\x08checkout\
    \x1a\x08cart.add\
    \x22\x04u-42\
    \x2a\x0d{\"sku\":\"A-1\"}";

/// `event_id`, field 15, 16 bytes.
const ID: [u8; 16] = [0, 1, 2, 3, 4, 5, 0x70, 7, 0x80, 9, 10, 11, 12, 13, 14, 15];
const ID_FIELD: &[u8] = b"\x7a\x10\x00\x01\x02\x03\x04\x05\x70\x07\x80\x09\x0a\x0b\x0c\x0d\x0e\x0f";

fn seed_envelope() -> Envelope<'static> {
    Envelope {
        timestamp: 1_700_000_000_000,
        service: "checkout",
        event_type: "cart.add",
        user_id: Some("u-42"),
    }
}

fn written(envelope: &Envelope<'_>, details: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    write_entry(
        &mut out,
        envelope,
        details.map(|json| |out: &mut Vec<u8>| out.extend_from_slice(json.as_bytes())),
    );
    out
}

#[test]
fn the_encoder_writes_the_seeds_bytes() {
    assert_eq!(
        written(&seed_envelope(), Some("{\"sku\":\"A-1\"}")),
        SEED_ENTRY
    );
}

#[test]
fn the_messages_of_the_seed_are_these_bytes() {
    let entry = EventEntry {
        timestamp: 1_700_000_000_000,
        service: "checkout".to_owned(),
        r#type: "cart.add".to_owned(),
        user_id: Some("u-42".to_owned()),
        details: Some("{\"sku\":\"A-1\"}".to_owned()),
        event_id: None,
    };
    assert_eq!(entry.encode_to_vec(), SEED_ENTRY);
    assert_eq!(EventEntry::decode(SEED_ENTRY), Ok(entry));
    assert_eq!(EventResponse { success: true }.encode_to_vec(), b"\x08\x01");
    assert_eq!(EventResponse { success: false }.encode_to_vec(), b"");
}

#[test]
fn the_decoder_reads_the_seeds_bytes() {
    let read = EntryRef::decode(SEED_ENTRY).unwrap();
    assert_eq!(
        read,
        EntryRef {
            timestamp: 1_700_000_000_000,
            service: "checkout",
            event_type: "cart.add",
            user_id: Some("u-42"),
            details: Some("{\"sku\":\"A-1\"}"),
            event_id: None,
        }
    );
}

#[test]
fn a_batch_is_its_entries_each_behind_its_length() {
    let mut batch = Vec::new();
    frame_entry(&mut batch, SEED_ENTRY, &ID);
    let entry = [SEED_ENTRY, ID_FIELD].concat();
    let expected = [
        b"\x0a",
        &[u8::try_from(entry.len()).unwrap()],
        entry.as_slice(),
    ]
    .concat();
    assert_eq!(batch, expected);
    assert_eq!(entries(&batch).collect::<Vec<_>>(), [Ok(entry.as_slice())]);
}

#[test]
fn details_of_any_length_have_a_length_of_as_few_bytes_as_it_takes() {
    for len in [
        0,
        1,
        127,
        128,
        16_383,
        16_384,
        ENTRY_BYTES_MAX,
        2_097_151,
        2_097_152,
    ] {
        let details = "x".repeat(len);
        let expected = EventEntry {
            details: Some(details.clone()),
            ..EventEntry::default()
        };
        assert!(
            written(&Envelope::default(), Some(&details)) == expected.encode_to_vec(),
            "{len} bytes"
        );
    }
}

#[test]
fn the_encoder_allocates_nothing_where_there_is_room() {
    let mut out = Vec::with_capacity(1_024);
    let before = out.as_ptr();
    write_entry(
        &mut out,
        &seed_envelope(),
        Some(|out: &mut Vec<u8>| out.extend_from_slice(&[b'x'; 200])),
    );
    write_event_id(&mut out, &ID);
    assert_eq!((out.as_ptr(), out.capacity()), (before, 1_024));
}

#[test]
fn fields_that_a_newer_contract_may_add_are_passed_over() {
    // 16 = 1, 17 = 8 bytes, 18 = "hi", 19 = a group that holds 1 = 5, 20 = 4 bytes.
    let newer = b"\x80\x01\x01\x89\x0112345678\x92\x01\x02hi\x9b\x01\x08\x05\x9c\x01\xa5\x011234";
    let entry = [newer.as_slice(), SEED_ENTRY].concat();
    assert_eq!(EntryRef::decode(&entry), EntryRef::decode(SEED_ENTRY));
}

#[test]
fn what_is_no_entry_is_an_error_that_says_why() {
    let cases: [(&[u8], DecodeError); 8] = [
        (b"\x12\x08check", DecodeError::Truncated),
        (b"\x08\x80", DecodeError::Truncated),
        (b"\x12\x02\xff\xfe", DecodeError::Utf8("service")),
        (b"\x10\x01", DecodeError::WireType("service")),
        (b"\x0a\x01x", DecodeError::WireType("timestamp")),
        (b"\x00\x01", DecodeError::Malformed),
        (
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            DecodeError::Malformed,
        ),
        (b"\x9b\x01\x08\x05", DecodeError::Truncated),
    ];
    for (bytes, error) in cases {
        assert_eq!(EntryRef::decode(bytes), Err(error), "{bytes:x?}");
    }
}

#[test]
fn the_first_error_of_a_batch_is_the_last_item() {
    for bytes in [b"\x0a\x00\x08\x01\x0a\x00", b"\x0a\x00\x0a\x7f\x0a\x00"] {
        let read: Vec<_> = entries(bytes).collect();
        assert!(matches!(read[..], [Ok([]), Err(_)]), "{read:?}");
    }
}

#[test]
fn groups_nested_without_end_do_not_exhaust_the_stack() {
    assert_eq!(
        EntryRef::decode(&[0x83, 0x01].repeat(100_000)),
        Err(DecodeError::Malformed)
    );
}

prop_compose! {
    fn any_entry()(
        timestamp in any::<i64>(),
        service in ".{0,20}",
        event_type in ".{0,20}",
        user_id in option::of(".{0,20}"),
        details in option::of(prop_oneof![".{0,40}", ".{100,300}"]),
        event_id in any::<[u8; 16]>(),
    ) -> EventEntry {
        EventEntry { timestamp, service, r#type: event_type, user_id, details, event_id: Some(event_id.to_vec()) }
    }
}

fn envelope(entry: &EventEntry) -> Envelope<'_> {
    Envelope {
        timestamp: entry.timestamp,
        service: &entry.service,
        event_type: &entry.r#type,
        user_id: entry.user_id.as_deref(),
    }
}

fn as_message(entry: EntryRef<'_>) -> EventEntry {
    EventEntry {
        timestamp: entry.timestamp,
        service: entry.service.to_owned(),
        r#type: entry.event_type.to_owned(),
        user_id: entry.user_id.map(ToOwned::to_owned),
        details: entry.details.map(ToOwned::to_owned),
        event_id: entry.event_id.map(ToOwned::to_owned),
    }
}

proptest! {
    #[test]
    fn the_encoder_writes_what_prost_writes(all in vec(any_entry(), 0..5)) {
        let mut batch = Vec::new();
        for entry in &all {
            let before = batch.len();
            let bytes = written(&envelope(entry), entry.details.as_deref());
            let id = entry.event_id.as_deref().unwrap().try_into().unwrap();
            frame_entry(&mut batch, &bytes, id);
            prop_assert_eq!(batch.len() - before, framed_len(bytes.len() + EVENT_ID_FIELD_BYTES));
        }
        prop_assert_eq!(&batch, &EventBatch { entries: all.clone() }.encode_to_vec());
        let read: Vec<_> = entries(&batch).map(|entry| as_message(EntryRef::decode(entry.unwrap()).unwrap())).collect();
        prop_assert_eq!(read, all);
    }

    #[test]
    fn the_decoder_reads_and_refuses_what_prost_reads_and_refuses(mut bytes in vec(any::<u8>(), 0..40), entry in any_entry()) {
        // Bytes that are nearly an entry reach further than bytes of chance.
        let mut nearly = entry.encode_to_vec();
        for (at, byte) in bytes.iter().enumerate().take(3) {
            let place = at * 7 % nearly.len().max(1);
            if let Some(changed) = nearly.get_mut(place) {
                *changed = *byte;
            }
        }
        for candidate in [&nearly, &bytes] {
            prop_assert_eq!(EntryRef::decode(candidate).ok().map(as_message), EventEntry::decode(candidate.as_slice()).ok());
        }
        bytes.extend(nearly);
        prop_assert_eq!(EntryRef::decode(&bytes).ok().map(as_message), EventEntry::decode(bytes.as_slice()).ok());
    }
}
