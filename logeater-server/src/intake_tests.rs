use logeater_proto::{Envelope, REQUEST_ENTRIES_MAX, frame_entry, write_entry};

use super::*;
use crate::testing::cart;

const ID: [u8; 16] = [
    0x01, 0x9b, 0x7d, 0xf0, 0xab, 0xcd, 0x7e, 0xf0, 0x81, 0x23, 4, 5, 6, 7, 8, 9,
];

fn intake() -> Intake {
    let plan = cart(r#"{"name":"sku","type":"STRING"}"#, &["sku"]);
    Intake {
        plan: watch::Sender::new(Arc::new(plan)).subscribe(),
        new_id: || Uuid::from_u128(7),
    }
}

fn read_batch(request: &Bytes) -> Result<(Batch, Vec<Rejection>), String> {
    intake().batch(request, REQUEST_ENTRIES_MAX)
}

fn entry(event_type: &str, details: Option<&str>) -> Vec<u8> {
    entry_at(1_769_860_800_000, event_type, details)
}

fn entry_at(timestamp: i64, event_type: &str, details: Option<&str>) -> Vec<u8> {
    let mut entry = Vec::new();
    let envelope = Envelope {
        timestamp,
        service: "shop",
        event_type,
        user_id: None,
    };
    let details =
        details.map(|details| |out: &mut Vec<u8>| out.extend_from_slice(details.as_bytes()));
    write_entry(&mut entry, &envelope, details);
    entry
}

fn framed(entries: &[Vec<u8>]) -> Bytes {
    let mut batch = Vec::new();
    for entry in entries {
        frame_entry(&mut batch, entry, &ID);
    }
    batch.into()
}

fn reason(entry: Vec<u8>) -> String {
    intake().entry(&entry.into()).unwrap_err()
}

#[test]
fn a_row_has_the_text_of_the_entry() {
    let request = framed(&[entry("cart.add", Some(r#"{"sku":"a"}"#))]);
    let (batch, rejected) = read_batch(&request).unwrap();
    assert!(rejected.is_empty());
    let [row] = &batch.rows[..] else {
        panic!("{batch:?}")
    };
    assert_eq!(&row.event_id, b"019b7df0-abcd-7ef0-8123-040506070809");
    assert_eq!(&row.timestamp, b"2026-01-31T12:00:00.000000Z");
    assert_eq!(batch.bytes(row.service), b"shop");
    assert_eq!(batch.bytes(row.event_type), b"cart.add");
    assert_eq!(batch.bytes(row.details.unwrap()), br#"{"sku":"a"}"#);
    assert!(row.user_id.is_none());
    assert!(matches!(row.extended, Extended::Row { .. }));
}

#[test]
fn a_service_has_at_most_255_bytes() {
    let of = |service: &str| {
        let mut entry = Vec::new();
        let envelope = Envelope {
            timestamp: 1_769_860_800_000,
            service,
            event_type: "cart.add",
            user_id: None,
        };
        write_entry(&mut entry, &envelope, None::<fn(&mut Vec<u8>)>);
        entry
    };
    assert!(intake().entry(&of(&"ä".repeat(127)).into()).is_ok());
    assert_eq!(
        reason(of(&"ä".repeat(128))),
        "the name of the service has 256 bytes, and at most 255 are taken"
    );
}

#[test]
fn an_entry_without_an_id_gets_one() {
    let batch = intake().entry(&entry("cart.add", None).into()).unwrap();
    assert_eq!(
        &batch.rows[0].event_id,
        b"00000000-0000-0000-0000-000000000007"
    );
}

#[test]
fn empty_details_are_none() {
    let batch = intake().entry(&entry("cart.add", Some("")).into()).unwrap();
    assert!(batch.rows[0].details.is_none());
    assert!(
        matches!(batch.rows[0].extended, Extended::Row { .. }),
        "a row of NULLs, to be joined"
    );
}

#[test]
fn details_of_an_unknown_type_are_checked_and_no_more() {
    let batch = intake()
        .entry(&entry("cart.remove", Some(r#"{"color":1}"#)).into())
        .unwrap();
    assert!(matches!(batch.rows[0].extended, Extended::None));
    assert_eq!(
        reason(entry("cart.remove", Some("[1]"))),
        "details are not one JSON object: invalid type: sequence, expected one JSON object at line 1 column 0"
    );
}

#[test]
fn details_that_do_not_fit_are_a_dead_letter_and_no_refusal() {
    let batch = intake()
        .entry(&entry("cart.add", Some(r#"{"sku":1}"#)).into())
        .unwrap();
    let Extended::DeadLetter { reason, .. } = &batch.rows[0].extended else {
        panic!("{batch:?}")
    };
    assert_eq!(&**reason, "column `sku`: expected STRING, found 1");
}

#[test]
fn what_is_refused_is_named() {
    assert!(
        reason(entry("Cart", None)).starts_with("type `Cart`: an event type is"),
        "{}",
        reason(entry("Cart", None))
    );
    assert!(reason(entry(&"x".repeat(10_000), None)).len() < 400);

    let mut bad_id = entry("cart.add", None);
    bad_id.extend_from_slice(&[15 << 3 | 2, 3, 1, 2, 3]);
    assert_eq!(reason(bad_id), "event_id has 3 bytes, and a UUID has 16");

    let year_0 = entry_at(-62_135_596_801, "cart.add", None);
    assert_eq!(
        reason(year_0),
        "timestamp -62135596801 is not in the years 1 to 9999"
    );

    let large = entry(
        "cart.add",
        Some(&format!(r#"{{"sku":"{}"}}"#, "a".repeat(ENTRY_BYTES_MAX))),
    );
    let expected = format!(
        "the entry has {} bytes, and at most 1048576 are taken",
        large.len()
    );
    assert_eq!(reason(large), expected);
}

#[test]
fn a_refused_entry_costs_no_other() {
    let request = framed(&[
        entry("cart.add", None),
        entry("Cart", None),
        entry("cart.remove", None),
    ]);
    let (batch, rejected) = read_batch(&request).unwrap();
    assert_eq!(batch.rows.len(), 2);
    assert_eq!(
        rejected
            .iter()
            .map(|rejection| rejection.index)
            .collect::<Vec<_>>(),
        [1]
    );
}

#[test]
fn an_entry_that_is_no_message_is_refused_alone_and_a_batch_that_is_none_as_a_whole() {
    let request = framed(&[vec![0xff, 0xff], entry("cart.add", None)]);
    let (batch, rejected) = read_batch(&request).unwrap();
    assert_eq!((batch.rows.len(), rejected.len()), (1, 1));
    assert!(read_batch(&request.slice(..request.len() - 1)).is_err());
}

#[test]
fn a_batch_of_too_many_entries_is_refused_as_a_whole() {
    let most = REQUEST_ENTRIES_MAX as usize;
    let (_, rejected) = read_batch(&[0x0a, 0].repeat(most).into()).unwrap();
    assert_eq!(rejected.len(), most);
    // The answer stays under the limit of gRPC.
    assert!(
        rejected
            .iter()
            .map(|rejection| rejection.reason.len() + 10)
            .sum::<usize>()
            < 4 << 20
    );
    let error = read_batch(&[0x0a, 0].repeat(most + 1).into()).unwrap_err();
    assert_eq!(error, "a batch has at most 100000 entries");
}
