//! `uuid`, `url`, `bytes`.

use bytes::{Bytes, BytesMut};
use logeater_schema::{Column, ColumnType, UserId};
use proptest::prelude::*;
use url::Url;
use uuid::Uuid;

use crate::written;

proptest! {
    #[test]
    fn a_uuid_is_its_text_and_a_user_id(bits: u128) {
        let id = Uuid::from_u128(bits);
        prop_assert_eq!(written(&id), Ok(format!("\"{id}\"")));
        let user_id = id.user_id().map(std::borrow::Cow::into_owned);
        prop_assert_eq!(user_id, Some(id.to_string()));
    }

    #[test]
    fn a_url_is_its_text(path in any::<String>()) {
        let mut url = Url::parse("https://example.com").expect("a URL");
        url.set_path(&path);
        url.set_query(Some(&path));
        prop_assert_eq!(written(&url), Ok(serde_json::to_string(url.as_str()).expect("text")));
    }

    #[test]
    fn bytes_are_those_of_a_vec(bytes: Vec<u8>) {
        prop_assert_eq!(written(&Bytes::from(bytes.clone())), written(&bytes));
        prop_assert_eq!(written(&BytesMut::from(&bytes[..])), written(&bytes));
    }
}

#[test]
fn texts_and_bytes_are_columns_of_their_types() {
    assert_eq!(
        (Uuid::TYPE, Url::TYPE, Bytes::TYPE, <Vec<Bytes>>::TYPE),
        (
            ColumnType::String,
            ColumnType::String,
            ColumnType::Bytes,
            ColumnType::Bytes
        )
    );
}
