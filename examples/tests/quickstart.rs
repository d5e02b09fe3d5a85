//! The quickstart as a person runs it: a real repository, the real program, and its store read by SQL.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use logeater_examples::terminal::{COLUMNS, columns_in};
use rusqlite::Connection;
use rusqlite::types::FromSql;

const COMMITS: u32 = 3_000;

/// What a user may have told git for good, and what must change nothing.
const CONFIGURATION: &str = "
[log]
    showRoot = false
    showSignature = true
    diffMerges = first-parent
    decorate = full
[diff]
    renames = false
    external = false
    relative = true
[color]
    ui = always
[i18n]
    logOutputEncoding = ISO-8859-1
[core]
    quotePath = true
";

#[test]
fn every_commit_becomes_an_event_and_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::new(&folder.path().join("a repository"));
    repository.import(&history());
    let data = folder.path().join("it's data");
    let output = repository.quickstart(&["--data".as_ref(), data.as_os_str()]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stderr), "", "nobody looks at a terminal");

    let store = Store(Connection::open(data.join("logeater.db")).unwrap());
    assert_eq!(store.get::<u32>("SELECT count(*) FROM events"), COMMITS);
    assert_eq!(store.get::<u32>("SELECT count(*) FROM \"commit\""), COMMITS);
    assert_eq!(
        store.get::<u32>("SELECT count(*) FROM events JOIN \"commit\" USING (event_id)"),
        COMMITS
    );
    assert_eq!(store.get::<u32>("SELECT count(*) FROM dead_letters"), 0);

    let hashes: String = store
        .get("SELECT group_concat(hash, x'0a') FROM (SELECT hash FROM \"commit\" ORDER BY hash)");
    let mut expected: Vec<_> = repository
        .git(&["rev-list", "HEAD"])
        .lines()
        .map(str::to_owned)
        .collect();
    expected.sort();
    assert!(hashes.lines().eq(&expected), "the ids are git's");

    let merges = repository.git(&["rev-list", "--count", "--merges", "HEAD"]);
    assert_eq!(
        store
            .get::<u32>("SELECT count(*) FROM events WHERE type = 'commit.merged'")
            .to_string(),
        merges
    );
    let parents = "SELECT count(*) FROM \"commit\" WHERE json_array_length(parents) = 2";
    assert_eq!(store.get::<u32>(parents).to_string(), merges);
    assert_ne!(merges, "0");

    let added =
        "SELECT sum(change.value ->> '$.added') FROM \"commit\", json_each(changes) AS change";
    assert_eq!(store.get::<u32>(added), lines_added(&repository));

    let shown = text(&output.stdout);
    for expected in [
        "3,000 commits of ",
        "emitted               3,000\n",
        "delivered             3,000\n",
        "rejected                  0\n",
        "dropped                   0\n",
        "commit, rows of commit.made, commit.merged\n",
        "changes         RECORD     REPEATED",
        "LEFT JOIN logeater.\"commit\" AS \"commit\" ON event.event_id = \"commit\".event_id\n",
        "commit.hash ",
        "山田太郎",
        "  sqlite3 \"/",
    ] {
        assert!(
            shown.contains(expected),
            "{expected:?} is missing in:\n{shown}"
        );
    }
    for line in shown
        .lines()
        .filter(|line| !line.contains("logeater.db") && !line.contains("a repository"))
    {
        assert!(
            columns_in(line) <= COLUMNS,
            "{} columns: {line}",
            columns_in(line)
        );
    }
    assert!(!shown.contains('\u{1b}'), "no commit controls the terminal");
}

#[test]
fn strange_commits_keep_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::new(folder.path());
    repository.import(&strange_history());
    let data = folder.path().join("data");
    let output = repository.quickstart(&["--data".as_ref(), data.as_os_str()]);
    assert!(output.status.success(), "{output:?}");

    let store = Store(Connection::open(data.join("logeater.db")).unwrap());
    let of = |subject: &str, expression: &str| -> Option<String> {
        store.get(&format!(
            "SELECT CAST({expression} AS TEXT) FROM events AS event JOIN \"commit\" USING (event_id) WHERE subject = '{subject}'"
        ))
    };
    let is = |subject: &str, expression: &str, expected: &str| {
        assert_eq!(
            of(subject, expression).as_deref(),
            Some(expected),
            "{expression} of {subject}"
        );
    };
    is("old", "timestamp", "1970-01-02T00:00:00.000000Z");
    is("old", "changes", r#"[{"path":"a","added":1,"removed":0}]"#);
    is(
        "old",
        "author",
        r#"{"name":"Eve \"the\\one\" O'Neil","email":"eve@x"}"#,
    );
    is("old", "user_id", "eve@x");
    is("epoch", "timestamp", "1970-01-01T00:00:00.000000Z");
    is(
        "beyond all calendars",
        "timestamp",
        "1970-01-01T00:00:00.000000Z",
    );
    is("far", "timestamp", "5138-11-16T09:46:39.000000Z");
    is("nobody", "author", r#"{"name":"","email":""}"#);
    assert_eq!(of("nobody", "user_id"), None);
    is("empty", "changes", "[]");
    is("empty", "files", "0");
    is("binary", "changes", r#"[{"path":"logo.png"}]"#);
    is(
        "renamed",
        "changes",
        r#"[{"path":"b c","added":0,"removed":0}]"#,
    );
    is(
        "odd paths",
        "changes",
        r#"[{"path":"caf�","added":1,"removed":0},{"path":"tab\tand\nline","added":1,"removed":0}]"#,
    );
    is("日本語 and 🦀", "author ->> '$.name'", "山田太郎");
    is("latin", "author ->> '$.name'", "Jos�");
    is("café", "author ->> '$.name'", "José");
    is("many files", "files", "5000");
    assert!(
        of("many files", "json_array_length(changes)")
            .unwrap()
            .parse::<u32>()
            .unwrap()
            > 500
    );
    let total = repository.git(&["rev-list", "--count", "HEAD"]);
    assert_eq!(
        store.get::<u32>("SELECT count(*) FROM events").to_string(),
        total
    );
}

#[test]
fn what_cannot_be_shown_is_one_line_and_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    fs::create_dir(&plain).unwrap();
    fails(
        &quickstart(&plain, &[]),
        "is in no git repository that can be read (not a git repository",
    );
    fails(
        &quickstart(&folder.path().join("missing"), &[]),
        "No such file or directory",
    );

    let empty = Repository::new(&folder.path().join("empty"));
    fails(&empty.quickstart(&[]), "has no commits yet");

    let without_git = command(&plain).env("PATH", &plain).output().unwrap();
    fails(
        &without_git,
        "git was not found: install it, or put it on the PATH",
    );

    let used = folder.path().join("used");
    fs::create_dir(&used).unwrap();
    fs::write(used.join("logeater.db"), "").unwrap();
    let repository = Repository::new(&folder.path().join("repository"));
    repository.import(&strange_history());
    let data: [&OsStr; 2] = ["--data".as_ref(), used.as_os_str()];
    fails(
        &repository.quickstart(&data),
        "would have every commit twice: name another folder",
    );

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    fails(
        &repository.quickstart(&["--data".as_ref(), file.as_os_str()]),
        "file",
    );
}

fn fails(output: &Output, reason: &str) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(text(&output.stdout), "");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.starts_with("quickstart: ") && said.contains(reason),
        "{said}"
    );
}

/// Thousands of commits of several authors, with merges.
fn history() -> Vec<u8> {
    let mut import = Import::default();
    for number in 0..COMMITS {
        let author = [
            "Ann <ann@example.org>",
            "山田太郎 <taro@example.jp>",
            "Bob <bob@example.org>",
        ][number as usize % 3];
        let subject = format!("Commit {number}: a subject that is longer than a column \u{1b}[31m");
        import.commit(author, u64::from(1_700_000_000 + number * 9_000), &subject);
        if number % 50 == 49 {
            import.line(&format!("merge :{}", number - 9));
        }
        if number % 40 != 39 {
            import.file(
                &format!("src/{}.rs", number % 70),
                format!("{number}\n").repeat(number as usize % 9).as_bytes(),
            );
        }
    }
    import.stream
}

fn strange_history() -> Vec<u8> {
    let mut import = Import::default();
    import.commit("Eve \"the\\one\" O'Neil <eve@x>", 86_400, "old");
    import.file("a", b"1\n");
    import.commit("Ann <ann@x>", 0, "epoch");
    import.commit("Ann <ann@x>", 99_999_999_999_999, "beyond all calendars");
    import.commit("Ann <ann@x>", 99_999_999_999, "far");
    import.commit(" <>", 1_700_000_000, "nobody");
    import.commit("Ann <ann@x>", 1_700_000_000, "empty");
    import.commit("Ann <ann@x>", 1_700_000_000, "binary");
    import.file("logo.png", b"\x89PNG\0\0");
    import.commit("Ann <ann@x>", 1_700_000_000, "renamed");
    import.line("R a \"b c\"");
    import.commit("Ann <ann@x>", 1_700_000_000, "odd paths");
    import.file(r#""tab\tand\nline""#, b"1\n");
    import.file(r#""caf\351""#, b"1\n");
    import.commit("山田太郎 <taro@x>", 1_700_000_000, "日本語 and 🦀");
    import.commit_of(b"Jos\xe9 <jose@x>", 1_700_000_000, "latin");
    import.commit("José <jose@x>", 1_700_000_000, "café");
    import.commit("Ann <ann@x>", 1_700_000_000, "");
    import.commit("Ann <ann@x>", 1_700_000_000, "many files");
    for number in 0..5_000 {
        import.file(
            &format!("a/folder/with/a/rather/long/path/to/number/{number}"),
            b"1\n",
        );
    }
    import.stream
}

/// A stream for `git fast-import`: <https://git-scm.com/docs/git-fast-import#_input_format>.
#[derive(Default)]
struct Import {
    stream: Vec<u8>,
    commits: u32,
}

impl Import {
    fn commit(&mut self, author: &str, seconds: u64, subject: &str) {
        self.commit_of(author.as_bytes(), seconds, subject);
    }

    fn commit_of(&mut self, author: &[u8], seconds: u64, subject: &str) {
        self.commits += 1;
        self.line("commit refs/heads/main");
        self.line(&format!("mark :{}", self.commits));
        for role in ["author", "committer"] {
            self.stream.extend([role.as_bytes(), b" ", author].concat());
            self.line(&format!(" {seconds} +0200"));
        }
        self.line(&format!("data {}\n{subject}", subject.len()));
        if self.commits > 1 {
            self.line(&format!("from :{}", self.commits - 1));
        }
    }

    fn file(&mut self, path: &str, content: &[u8]) {
        self.line(&format!("M 100644 inline {path}\ndata {}", content.len()));
        self.stream.extend(content);
        self.line("");
    }

    fn line(&mut self, line: &str) {
        self.stream.extend(line.as_bytes());
        self.stream.push(b'\n');
    }
}

struct Repository {
    path: PathBuf,
}

impl Repository {
    fn new(path: &Path) -> Self {
        fs::create_dir_all(path).unwrap();
        let repository = Self {
            path: path.to_owned(),
        };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        fs::write(repository.configuration(), CONFIGURATION).unwrap();
        repository
    }

    fn configuration(&self) -> PathBuf {
        self.path.join(".git/users-own")
    }

    fn import(&self, stream: &[u8]) {
        let mut git = git(&self.path);
        git.args(["fast-import", "--quiet", "--date-format=raw-permissive"])
            .stdin(Stdio::piped());
        let mut git = git.spawn().unwrap();
        git.stdin.take().unwrap().write_all(stream).unwrap();
        assert!(git.wait().unwrap().success());
    }

    /// What git says, without the last line's end.
    fn git(&self, arguments: &[&str]) -> String {
        let output = git(&self.path).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        text(&output.stdout).trim_end().to_owned()
    }

    fn quickstart(&self, arguments: &[&OsStr]) -> Output {
        command(&self.path)
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", self.configuration())
            .output()
            .unwrap()
    }
}

fn git(path: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C")
        .arg(path)
        .env("GIT_CONFIG_GLOBAL", "")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    git
}

/// The lines added by all commits, by git's own count.
fn lines_added(repository: &Repository) -> u32 {
    let lines = repository.git(&["log", "--numstat", "--format="]);
    lines
        .lines()
        .filter_map(|line| line.split('\t').next()?.parse::<u32>().ok())
        .sum()
}

struct Store(Connection);

impl Store {
    fn get<T: FromSql>(&self, query: &str) -> T {
        self.0
            .query_row(query, [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{query}: {error}"))
    }
}

fn quickstart(path: &Path, arguments: &[&OsStr]) -> Output {
    command(path).args(arguments).output().unwrap()
}

fn command(path: &Path) -> Command {
    let mut command = Command::new(program());
    command.arg(path);
    command
}

/// The example, which `cargo test` builds beside the tests; a single test is run without it.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("examples");
    let program = folder
        .join("quickstart")
        .with_extension(std::env::consts::EXE_EXTENSION);
    if !program.exists() {
        let build = [
            "build",
            "--package",
            env!("CARGO_PKG_NAME"),
            "--example",
            "quickstart",
        ];
        assert!(
            Command::new(env!("CARGO"))
                .args(build)
                .status()
                .unwrap()
                .success()
        );
    }
    program
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}
