//! A process of its own for what is measured: a program that answers each line on its standard input with one.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{fs, io};

use crate::{Failure, process_seconds};

/// The process; dropped, it is killed.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Taken when it is told to end.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    url: String,
}

impl Process {
    /// Starts it, and waits for its first line: where it listens.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = child.stdin.take();
        let answers = child.stdout.take().ok_or("no way to hear the process")?;
        let mut process = Self {
            child,
            questions,
            answers: BufReader::new(answers),
            url: String::new(),
        };
        process.url = process.line()?;
        Ok(process)
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The number that it answers: of the events that it has.
    ///
    /// # Errors
    ///
    /// When it has ended, or answers no number.
    pub fn events(&mut self) -> Result<f64, Failure> {
        let questions = self.questions.as_mut().ok_or("the process has ended")?;
        writeln!(questions)?;
        Ok(self.line()?.parse()?)
    }

    /// Its CPU time so far, in seconds.
    ///
    /// # Errors
    ///
    /// As [`process_seconds`].
    pub fn cpu_seconds(&self) -> io::Result<f64> {
        process_seconds(&self.child.id().to_string())
    }

    /// The most memory that it has had, in bytes.
    ///
    /// # Errors
    ///
    /// Where Linux's `/proc` has no such process.
    pub fn memory_peak(&self) -> io::Result<f64> {
        // It is said in KiB.
        self.figure("status", "VmHWM:")
            .map(|kibibytes| kibibytes * 1024.0)
    }

    /// The bytes that it has made the system write to disks.
    ///
    /// # Errors
    ///
    /// Where Linux's `/proc` has no such process.
    pub fn written_bytes(&self) -> io::Result<f64> {
        self.figure("io", "write_bytes:")
    }

    /// Closes its standard input, and waits until it has ended.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub fn end(mut self) -> Result<(), Failure> {
        drop(self.questions.take());
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the process ended with {status}").into())
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// The number behind a name in a file of `/proc/PROCESS`.
    fn figure(&self, file: &str, name: &str) -> io::Result<f64> {
        let lines = fs::read_to_string(format!("/proc/{}/{file}", self.child.id()))?;
        let words = lines.lines().find_map(|line| line.strip_prefix(name));
        let number = words.and_then(|words| words.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| io::Error::other(format!("no {name} in {file}")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
