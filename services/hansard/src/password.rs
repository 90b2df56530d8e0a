//! Where a command gets somebody's password from: never from an argument, which everybody on the machine
//! can read and a shell remembers.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::Context as _;
use clap::Args;
use runtime::Ids;

/// Of these a password is made: 32 letters and digits that nobody mistakes for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 120 bits.
const LENGTH: usize = 24;
/// The longest line that is read: no password is longer.
const LINE_BYTES_MAX: u64 = 4096;

/// The choice.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct PasswordSource {
    /// Read the password from the first line of standard input.
    #[arg(long)]
    password_stdin: bool,
    /// Make a password and print it, this once.
    #[arg(long)]
    generate: bool,
}

/// A password, and whether it was made here, so that somebody has to be told.
pub(crate) struct Chosen {
    pub(crate) password: String,
    pub(crate) is_generated: bool,
}

impl PasswordSource {
    /// The password; asked for on the terminal, twice and unseen, unless said otherwise.
    pub(crate) fn choose(&self, ids: &Ids) -> anyhow::Result<Chosen> {
        if self.generate {
            return Ok(Chosen { password: generate(ids), is_generated: true });
        }
        let password = if self.password_stdin { first_line()? } else { asked_for()? };
        anyhow::ensure!(!password.is_empty(), "the password is empty");
        Ok(Chosen { password, is_generated: false })
    }
}

fn generate(ids: &Ids) -> String {
    ids.random::<LENGTH>().iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

fn first_line() -> anyhow::Result<String> {
    let mut line = String::new();
    let read = std::io::Read::take(std::io::stdin().lock(), LINE_BYTES_MAX).read_line(&mut line);
    read.context("the password cannot be read from standard input")?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

fn asked_for() -> anyhow::Result<String> {
    anyhow::ensure!(
        std::io::stdin().is_terminal(),
        "there is no terminal to ask for the password on: give --password-stdin or --generate"
    );
    let first = rpassword::prompt_password("Password: ").context("the password cannot be asked for")?;
    let again = rpassword::prompt_password("The same again: ").context("the password cannot be asked for")?;
    anyhow::ensure!(first == again, "the two are not the same");
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_password_is_long_and_plain() {
        let [one, other] = [generate(&Ids::system()), generate(&Ids::system())];
        assert_eq!(one.len(), LENGTH);
        assert!(one.bytes().all(|byte| ALPHABET.contains(&byte)), "{one}");
        assert_ne!(one, other);
    }
}
