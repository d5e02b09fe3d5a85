//! The program `logeater`, so that the tests can start and kill it as a process.

fn main() -> std::process::ExitCode {
    logeater_server::cli::main()
}
