//! Why the program ends without having done what it was asked for.

/// A failure that one line explains. Where nothing else is said, the arguments are to blame.
pub type CliError = Box<dyn std::error::Error>;

/// How the program ends.
#[derive(Debug, Clone, Copy)]
pub enum ExitStatus {
    /// The answer to a question is no.
    No = 1,
    /// The arguments are wrong, as clap ends.
    Usage = 2,
    /// An input is not there, or can't be read.
    Input = 3,
    /// An input is no picture, or none that can be shown.
    Picture = 4,
    /// An output can't be written.
    Output = 5,
    /// A link is not let in.
    Link = 6,
}

/// A failure with a code of its own.
#[derive(Debug)]
struct CodedError {
    code: ExitStatus,
    reason: String,
}

/// Returns a failure that ends the program with that code.
pub fn error_with_code(code: ExitStatus, reason: impl std::fmt::Display) -> CliError {
    Box::new(CodedError { code, reason: reason.to_string() })
}

/// Returns the code that a failure ends the program with.
pub fn code_of(failure: &CliError) -> ExitStatus {
    failure.downcast_ref::<CodedError>().map_or(ExitStatus::Usage, |error| error.code)
}

impl std::fmt::Display for CodedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for CodedError {}
