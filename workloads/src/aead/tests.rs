//! Every level against the check, the published vectors and Wycheproof's attacks; and the check against planted faults.

use super::check::check_key;
use super::{Forged, Gcm, Key, MAKERS, Nonce, Tag, VARIANTS, WORKLOAD, oracle, portable, random_bytes};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Granted, Isa, Reason, Setup};
use std::collections::BTreeMap;
use wycheproof::TestResult;
use wycheproof::aead::{Test, TestGroup, TestName, TestSet};

/// Hands the test each level that this CPU has, and says which it has not.
fn for_each_level(mut test: impl FnMut(&str, &dyn Fn(&Key) -> Box<dyn Gcm>)) {
    for (name, needs, make) in MAKERS {
        match Granted::check(*needs) {
            Ok(granted) => test(name, &|key| make(granted, key).expect("the level is granted")),
            Err(missing) => println!("skipped {name}: {missing}"),
        }
    }
}

#[test]
fn every_level_passes_the_check() {
    let inputs = BTreeMap::new();
    for variant in VARIANTS {
        match Granted::check(variant.needs) {
            Err(missing) => println!("skipped {}: {missing}", variant.name),
            Ok(granted) => {
                let setup =
                    Setup { point: &WORKLOAD.points[0], granted, cpus: &[0], seed: 7, inputs: &inputs };
                assert_eq!((variant.check)(&setup), Ok(()), "{}", variant.name);
                assert!((variant.build)(&setup).is_ok(), "{}", variant.name);
            }
        }
    }
}

#[test]
fn a_level_of_another_architecture_is_a_row_with_a_reason() {
    let foreign = if cfg!(target_arch = "x86_64") { "neon_aes" } else { "aes_ni" };
    let variant = VARIANTS.iter().find(|variant| variant.name == foreign).unwrap();
    assert_eq!(Granted::check(variant.needs).unwrap_err().reason, Reason::IsaAbsent);
    let granted = Granted::check(Isa::NONE).unwrap();
    let setup = Setup { point: &WORKLOAD.points[0], granted, cpus: &[0], seed: 7, inputs: &BTreeMap::new() };
    let refused = (variant.build)(&setup).err().expect("no key of that level exists here");
    assert!(refused.detail.contains(std::env::consts::ARCH), "{}", refused.detail);
}

#[test]
#[should_panic(expected = "lacks")]
fn the_hardware_level_does_not_start_without_its_grant() {
    let own = if cfg!(target_arch = "x86_64") { "aes_ni" } else { "neon_aes" };
    let (_, _, make) = MAKERS.iter().find(|(name, _, _)| *name == own).unwrap();
    let _ = make(Granted::check(Isa::NONE).unwrap(), &[0; 32]);
}

/// Seals right, except for what its fault says.
struct Faulty {
    level: portable::Portable,
    fault: Fault,
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    LastByteUnencrypted,
    AdditionalDataIgnored,
    TagTruncated,
    DecryptsBeforeVerifying,
}

impl Gcm for Faulty {
    fn apply_keystream(&self, nonce: &Nonce, text: &mut [u8]) {
        let last = text.len().saturating_sub(usize::from(matches!(self.fault, Fault::LastByteUnencrypted)));
        self.level.apply_keystream(nonce, &mut text[..last]);
    }

    fn authenticate(&self, nonce: &Nonce, aad: &[u8], ciphertext: &[u8]) -> Tag {
        let aad = if matches!(self.fault, Fault::AdditionalDataIgnored) { &[] } else { aad };
        self.level.authenticate(nonce, aad, ciphertext)
    }

    fn open(&self, nonce: &Nonce, aad: &[u8], text: &mut [u8], tag: &Tag) -> Result<(), Forged> {
        let expected = self.authenticate(nonce, aad, text);
        let compared = if matches!(self.fault, Fault::TagTruncated) { 12 } else { 16 };
        let genuine = expected[..compared] == tag[..compared];
        if genuine || matches!(self.fault, Fault::DecryptsBeforeVerifying) {
            self.apply_keystream(nonce, text);
        }
        if genuine { Ok(()) } else { Err(Forged) }
    }
}

#[test]
fn the_check_catches_planted_faults() {
    for (fault, finding) in [
        (Fault::LastByteUnencrypted, "wrong ciphertext"),
        (Fault::AdditionalDataIgnored, "wrong tag"),
        (Fault::TagTruncated, "a flipped bit in the tag passes"),
        (Fault::DecryptsBeforeVerifying, "a refused text is altered"),
    ] {
        let mut random = Random::new(7);
        let key = random_bytes(&mut random);
        let level = super::Level::new(Granted::check(Isa::NONE).unwrap(), &key).unwrap();
        let broken = check_key(&Faulty { level, fault }, &key, &mut random).unwrap_err();
        assert!(broken.0.contains(finding), "{fault:?}: {broken}");
    }
}

fn from_hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
}

/// Test cases 13 to 16 of the GCM submission (McGrew and Viega): key, nonce, additional data, text, sealed text, tag.
const PUBLISHED: [[&str; 6]; 4] = [
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "000000000000000000000000",
        "",
        "",
        "",
        "530f8afbc74536b9a963b4f1c4cb738b",
    ],
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "000000000000000000000000",
        "",
        "00000000000000000000000000000000",
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    ],
    [
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
        "b094dac5d93471bdec1a502270e3cc6c",
    ],
    [
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ],
];

#[test]
fn the_oracle_and_every_level_reproduce_the_published_vectors() {
    for case in PUBLISHED {
        let [key, nonce, aad, text, sealed, tag] = case.map(from_hex);
        let (key, nonce): (Key, Nonce) = (key.try_into().unwrap(), nonce.try_into().unwrap());
        let tag: Tag = tag.try_into().unwrap();
        assert_eq!(oracle::seal(&key, &nonce, &aad, &text), (sealed.clone(), tag));
        for_each_level(|name, make| {
            let (mut buffer, mut computed) = (text.clone(), Tag::default());
            make(&key).seal(&nonce, &aad, &mut buffer, &mut computed);
            assert_eq!((&buffer, computed), (&sealed, tag), "{name}");
        });
    }
}

/// Opens one of Wycheproof's messages: what it should give, and what it gives.
fn attack(level: &dyn Gcm, test: &Test) {
    let (nonce, tag): (Nonce, Tag) = (test.nonce[..].try_into().unwrap(), test.tag[..].try_into().unwrap());
    let mut text = test.ct.to_vec();
    let opened = level.open(&nonce, &test.aad, &mut text, &tag);
    let valid = test.result == TestResult::Valid;
    assert_eq!(opened.is_ok(), valid, "case {}: {}", test.tc_id, test.comment);
    if valid {
        assert_eq!(text, test.pt[..], "case {}: {}", test.tc_id, test.comment);
        let mut sealed_tag = Tag::default();
        level.seal(&nonce, &test.aad, &mut text, &mut sealed_tag);
        assert_eq!((&text[..], sealed_tag), (&test.ct[..], tag), "case {}", test.tc_id);
    }
}

#[test]
fn every_level_withstands_wycheproof() {
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let ours = |group: &&TestGroup| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128);
    for_each_level(|name, make| {
        let mut run = 0;
        for test in set.test_groups.iter().filter(ours).flat_map(|group| &group.tests) {
            attack(&*make(&test.key[..].try_into().unwrap()), test);
            run += 1;
        }
        println!("{name}: {run} cases");
        assert!(run > 50, "{name} ran {run} cases only");
    });
}
