//! An event as one line of JSON.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::StoredEvent;

#[derive(Serialize)]
struct Line<'a> {
    event_id: &'a str,
    cluster_key: &'a str,
    timestamp: &'a str,
    service: &'a str,
    r#type: &'a str,
    user_id: Option<&'a str>,
    details: Option<Details<'a>>,
}

/// Details are written as they are; what somebody else has put there and is no JSON becomes a string.
struct Details<'a>(&'a str);

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(self.0) {
            Ok(json) => json.serialize(serializer),
            Err(_) => self.0.serialize(serializer),
        }
    }
}

/// Appends an event and a line feed: an object with the columns of the events table, its details an object in it.
pub(crate) fn write(event: &StoredEvent, out: &mut Vec<u8>) {
    let line = Line {
        event_id: &event.event_id,
        cluster_key: &event.cluster_key,
        timestamp: &event.timestamp,
        service: &event.service,
        r#type: &event.event_type,
        user_id: event.user_id.as_deref(),
        details: event.details.as_deref().map(Details),
    };
    let start = out.len();
    // Neither text nor memory can fail.
    _ = serde_json::to_writer(&mut *out, &line);
    for byte in &mut out[start..] {
        // In JSON a line can only break between tokens.
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(details: &str) -> String {
        let event = StoredEvent {
            sequence: 1,
            event_id: "an id".to_owned(),
            cluster_key: "2026-01-31".to_owned(),
            timestamp: "2026-01-31T12:00:00.000000Z".to_owned(),
            service: "shop \"one\"".to_owned(),
            event_type: "cart.add".to_owned(),
            user_id: None,
            details: Some(details.to_owned()),
        };
        let mut out = Vec::new();
        write(&event, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn details_are_written_as_they_are() {
        assert_eq!(
            line(r#"{"price":1.10,"id":123456789012345678901234567890,"text":"a\nb"}"#),
            concat!(
                r#"{"event_id":"an id","cluster_key":"2026-01-31","timestamp":"2026-01-31T12:00:00.000000Z","#,
                r#""service":"shop \"one\"","type":"cart.add","user_id":null,"#,
                r#""details":{"price":1.10,"id":123456789012345678901234567890,"text":"a\nb"}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn an_event_is_one_line_however_its_details_are_written() {
        let line = line("{\r\n  \"a\": 1\n}");
        assert!(line.ends_with("\"details\":{    \"a\": 1 }}\n"), "{line}");
    }

    #[test]
    fn details_that_are_no_json_are_a_string() {
        let line = line("by hand");
        assert!(line.ends_with("\"details\":\"by hand\"}\n"), "{line}");
    }
}
