//! The program `logeater`.

fn main() -> std::process::ExitCode {
    logeater_server::cli::main()
}
