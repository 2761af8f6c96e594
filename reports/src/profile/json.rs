//! The profile as it is stored: `perfbench.profile/1`.

use perfbench_harness::record::Profile;

/// One line of JSON.
pub fn render(profile: &Profile) -> String {
    serde_json::to_string(profile).expect("a profile is plain data") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::fixture;

    #[test]
    fn a_profile_survives_being_stored() {
        let profile = fixture::profile();
        assert_eq!(serde_json::from_str::<Profile>(&render(&profile)).unwrap(), profile);
    }
}
