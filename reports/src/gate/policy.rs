//! What a judged gate means for the exit code.

use super::{Gate, Verdict};
use std::str::FromStr;

/// Nothing to object to.
pub const OK: u8 = 0;
/// A row is slower.
pub const SLOWER: u8 = 10;
/// A documented target is missed.
pub const TARGET_MISSED: u8 = 11;
/// Both.
pub const SLOWER_AND_TARGET_MISSED: u8 = 12;
/// A row is unresolved, and nothing less than resolved was asked for.
pub const UNRESOLVED: u8 = 21;
/// A row broke.
pub const BROKE: u8 = 30;

/// What fails a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// Which findings fail it.
    pub fail_on: FailOn,
    /// Whether a gate that cannot tell fails as well.
    pub strict: bool,
}

/// The findings that fail a gate; without being told, a slower row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailOn {
    /// A row is slower.
    pub slower: bool,
    /// A documented target is missed.
    pub target: bool,
}

impl Default for FailOn {
    fn default() -> Self {
        FailOn { slower: true, target: false }
    }
}

impl FromStr for FailOn {
    type Err = String;

    /// `slower`, `target`, `slower,target`, `none`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut fail_on = FailOn { slower: false, target: false };
        for word in text.split(',').map(str::trim) {
            match word {
                "slower" => fail_on.slower = true,
                "target" => fail_on.target = true,
                "none" if text.trim() == "none" => {}
                _ => {
                    return Err(format!(
                        "`{word}` fails no gate; write slower, target, both with a comma, or none"
                    ));
                }
            }
        }
        Ok(fail_on)
    }
}

/// The exit code of a gate: 30 before 10 to 12 before 21 before 0.
pub fn exit_code(gate: &Gate, policy: &Policy) -> u8 {
    let slower = policy.fail_on.slower && gate.count(Verdict::Slower) > 0;
    let target = policy.fail_on.target && !gate.missed_targets.is_empty();
    let undecided = gate.count(Verdict::Unresolved) > 0 || gate.compared() == 0;
    match (gate.count(Verdict::Broke) > 0, slower, target) {
        (true, ..) => BROKE,
        (_, true, true) => SLOWER_AND_TARGET_MISSED,
        (_, true, false) => SLOWER,
        (_, false, true) => TARGET_MISSED,
        _ if policy.strict && undecided => UNRESOLVED,
        _ => OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixture;

    fn code(verdicts: &[Verdict], targets: &[&str], policy: &Policy) -> u8 {
        let mut gate = fixture::gate();
        gate.rows.retain(|row| verdicts.contains(&row.verdict));
        gate.missed_targets = targets.iter().map(|id| (*id).into()).collect();
        exit_code(&gate, policy)
    }

    #[test]
    fn the_exit_code_tells_the_gravest_finding_that_the_policy_names() {
        use Verdict::{Broke, Same, Slower, Unresolved};
        let (plain, strict) = (Policy::default(), Policy { strict: true, ..Policy::default() });
        let both = Policy { fail_on: "slower, target".parse().unwrap(), strict: true };
        let none = Policy { fail_on: "none".parse().unwrap(), strict: false };
        let targets = &["ring.spsc.op"][..];
        let cases: [(&[Verdict], &[&str], Policy, u8); 11] = [
            (&[Same], &[], strict, 0),
            (&[Same, Slower], &[], plain, 10),
            (&[Same, Slower], targets, plain, 10),
            (&[Same], targets, plain, 0),
            (&[Same], targets, both, 11),
            (&[Slower, Unresolved], targets, both, 12),
            (&[Same, Unresolved], &[], plain, 0),
            (&[Same, Unresolved], &[], strict, 21),
            (&[], &[], strict, 21),
            (&[Slower], targets, none, 0),
            (&[Slower, Broke], targets, both, 30),
        ];
        for (verdicts, targets, policy, expected) in cases {
            assert_eq!(code(verdicts, targets, &policy), expected, "{verdicts:?} {targets:?} {policy:?}");
        }
    }

    #[test]
    fn a_finding_that_does_not_exist_is_refused_by_name() {
        assert!("slower,alarms".parse::<FailOn>().unwrap_err().contains("`alarms`"));
        assert!("none,slower".parse::<FailOn>().is_err());
    }
}
