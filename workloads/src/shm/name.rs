//! Names of segments: checked once, so that none reaches outside the folder of shared memory.

use super::SegmentError;
use std::fmt;

/// A valid segment name, with the leading slash that the system calls want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// Longest name, without the slash.
const NAME_BYTES_MAX: usize = 200;

impl Name {
    /// Accepts ASCII letters, digits, `.`, `_` and `-`, not starting with a dot; a leading slash may be left out.
    ///
    /// # Errors
    /// [`SegmentError::BadName`] with what is wrong.
    pub fn new(name: &str) -> Result<Self, SegmentError> {
        let bare = name.strip_prefix('/').unwrap_or(name);
        match fault(bare) {
            Some(fault) => Err(SegmentError::BadName { name: name.into(), fault }),
            None => Ok(Name(format!("/{bare}"))),
        }
    }

    /// The name with its slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn fault(bare: &str) -> Option<&'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if bare.is_empty() {
        Some("it is empty")
    } else if bare.len() > NAME_BYTES_MAX {
        Some("it is longer than 200 bytes")
    } else if bare.starts_with('.') {
        Some("it starts with a dot")
    } else if !bare.chars().all(allowed) {
        Some("it has characters other than ASCII letters, digits, '.', '_' and '-'")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_are_taken_with_or_without_the_slash() {
        for name in ["feed", "/feed", "a.b_c-9", &"x".repeat(200)] {
            assert_eq!(Name::new(name).unwrap().as_str(), format!("/{}", name.trim_start_matches('/')));
        }
    }

    #[test]
    fn names_that_could_reach_elsewhere_are_refused() {
        let long = "x".repeat(201);
        for name in ["", "/", "//a", "a/b", "..", ".", ".hidden", "../up", "a b", "a\0b", "ä", &long] {
            assert!(matches!(Name::new(name), Err(SegmentError::BadName { .. })), "{name:?}");
        }
    }
}
