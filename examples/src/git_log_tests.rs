//! Logs as git writes them, and what they must become.

use super::*;

const FIRST: &str = "1111111111111111111111111111111111111111";
const SECOND: &str = "2222222222222222222222222222222222222222";
const THIRD: &str = "3333333333333333333333333333333333333333";

fn read(log: impl AsRef<[u8]>) -> Vec<Commit> {
    Commits::read(log.as_ref()).collect::<Result<_>>().unwrap()
}

fn header(hash: &str, parents: &str, subject: &str) -> String {
    format!("{hash}\0{parents}\0Ann\0ann@example.org\086400\0{subject}\0")
}

fn made(hash: &str, subject: &str, changes: Vec<Change>) -> Commit {
    Commit::Made {
        hash: hash.to_owned(),
        subject: subject.to_owned(),
        author: ann(),
        files: u32::try_from(changes.len()).unwrap(),
        changes,
        user: Some("ann@example.org".to_owned()),
        written_at: SystemTime::UNIX_EPOCH + Duration::from_hours(24),
    }
}

fn ann() -> Author {
    Author {
        name: "Ann".to_owned(),
        email: "ann@example.org".to_owned(),
    }
}

fn change(path: &str, added: u32, removed: u32) -> Change {
    Change {
        path: path.to_owned(),
        added: Some(added),
        removed: Some(removed),
    }
}

fn changes_of(commit: &Commit) -> (&[Change], u32) {
    match commit {
        Commit::Made { changes, files, .. } => (changes, *files),
        Commit::Merged { .. } => panic!("{commit:?}"),
    }
}

#[test]
fn a_log_without_commits_has_none() {
    assert_eq!(read(""), []);
}

#[test]
fn each_commit_has_its_own_changes() {
    let log = [
        &header(SECOND, FIRST, "two"),
        "\n1\t0\tsrc/a.rs\x0012\t7\tsrc/b.rs\0",
        &header(FIRST, "", "one"),
        "\n3\t0\tc\0",
    ];
    let expected = [
        made(
            SECOND,
            "two",
            vec![change("src/a.rs", 1, 0), change("src/b.rs", 12, 7)],
        ),
        made(FIRST, "one", vec![change("c", 3, 0)]),
    ];
    assert_eq!(read(log.concat()), expected);
}

#[test]
fn a_commit_without_changes_is_followed_by_the_next_one() {
    let log = [
        &header(SECOND, FIRST, ""),
        &header(FIRST, "", "one"),
        "\n3\t0\tc\0",
    ];
    let expected = [
        made(SECOND, "", vec![]),
        made(FIRST, "one", vec![change("c", 3, 0)]),
    ];
    assert_eq!(read(log.concat()), expected);
}

#[test]
fn a_commit_of_several_parents_is_a_merge() {
    let log = [
        header(THIRD, &format!("{SECOND} {FIRST}"), "three"),
        header(SECOND, FIRST, "two"),
    ]
    .concat();
    let merged = Commit::Merged {
        hash: THIRD.to_owned(),
        subject: "three".to_owned(),
        author: ann(),
        parents: vec![SECOND.to_owned(), FIRST.to_owned()],
        user: Some("ann@example.org".to_owned()),
        written_at: SystemTime::UNIX_EPOCH + Duration::from_hours(24),
    };
    assert_eq!(read(log), [merged, made(SECOND, "two", vec![])]);
}

#[test]
fn a_binary_file_has_no_lines() {
    let log = [
        &header(FIRST, "", "one"),
        "\n-\t-\tlogo.png\x001\t2\tREADME\0",
    ]
    .concat();
    let logo = Change {
        path: "logo.png".to_owned(),
        added: None,
        removed: None,
    };
    assert_eq!(
        read(log),
        [made(FIRST, "one", vec![logo, change("README", 1, 2)])]
    );
}

#[test]
fn a_renamed_file_has_its_new_path() {
    let log = [
        &header(FIRST, "", "one"),
        "\n0\t1\t\0old name\0new name\x004\t0\tb\0",
    ]
    .concat();
    assert_eq!(
        read(log),
        [made(
            FIRST,
            "one",
            vec![change("new name", 0, 1), change("b", 4, 0)]
        )]
    );
}

#[test]
fn a_path_may_hold_tabs_line_ends_and_what_looks_like_a_header() {
    let log = [
        &header(FIRST, "", "one"),
        "\n1\t2\ta\tb\nc\x001\t2\t",
        SECOND,
        "\0",
    ]
    .concat();
    assert_eq!(
        read(log),
        [made(
            FIRST,
            "one",
            vec![change("a\tb\nc", 1, 2), change(SECOND, 1, 2)]
        )]
    );
}

#[test]
fn what_is_not_utf8_is_replaced() {
    let header = header(FIRST, "", "one").into_bytes();
    let commits = read([&header[..], b"\n1\t2\tcaf\xe9.txt\0"].concat());
    assert_eq!(
        commits,
        [made(FIRST, "one", vec![change("caf\u{fffd}.txt", 1, 2)])]
    );
}

#[test]
fn an_author_may_have_neither_name_nor_email() {
    let commits = read(format!("{FIRST}\0\0\0\086400\0one\0"));
    match &commits[..] {
        [Commit::Made { author, user, .. }] => {
            assert_eq!(
                *author,
                Author {
                    name: String::new(),
                    email: String::new()
                }
            );
            assert_eq!(*user, None);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_date_that_is_none_is_the_epoch() {
    for broken in [
        "",
        "-86400",
        "soon",
        "100000000000",
        "18446744073709551615",
        "99999999999999999999999",
    ] {
        assert_eq!(date(broken.as_bytes()), SystemTime::UNIX_EPOCH, "{broken}");
    }
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(99_999_999_999);
    assert_eq!(date(b"99999999999"), last);
    assert_eq!(date(b"0"), SystemTime::UNIX_EPOCH);
}

#[test]
fn thousands_of_changes_are_counted_and_the_first_are_listed() {
    let line = |file: u32| format!("1\t0\tsome/path/to/file-{file}\0");
    let lines = (0..20_000).map(line).collect::<Vec<_>>().concat();
    let commits = read(
        [
            &header(SECOND, FIRST, "two"),
            "\n",
            &lines,
            &header(FIRST, "", "one"),
        ]
        .concat(),
    );
    let (changes, files) = changes_of(&commits[0]);
    assert_eq!(files, 20_000);
    assert!(
        (1_000..20_000).contains(&changes.len()),
        "{}",
        changes.len()
    );
    assert_eq!(changes[999], change("some/path/to/file-999", 1, 0));
    assert_eq!(commits[1], made(FIRST, "one", vec![]));
}

#[test]
fn a_commit_of_the_worst_texts_is_within_its_bytes() {
    use logeater_client::{Event, JsonWriter};

    let text = "\u{1}".repeat(100_000);
    let line = format!("1\t0\t{}\0", "\u{1}".repeat(4_000));
    let log = format!(
        "{FIRST}\0\0{text}\0{text}\00\0{text}\0\n{}",
        line.repeat(300)
    );
    let mut json = Vec::new();
    read(log)[0].write_details(&mut JsonWriter::new(&mut json));
    assert!(json.len() < EVENT_BYTES_MAX - 10_000, "{}", json.len());
    assert!(json.len() > EVENT_BYTES_MAX / 2, "{}", json.len());
}

#[test]
fn a_log_that_ends_within_a_commit_is_an_error() {
    let log = [&header(FIRST, "", "one"), "\n0\t1\t\0old name\0new name\0"].concat();
    let whole = [log.len(), header(FIRST, "", "one").len(), 0];
    for end in 0..=log.len() {
        let read: Result<Vec<_>> = Commits::read(&log.as_bytes()[..end]).collect();
        assert_eq!(
            read.is_ok(),
            whole.contains(&end),
            "after {end} bytes: {read:?}"
        );
    }
}

#[test]
fn a_log_of_something_else_is_an_error() {
    let error = Commits::read(&b"gpg: Signature made\0"[..])
        .next()
        .unwrap()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected the id of a commit, found \"gpg: Signature made\""
    );
}
