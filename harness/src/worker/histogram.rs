//! Histograms as text, so that they fit a line of a reply or of the record.

use crate::case::{Bounce, Stamps};
use base64::Engine;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A histogram as the record holds it; empty for an empty one.
pub fn encode(histogram: &Histogram<u64>) -> String {
    if histogram.is_empty() {
        return String::new();
    }
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(histogram, &mut bytes).expect("writing to memory does not fail");
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The histogram of a record's text, where it is one.
pub fn decode(text: &str) -> Option<Histogram<u64>> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    hdrhistogram::serialization::Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

/// Stamped operations of one launch as text: a few kilobytes where the histograms themselves take hundreds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// HdrHistogram V2 in base64; empty where nothing was stamped.
    pub histogram_v2: String,
    /// Likewise by part, where the case tells parts apart.
    #[serde(default)]
    pub parts_v2: BTreeMap<String, String>,
    /// Line bounce around the pass, where two cores took part.
    pub bounce: Option<Bounce>,
}

impl Stamped {
    pub(super) fn new(stamps: &Stamps, bounce: Option<Bounce>) -> Self {
        let part = |(name, histogram): (&String, _)| (name.clone(), encode(histogram));
        let parts_v2 = stamps.parts.iter().map(part).collect();
        Self { histogram_v2: encode(&stamps.all), parts_v2, bounce }
    }

    /// The operations; none where nothing was stamped.
    pub fn stamps(&self) -> Option<Stamps> {
        let part = |(name, text): (&String, &String)| Some((name.clone(), decode(text)?));
        let parts = self.parts_v2.iter().filter_map(part).collect();
        Some(Stamps { all: decode(&self.histogram_v2)?, parts })
    }
}
