//! Details of fields with attributes, of enums with data, and of other crates' types, against serde's writing.
//!
//! As in `details`, the warehouse's form is spelled out in other words than in the code under test.

use logeater_client::{Client, Event};
use proptest::prelude::*;

use crate::details::both;
use crate::values::attributes::attributes;
use crate::values::foreign::foreign;

proptest! {
    #[test]
    fn fields_with_attributes_are_written_as_serde_writes_them(event in attributes()) {
        let (ours, serdes) = both(&event);
        prop_assert_eq!(ours, serdes);
    }

    #[test]
    fn other_crates_types_are_written_as_those_crates_format_them(event in foreign()) {
        let (ours, serdes) = both(&event);
        prop_assert_eq!(ours, serdes);
    }
}

#[test]
fn a_value_beyond_its_limit_is_a_counted_loss() {
    #[derive(Event)]
    #[event("limits.held")]
    struct Limits {
        #[event(int64)]
        count: u64,
        #[event(max_length = 1)]
        code: &'static str,
    }
    let (client, recorded) = Client::recording();
    client.emit(Limits {
        count: u64::MAX,
        code: "a",
    });
    client.emit(Limits {
        count: 1,
        code: "ab",
    });
    client.emit(Limits {
        count: 1,
        code: "a",
    });
    assert_eq!(recorded.events().len(), 1);
    assert_eq!((client.stats().delivered, client.stats().dropped), (1, 2));
}
