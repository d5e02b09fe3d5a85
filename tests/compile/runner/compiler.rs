//! Calls the compiler on one file that names `logeater_client`, as cargo would call it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The compiler, and where it finds what cases name.
pub(crate) struct Compiler {
    /// Where cargo calls it: from here it finds the lines of our crates that it shows.
    workspace: PathBuf,
    client: PathBuf,
    dependencies: PathBuf,
}

/// An error in a case.
#[derive(Debug)]
pub(crate) struct Message {
    /// Where it points, from 1; 0 outside of the case.
    pub(crate) line: usize,
    /// The message, and all that stands below it.
    pub(crate) text: String,
}

impl Compiler {
    /// Has cargo check this package, whose dependencies are those of the cases: that is quick, since most
    /// is compiled already, and cargo says where it is.
    pub(crate) fn new() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["check", "--lib", "--message-format=json", "--package"])
            .arg(env!("CARGO_PKG_NAME"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let client = json_lines(&output.stdout)
            .find(|line| line["target"]["name"] == "logeater_client")
            .and_then(|line| Some(PathBuf::from(line["filenames"][0].as_str()?)));
        let Some(client) = client else {
            panic!("cargo check: {}", String::from_utf8_lossy(&output.stderr));
        };
        let dependencies = client.parent().unwrap().to_owned();
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let workspace = package.ancestors().nth(2).unwrap().to_owned();
        Self {
            workspace,
            client,
            dependencies,
        }
    }

    /// The errors that it finds in a program, but for the last, which counts them.
    pub(crate) fn errors(&self, case: &Path) -> Vec<Message> {
        let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--edition=2024", "--crate-name=case", "--error-format=json"])
            .args(["--emit=metadata", "-o"])
            .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("case.rmeta"))
            .arg("-L")
            .arg(&self.dependencies)
            .arg("--extern")
            .arg(format!("logeater_client={}", self.client.display()))
            .arg(case)
            .current_dir(&self.workspace)
            .output()
            .unwrap();
        let errors: Vec<_> = json_lines(&output.stderr)
            .filter(|message| {
                message["level"] == "error" && message["spans"] != Value::Array(vec![])
            })
            .map(|message| Message {
                line: line(&message, case),
                text: text(&message, case),
            })
            .collect();
        assert_eq!(
            output.status.success(),
            errors.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        errors
    }
}

fn json_lines(output: &[u8]) -> impl Iterator<Item = Value> {
    let lines = output.split(|&byte| byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok())
}

/// Where an error points: what is wrong in code of a macro is wrong where that is called.
fn line(message: &Value, case: &Path) -> usize {
    let mut span = elements(&message["spans"])
        .find(|span| span["is_primary"] == true)
        .unwrap_or(&Value::Null);
    while span.is_object() && !is_in(span, case) {
        span = &span["expansion"]["span"];
    }
    let line = span["line_start"].as_u64().unwrap_or(0);
    line.try_into().unwrap()
}

fn is_in(span: &Value, case: &Path) -> bool {
    span["file_name"].as_str() == case.to_str()
}

/// All that an error says: itself, its labels, its notes and helps, and the comments in the lines that it
/// shows of other files.
fn text(message: &Value, case: &Path) -> String {
    let mut texts = vec![message["message"].as_str().unwrap_or_default().to_owned()];
    for span in elements(&message["spans"]) {
        texts.extend(span["label"].as_str().map(str::to_owned));
        if !is_in(span, case) {
            let lines = elements(&span["text"]).filter_map(|line| line["text"].as_str());
            let comments = lines.filter_map(|line| line.split_once("// "));
            texts.extend(comments.map(|(_, comment)| comment.to_owned()));
        }
    }
    texts.extend(elements(&message["children"]).map(|child| text(child, case)));
    texts.join("\n")
}

fn elements(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
