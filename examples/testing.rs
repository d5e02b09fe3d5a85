//! A unit test of the events that a function emits: no server, no waiting.
//!
//! `cargo test -p logeater-examples --example testing`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use logeater_client::{Client, Event, EventExt};

/// An order was paid.
#[derive(Event)]
#[event("order.pay")]
struct Pay {
    cart: u32,
    amount_cents: u32,
}

/// A payment was refused.
#[derive(Event)]
#[event("order.refuse")]
struct Refuse {
    cart: u32,
}

/// What the application does. It takes the client, so that a test can give it another.
fn pay(events: &Client, user: &str, cart: u32, amount_cents: u32) {
    if amount_cents > 100_000 {
        events.emit(Refuse { cart }.by(user));
    } else {
        events.emit(Pay { cart, amount_cents }.by(user));
    }
}

fn main() {
    let (client, recorded) = Client::recording();
    pay(&client, "u-42", 1, 1_999);
    pay(&client, "u-42", 2, 200_000);
    for event in recorded.events() {
        println!(
            "{:14}{}",
            event.event_type,
            event.details.unwrap_or_default()
        );
    }
}

#[test]
fn a_large_payment_is_refused() {
    let (client, recorded) = Client::recording();
    pay(&client, "u-42", 2, 200_000);

    assert!(recorded.of::<Pay>().is_empty());
    let [refuse] = &recorded.of::<Refuse>()[..] else {
        panic!("one refusal, and not {recorded:?}");
    };
    assert_eq!(refuse.user_id.as_deref(), Some("u-42"));
    assert_eq!(refuse.details.as_deref(), Some(r#"{"cart":2}"#));
}

#[test]
fn a_payment_tells_its_amount() {
    let (client, recorded) = Client::recording();
    pay(&client, "u-42", 1, 1_999);

    let paid: Vec<_> = recorded.of::<Pay>();
    assert_eq!(
        paid[0].details.as_deref(),
        Some(r#"{"cart":1,"amount_cents":1999}"#)
    );
    assert!(recorded.of::<Refuse>().is_empty());
}
