//! The git repository: whether there is one, how many commits it has, and the process that lists them.

use std::error::Error;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use logeater_examples::git_log::{ARGUMENTS, Commits};

/// What a pipe holds on Linux.
const PIPE_BYTES: usize = 64 << 10;

/// Variables that git sets for hooks, and with which it would not look where it is told to.
const ELSEWHERE: [&str; 3] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"];

/// A repository that has commits.
pub(crate) struct Repository {
    path: PathBuf,
    commits: u64,
}

/// The commits of a repository, the newest first, as `git log` finds them.
pub(crate) struct History {
    git: Child,
    log: BufReader<ChildStdout>,
}

impl Repository {
    /// Looks at the repository that contains the folder `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, Box<dyn Error>> {
        let path = path
            .canonicalize()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let shown = path.display();
        let found = output(&path, &["rev-parse", "--git-dir"])?;
        if !found.status.success() {
            let hint = "name one: cargo run --example quickstart -- PATH";
            return Err(format!(
                "{shown} is in no git repository that can be read ({}); {hint}",
                complaint(&found)
            )
            .into());
        }
        if !output(
            &path,
            &["rev-parse", "--quiet", "--verify", "HEAD^{commit}"],
        )?
        .status
        .success()
        {
            return Err(format!("the repository of {shown} has no commits yet").into());
        }
        let counted = output(&path, &["rev-list", "--count", "HEAD"])?;
        let commits = String::from_utf8_lossy(&counted.stdout).trim().parse();
        let commits = commits.map_err(|_| {
            format!(
                "git cannot count the commits of {shown}: {}",
                complaint(&counted)
            )
        })?;
        Ok(Self { path, commits })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How many commits there are.
    pub(crate) fn commits(&self) -> u64 {
        self.commits
    }

    /// Starts to list them.
    pub(crate) fn history(&self) -> Result<History, Box<dyn Error>> {
        let mut git = git(&self.path)
            .args(ARGUMENTS)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| not_started(&error))?;
        let log = git.stdout.take().ok_or("git has no output")?;
        Ok(History {
            git,
            log: BufReader::with_capacity(PIPE_BYTES, log),
        })
    }
}

impl History {
    /// Reads them one by one while git still looks for the next ones.
    pub(crate) fn commits(&mut self) -> Commits<&mut BufReader<ChildStdout>> {
        Commits::read(&mut self.log)
    }

    /// Asks git whether these were all.
    pub(crate) fn finish(mut self) -> Result<(), Box<dyn Error>> {
        let status = self.git.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("git could not list all commits: {status}").into())
        }
    }
}

fn output(path: &Path, arguments: &[&str]) -> Result<Output, String> {
    git(path)
        .args(arguments)
        .output()
        .map_err(|error| not_started(&error))
}

fn git(path: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(path).stdin(Stdio::null());
    for variable in ELSEWHERE {
        git.env_remove(variable);
    }
    git
}

fn not_started(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "git was not found: install it, or put it on the PATH".to_owned()
        }
        _ => format!("git cannot be started: {error}"),
    }
}

/// What git says is wrong, in one line.
fn complaint(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines()
        .next()
        .unwrap_or("git does not say why")
        .trim_start_matches("fatal: ")
        .to_owned()
}
