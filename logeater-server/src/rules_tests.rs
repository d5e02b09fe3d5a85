use super::*;

fn event(event_type: &str, details: &str) -> StoredEvent {
    StoredEvent {
        sequence: 7,
        event_id: "01920000-0000-7000-8000-000000000001".to_owned(),
        cluster_key: "2026-01-31".to_owned(),
        timestamp: "2026-01-31T12:00:00.000000Z".to_owned(),
        service: "shop".to_owned(),
        event_type: event_type.to_owned(),
        user_id: Some("u-1".to_owned()),
        details: Some(details.to_owned()),
    }
}

fn rules(rules: impl IntoIterator<Item = Rule>) -> Rules {
    // However slow the machine is.
    Rules::new(rules.into_iter().collect()).patience(Duration::from_hours(1))
}

/// What a rule with this filter makes of an event with these details.
fn filtered(filter: &str, details: &str) -> Fate {
    let rule = Rule::new("*").unwrap().filter(filter).unwrap();
    fate(&rules([rule]), "archive", event("cart.add", details))
}

fn fate(rules: &Rules, sink: &str, event: StoredEvent) -> Fate {
    let mut fates = rules.apply_to_all(sink, &[event]).unwrap();
    assert_eq!(fates.len(), 1);
    fates.remove(0)
}

fn refused(fate: Fate) -> String {
    match fate {
        Fate::Refuse(event, reason) => {
            assert_eq!(event.sequence, 7, "the event as it was");
            reason
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_rules_all_is_delivered() {
    let event = event("cart.add", "{}");
    assert_eq!(
        fate(&rules([]), "archive", event.clone()),
        Fate::Deliver(event)
    );
}

#[test]
fn a_pattern_matches_any_levels() {
    let dropped = |pattern: &str, event_type: &str| {
        let rule = Rule::new(pattern).unwrap().drop_all();
        fate(&rules([rule]), "archive", event(event_type, "{}")) == Fate::LeaveOut
    };
    assert!(dropped("cart.*", "cart.add"));
    assert!(dropped("cart.*", "cart.add.from_mobile"));
    assert!(!dropped("cart.*", "cartoon.add"));
    assert!(dropped("{cart,order}.*", "order.pay"));
    assert!(dropped("*.add", "cart.add"));
    assert!(!dropped("cart.add", "cart.added"));
}

#[test]
fn a_rule_names_the_sinks_of_its_types_alone() {
    let rule = || Rule::new("cart.*").unwrap().sinks(["warehouse"]);
    let fate = |sink, event_type| fate(&rules([rule()]), sink, event(event_type, "{}"));
    assert_eq!(fate("archive", "cart.add"), Fate::LeaveOut);
    assert!(matches!(fate("warehouse", "cart.add"), Fate::Deliver(_)));
    assert!(matches!(fate("archive", "order.pay"), Fate::Deliver(_)));
}

#[test]
fn a_filter_changes_the_event_but_not_its_id() {
    let filter =
        r#".details.price /= 100 | .user_id = null | .event_id = "another" | .service += "!""#;
    let expected = StoredEvent {
        user_id: None,
        service: "shop!".to_owned(),
        ..event("cart.add", r#"{"price":12.5,"sku":"a"}"#)
    };
    let fate = filtered(filter, r#"{"price":1250,"sku":"a"}"#);
    assert_eq!(fate, Fate::Deliver(expected));
}

#[test]
fn a_timestamp_that_a_filter_gives_is_in_utc() {
    let expected = StoredEvent {
        timestamp: "2026-01-31T10:00:00.000000Z".to_owned(),
        ..event("cart.add", "{}")
    };
    let fate = filtered(r#".timestamp = "2026-01-31T12:00:00+02:00""#, "{}");
    assert_eq!(fate, Fate::Deliver(expected));
}

#[test]
fn numbers_that_a_filter_does_not_touch_stay_exact() {
    let details = r#"{"id":123456789012345678901234567890,"price":1.10,"big":9007199254740993}"#;
    let expected = event("cart.add", details);
    assert_eq!(filtered(".", details), Fate::Deliver(expected));
}

#[test]
fn a_filter_that_gives_nothing_leaves_the_event_out() {
    assert_eq!(
        filtered("select(.details.price > 10)", r#"{"price":1}"#),
        Fate::LeaveOut
    );
}

#[test]
fn rules_are_applied_in_their_order_to_the_type_that_was_sent() {
    let first = Rule::new("cart.*")
        .unwrap()
        .filter(r#".type = "basket.add""#)
        .unwrap();
    let second = Rule::new("basket.*").unwrap().drop_all();
    let third = Rule::new("cart.*")
        .unwrap()
        .filter(".details.seen = .type")
        .unwrap();
    let expected = event("basket.add", r#"{"seen":"basket.add"}"#);
    let fate = fate(
        &rules([first, second, third]),
        "archive",
        event("cart.add", "{}"),
    );
    assert_eq!(fate, Fate::Deliver(expected));
}

#[test]
fn what_a_filter_cannot_do_is_the_reason_of_a_dead_letter() {
    assert_eq!(
        refused(filtered(".details.price / 2", r#"{"price":"a"}"#)),
        "rule 1 (`*`): the filter failed: cannot calculate \"a\" / 2"
    );
    assert_eq!(
        refused(filtered("., .", "{}")),
        "rule 1 (`*`): the filter gave more than one event"
    );
    assert_eq!(
        refused(filtered(".details", r#"{"a":1}"#)),
        "rule 1 (`*`): the filter gave what is no event: missing field `timestamp` at line 1 column 7: {\"a\":1}"
    );
    assert_eq!(
        refused(filtered(".details = [1]", "{}")),
        "rule 1 (`*`): the filter gave details that are no object"
    );
    assert_eq!(
        refused(filtered("1", "{}")),
        "rule 1 (`*`): the filter gave what is no event: invalid type: integer `1`, expected an event at line 1 column 1: 1"
    );
    assert_eq!(
        refused(filtered(".timestamp = \"nonsense\"", "{}")),
        "rule 1 (`*`): the filter gave what is no event: timestamp `nonsense` is none such as 2026-01-31T12:00:00Z"
    );
    for change in [".type = \"\"", ".type = \"cart add\"", ".service *= 100"] {
        let reason = refused(filtered(change, "{}"));
        assert!(reason.contains("gave what is no event: "), "{reason}");
    }
}

#[test]
fn a_reason_shows_no_more_of_a_value_than_people_read() {
    for filter in [
        "error(.details.a * 1000)",
        ".details.a * 1000",
        "(.details.a * 1000) / 2",
    ] {
        let reason = refused(filtered(filter, r#"{"a":"a text"}"#));
        assert!(reason.len() < 600, "{filter}: {reason}");
    }
}

#[test]
fn a_filter_that_does_not_compile_says_where() {
    let error = |code: &str| {
        Rule::new("*")
            .unwrap()
            .filter(code)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(".details | nothing(1)"),
        "the filter does not compile: undefined filter at `nothing(1)`"
    );
    assert_eq!(
        error(".details | ("),
        "the filter does not compile: expected closing parenthesis at its end"
    );
}

#[test]
fn a_pattern_that_is_none_and_a_share_that_is_none_are_named() {
    let pattern = Rule::new("cart.[a").unwrap_err();
    assert_eq!(
        pattern.to_string(),
        "`cart.[a` is no pattern of event types: unclosed character class; missing ']'; write for example `cart.*`"
    );
    let share = Rule::new("*").unwrap().sample(10.0).unwrap_err();
    assert_eq!(
        share.to_string(),
        "a sample is a share from 0 to 1, such as 0.1 for a tenth, and not 10"
    );
}

/// Checks that each of these filters goes beyond a bound, and that the reason says which.
fn check_bound<const N: usize>(filters: [&str; N], bound: &str) {
    for filter in filters {
        let reason = refused(filtered(filter, r#"{"a":1}"#));
        assert_eq!(reason, format!("rule 1 (`*`): {bound}"), "{filter}");
    }
}

#[test]
fn a_filter_that_never_ends_is_the_reason_of_a_dead_letter() {
    let endless = [
        "def f: f; f",
        "last(repeat(.))",
        "until(false; .)",
        "[range(infinite)]",
        "reduce range(0; infinite) as $i (.; .)",
        "last(foreach repeat(1) as $i (0; . + $i))",
        "try (def f: f; f) catch .",
        "[.details[] |= (def f: f; f)]",
        "path(def f: f; f)",
        "def f(g): f(g | g); f(.)",
        "[range(1000)] as $a | [$a[] as $x | $a[] as $y | if $x == $y then 1 else {}[] end] | length",
        "[range(1000)] as $a | $a | .[] |= ($a[] as $x | empty)",
        "[range(1000) | []] as $a | last($a[] | $a[][])",
        "[range(1000)] as $a | last($a[] | $a | ..)",
        r#"("1 " * 1000) as $a | last(($a | fromjson) | ($a | fromjson) | empty)"#,
        "(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|empty",
    ];
    check_bound(endless, "the filter takes more than 250000 steps");
}

#[test]
fn a_filter_that_takes_too_long_is_the_reason_of_a_dead_letter() {
    let rule = Rule::new("*").unwrap().filter("[.details[]]").unwrap();
    let rules = rules([rule]).patience(Duration::ZERO);
    let fate = fate(&rules, "archive", event("cart.add", r#"{"a":1}"#));
    assert_eq!(
        refused(fate),
        "rule 1 (`*`): the filter takes more than 0ns"
    );
}

#[test]
fn a_filter_that_calls_itself_too_deep_does_not_overflow_the_stack() {
    let deep = [
        "def f: 1 + f; f",
        "def f: [f]; f",
        "def f: f | f; f",
        "[limit(1; def f: try error catch f; f)]",
    ];
    check_bound(deep, "the filter calls itself too deep");
}

#[test]
fn a_filter_that_makes_too_much_is_the_reason_of_a_dead_letter() {
    let large = [
        "reduce range(90000) as $i (.; [.])",
        "last(limit(90000; def f: ., ([.] | f); f))",
        r#"def f: . + . | f; "a" | f"#,
        "def f: . * . | f; 3 | f",
        ".service * 1000000000",
        ".service *= 1000000000",
        "1000000000000000000000 * .service",
        "reduce range(40) as $i (.; [., .])",
        "def f: . + . | f; [1] | f",
        "[range(3000)] as $a | [range(3000) as $i | $a | .[0] = $i] | length",
        "[range(3000)] as $a | reduce range(3000) as $i ({}; .[$i | tostring] = ($a | .[0] = $i)) | length",
        "[range(3000)] as $a | reduce range(3000) as $i ({}; . + {($i | tostring): ($a | .[0] = $i)}) | length",
        r#"[range(1000) | "a" * 1000000] | length"#,
        ". as $x | . as $y | {$x, $y} | . as $x | {$x, y: .} | def f: . as $x | . as $y | {$x, $y} | f; f",
    ];
    check_bound(large, "the filter makes a value that is too large");
}

#[test]
fn a_filter_within_its_bounds_gives_what_jq_gives() {
    // By jq 1.7.
    let filters = [
        (
            "def f: if . > 50000 then . else . + 1 | f end; .details.a |= f",
            r#"{"a":50001}"#,
        ),
        (".details.a = [limit(3; repeat(7))]", r#"{"a":[7,7,7]}"#),
        (".details.a *= 3", r#"{"a":3}"#),
        (".details.a = .details.a * 4 * 5", r#"{"a":20}"#),
        (r#".details.a = "ab" * 2"#, r#"{"a":"abab"}"#),
        (".details *= {b: {c: 2}}", r#"{"a":1,"b":{"c":2}}"#),
        (".details.a = [range(0; 10; 3)]", r#"{"a":[0,3,6,9]}"#),
        (
            ".details.a = reduce range(4) as $i (0; . + $i)",
            r#"{"a":6}"#,
        ),
        (
            ".details.a = [foreach range(4) as $i (0; . + $i; [$i, .])]",
            r#"{"a":[[0,0],[1,1],[2,3],[3,6]]}"#,
        ),
        (".details |= with_entries(.key += \"!\")", r#"{"a!":1}"#),
        (
            "def inc($x; f): $x + f; .details.a |= inc(2; 3)",
            r#"{"a":5}"#,
        ),
        (
            ".details.a = [1 | recurse(if . < 3 then . + 1 else empty end)]",
            r#"{"a":[1,2,3]}"#,
        ),
        (".details.a = (.details | [paths])", r#"{"a":[["a"]]}"#),
        (
            r#".details.a = (. as {details: {a: $x}} | "\($x * 2)")"#,
            r#"{"a":"2"}"#,
        ),
        ("del(.details.a)", "{}"),
        (
            ".details.b = [1, 2] | .details.b[] += 1",
            r#"{"a":1,"b":[2,3]}"#,
        ),
        (
            ".details.a = ([[1], 2, {b: 3}] | [.[][]?])",
            r#"{"a":[1,3]}"#,
        ),
        (
            ".details.a = ({b: [1], k: 0} | [.b[], .b[.k]])",
            r#"{"a":[1,1]}"#,
        ),
        (
            ".details.a = ([[1, [2]]] | [.. | numbers])",
            r#"{"a":[1,2]}"#,
        ),
    ];
    for (filter, details) in filters {
        let expected = event("cart.add", details);
        assert_eq!(
            filtered(filter, r#"{"a":1}"#),
            Fate::Deliver(expected),
            "{filter}"
        );
    }
}
