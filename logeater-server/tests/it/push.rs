//! What becomes of an event: its rows, and what the client is told.

use crate::support::{Folder, Running, batch, client, event, event_with_id};

const CART: &str = r#"{"name":"sku","type":"STRING"},{"name":"quantity","type":"INTEGER"}"#;

#[tokio::test]
async fn an_acknowledged_event_is_a_row_that_others_can_read_at_once() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let before = jiff::Timestamp::now().strftime("%F").to_string();
    let mut entry = event("cart.add", r#"{"sku": "ä"}"#);
    entry.event_id = Some((0..16).collect());

    let answer = running
        .client()
        .await
        .push(entry)
        .await
        .unwrap()
        .into_inner();

    assert!(answer.success);
    let rows = folder
        .rows("SELECT rowid, event_id, timestamp, service, type, user_id, details FROM events");
    assert_eq!(
        rows,
        [
            r#"1|'00010203-0405-0607-0809-0a0b0c0d0e0f'|'2026-01-31T12:00:00.000000Z'|'shop'|'cart.add'|'u-1'|'{"sku": "ä"}'"#
        ]
    );
    let day: String = folder.one("SELECT cluster_key FROM events", []);
    let after = jiff::Timestamp::now().strftime("%F").to_string();
    assert!(day == before || day == after, "{day}");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_event_without_an_id_gets_one_and_absent_fields_are_null() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let mut entry = event("cart.add", "");
    entry.user_id = None;
    running.client().await.push(entry).await.unwrap();

    assert_eq!(
        folder
            .rows("SELECT length(event_id), substr(event_id, 15, 1), user_id, details FROM events"),
        ["36|'7'|NULL|NULL"]
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn one_bad_entry_of_a_batch_is_refused_alone() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let entries = [
        event("cart.add", "{}"),
        event("cart.add", "[]"),
        event("CART", "{}"),
        event("cart.reset", ""),
    ];

    let answer = running
        .client()
        .await
        .push_batch(batch(entries))
        .await
        .unwrap()
        .into_inner();

    assert_eq!(answer.accepted, 2);
    let [first, second] = &answer.rejected[..] else {
        panic!("{answer:?}")
    };
    assert_eq!((first.index, second.index), (1, 2));
    assert!(
        first
            .reason
            .starts_with("details are not one JSON object: invalid type: sequence"),
        "{first:?}"
    );
    assert!(second.reason.starts_with("type `CART`: "), "{second:?}");
    assert_eq!(
        folder.rows("SELECT type FROM events ORDER BY rowid"),
        ["'cart.add'", "'cart.reset'"]
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_push_that_is_refused_is_an_invalid_argument_with_the_reason() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;

    let status = running
        .client()
        .await
        .push(event("cart", "{}"))
        .await
        .unwrap_err();

    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(status.message().starts_with("type `cart`: "), "{status}");
    running.stop().await.unwrap();
    let refused = "SELECT value FROM _logeater WHERE key = 'refused'";
    assert_eq!(folder.one::<i64>(refused, []), 1);
}

#[tokio::test]
async fn the_same_id_is_the_same_event_and_is_stored_once() {
    let folder = Folder::new();
    folder.declare_cart(CART);
    let running = Running::start(folder.config()).await;
    let mut client = running.client().await;
    let first = event_with_id(1, "cart.add", r#"{"sku":"a"}"#);
    let again = event_with_id(1, "cart.add", r#"{"sku":"b"}"#);
    let misfit = event_with_id(1, "cart.add", r#"{"sku":1}"#);

    let answer = client
        .push_batch(batch([first.clone(), again]))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.accepted, 2);
    client.push(first).await.unwrap();
    client.push(misfit).await.unwrap();
    client
        .push(event_with_id(2, "cart.add", r#"{"sku":"c"}"#))
        .await
        .unwrap();

    assert_eq!(
        folder.rows("SELECT rowid, details FROM events"),
        [r#"1|'{"sku":"a"}'"#, r#"2|'{"sku":"c"}'"#]
    );
    assert_eq!(folder.rows("SELECT sku FROM cart"), ["'a'", "'c'"]);
    assert_eq!(
        folder.one::<i64>("SELECT count(*) FROM dead_letters", []),
        0
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_known_type_fills_its_table_in_the_same_moment() {
    let folder = Folder::new();
    folder.declare_cart(
        r#"{"name":"sku","type":"STRING"},{"name":"quantity","type":"INTEGER"},{"name":"price","type":"NUMERIC"},
        {"name":"weight","type":"FLOAT"},{"name":"gift","type":"BOOLEAN"},{"name":"code","type":"BYTES"},
        {"name":"at","type":"TIMESTAMP"},{"name":"tags","type":"STRING","mode":"REPEATED"},
        {"name":"address","type":"RECORD","fields":[{"name":"city","type":"STRING"}]},
        {"name":"extra","type":"JSON"},{"name":"absent","type":"STRING"},{"name":"limits","type":"FLOAT"}"#,
    );
    let running = Running::start(folder.config()).await;
    let details = r#"{"sku":"12","quantity":-3,"price":"0012.50","weight":2,"gift":true,"code":"AP8=",
        "at":"2026-01-31T13:00:00+01:00","tags":["a","b"],"address":{"city":"Köln"},"extra":17,"limits":"Infinity"}"#;
    running
        .client()
        .await
        .push(event_with_id(1, "cart.add", details))
        .await
        .unwrap();

    let columns = "event_id, sku, quantity, price, weight, gift, code, at, tags, address, extra, absent, limits";
    assert_eq!(
        folder.rows(&format!("SELECT {columns} FROM cart")),
        [
            "'00000000-0000-0000-0000-000000000001'|'12'|-3|'0012.50'|2.0|1|[00, ff]|'2026-01-31T12:00:00.000000Z'|\
         '[\"a\",\"b\"]'|'{\"city\":\"Köln\"}'|'17'|NULL|'Infinity'"
        ]
    );
    let same_day = "SELECT count(*) FROM events JOIN cart USING (event_id, cluster_key)";
    assert_eq!(folder.one::<i64>(same_day, []), 1);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_type_that_the_catalog_does_not_know_keeps_its_details() {
    let folder = Folder::new();
    folder.declare_cart(CART);
    let running = Running::start(folder.config()).await;
    running
        .client()
        .await
        .push(event("cart.remove", r#"{"anything":[1]}"#))
        .await
        .unwrap();

    assert_eq!(
        folder.rows("SELECT details FROM events"),
        [r#"'{"anything":[1]}'"#]
    );
    assert_eq!(
        folder.one::<i64>(
            "SELECT (SELECT count(*) FROM cart) + (SELECT count(*) FROM dead_letters)",
            []
        ),
        0
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn details_that_do_not_fit_go_to_the_dead_letters_and_the_event_is_kept() {
    let folder = Folder::new();
    folder.declare_cart(CART);
    let running = Running::start(folder.config()).await;
    let entries = [
        event_with_id(1, "cart.add", r#"{"quantity":"many"}"#),
        event_with_id(2, "cart.add", r#"{"sku":"a"}"#),
        event_with_id(3, "cart.add", r#"{"color":"red"}"#),
    ];

    let answer = running
        .client()
        .await
        .push_batch(batch(entries))
        .await
        .unwrap()
        .into_inner();

    assert_eq!((answer.accepted, answer.rejected.len()), (3, 0));
    assert_eq!(folder.one::<i64>("SELECT count(*) FROM events", []), 3);
    assert_eq!(folder.rows("SELECT sku FROM cart"), ["'a'"]);
    assert_eq!(
        folder.rows(
            "SELECT substr(event_id, 36), refused_by, reason, type, details FROM dead_letters"
        ),
        [
            "'1'|'table cart'|'column `quantity`: expected INTEGER, found \"many\"'|'cart.add'|'{\"quantity\":\"many\"}'",
            "'3'|'table cart'|'column `color`: the catalog has no such column'|'cart.add'|'{\"color\":\"red\"}'",
        ]
    );
    let moments = "SELECT count(*) FROM dead_letters
        WHERE refused_at GLOB '????-??-??T??:??:??.??????Z' AND substr(refused_at, 1, 10) = cluster_key";
    assert_eq!(folder.one::<i64>(moments, []), 2);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_missing_required_column_does_not_fit() {
    let folder = Folder::new();
    folder.declare_cart(r#"{"name":"sku","type":"STRING","mode":"REQUIRED"}"#);
    let running = Running::start(folder.config()).await;
    running
        .client()
        .await
        .push(event("cart.add", ""))
        .await
        .unwrap();

    assert_eq!(
        folder.rows("SELECT reason FROM dead_letters"),
        ["'column `sku`: it is REQUIRED and missing'"]
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_column_of_another_type_of_the_namespace_is_stored_too() {
    let folder = Folder::new();
    folder.declare(
        "cart",
        r#"{"name":"old","type":"STRING"},{"name":"sku","type":"STRING"}"#,
        r#"{"type":"cart.add","rust_type":"CartAdd","columns":["sku"]}"#,
    );
    let running = Running::start(folder.config()).await;
    let entries = [
        event("cart.add", r#"{"sku":"a"}"#),
        event("cart.add", r#"{"sku":"b","old":"c"}"#),
    ];
    running
        .client()
        .await
        .push_batch(batch(entries))
        .await
        .unwrap();

    assert_eq!(
        folder.rows("SELECT old, sku FROM cart ORDER BY sku"),
        ["NULL|'a'", "'c'|'b'"]
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn tables_and_columns_may_have_names_of_sql() {
    let folder = Folder::new();
    let events = r#"{"type":"order.commit","rust_type":"X","columns":["group","select"]}"#;
    folder.declare(
        "order",
        r#"{"name":"group","type":"STRING"},{"name":"select","type":"INTEGER"}"#,
        events,
    );
    let running = Running::start(folder.config()).await;
    running
        .client()
        .await
        .push(event("order.commit", r#"{"group":"a","select":1}"#))
        .await
        .unwrap();

    assert_eq!(
        folder.rows(r#"SELECT "group", "select" FROM "order""#),
        ["'a'|1"]
    );
    running.stop().await.unwrap();
}

#[tokio::test]
async fn concurrent_pushes_are_all_stored() {
    let folder = Folder::new();
    let running = Running::start(folder.config()).await;
    let pushes: Vec<_> = (1..=40)
        .map(|id| {
            let address = running.address.clone();
            tokio::spawn(async move {
                client(&address)
                    .await
                    .push(event_with_id(id, "cart.add", "{}"))
                    .await
                    .unwrap();
            })
        })
        .collect();
    for push in pushes {
        push.await.unwrap();
    }

    assert_eq!(
        folder.one::<String>(
            "SELECT min(rowid) || '..' || max(rowid) || ' ' || count(*) FROM events",
            []
        ),
        "1..40 40"
    );
    running.stop().await.unwrap();
}
