//! The program `logeater`, as a process that a test can signal and kill.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use logeater_proto::event::event_client::EventClient;
use tonic::transport::Channel;

use super::client;

/// The program, with a configuration file.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) log: BufReader<ChildStderr>,
}

impl Program {
    pub(crate) fn start(config: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_logeater"))
            .args(["serve", "--config"])
            .arg(config)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env_remove("RUST_LOG")
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let rest = line.strip_prefix("logeater is listening on ").unwrap();
        let address = rest.split_once(',').unwrap().0.to_owned();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            address,
            log,
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Reads the log until a line has this, and gives what was read.
    pub(crate) fn read_until(&mut self, text: &str) -> String {
        let mut log = String::new();
        while !log.contains(text) {
            let read = self.log.read_line(&mut log).unwrap();
            assert_ne!(read, 0, "no `{text}` in {log}");
        }
        log
    }

    pub(crate) async fn client(&self) -> EventClient<Channel> {
        client(&format!("http://{}", self.address)).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
