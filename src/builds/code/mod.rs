//! Recognises machine code that did not change: a hash of everything that a function can reach, read from the object
//! files of a link, so that neither the order of sections nor addresses nor line numbers are in it. Builds nothing.

mod graph;
mod object_file;
#[cfg(test)]
mod tests;

use graph::Graph;
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{Endianness, Object, ObjectSymbol, SymbolKind};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The code of one side, asked by address.
#[derive(Debug)]
pub enum CodeIndex {
    /// Each function by what it reaches.
    Functions(Box<Functions>),
    /// The object files are not at hand: all that can be told is whether two executables are the same file.
    Image(u64),
    /// Nothing can be told, for this reason; no code is ever called unchanged.
    Unknown(String),
}

/// The functions of a link whose object files are at hand.
#[derive(Debug)]
pub struct Functions {
    graph: Graph,
    /// Names that stand at an offset from the load base.
    names: BTreeMap<u64, Vec<String>>,
}

impl CodeIndex {
    /// The code of `executable`, which was linked from the object files below `inputs`.
    pub fn of_link(inputs: &Path, executable: &Path) -> Self {
        let functions = Graph::read(inputs).and_then(|graph| {
            let names = function_names(executable)?;
            Ok(Functions { graph, names })
        });
        functions.map_or_else(CodeIndex::Unknown, |functions| CodeIndex::Functions(Box::new(functions)))
    }

    /// The code of an executable of unknown making.
    pub fn of_image(executable: &Path) -> Self {
        match fs::read(executable) {
            Ok(bytes) => CodeIndex::Image(short(Sha256::new().chain_update("image").chain_update(bytes))),
            Err(error) => CodeIndex::Unknown(format!("{}: {error}", executable.display())),
        }
    }

    /// Why nothing can be told, where that is so.
    pub fn unknown(&self) -> Option<&str> {
        match self {
            CodeIndex::Unknown(why) => Some(why),
            _ => None,
        }
    }

    /// The hash of the function at an offset from the load base, with all that it reaches; none where nothing can be told.
    pub fn code_of(&self, offset: u64) -> Option<u64> {
        match self {
            CodeIndex::Functions(functions) => {
                let names = functions.names.get(&offset)?;
                names.iter().find_map(|name| functions.graph.hash_of(name))
            }
            CodeIndex::Image(hash) => Some(*hash),
            CodeIndex::Unknown(_) => None,
        }
    }
}

/// The functions of an executable by their offset from its load base.
///
/// # Errors
/// What is no executable, or one without symbols.
pub fn function_names(executable: &Path) -> Result<BTreeMap<u64, Vec<String>>, String> {
    let unreadable = |why: String| format!("{}: {why}", executable.display());
    let bytes = fs::read(executable).map_err(|error| unreadable(error.to_string()))?;
    let file =
        ElfFile64::<Endianness>::parse(bytes.as_slice()).map_err(|error| unreadable(error.to_string()))?;
    let base = load_base(&bytes).ok_or_else(|| unreadable("nothing in it is loaded".into()))?;
    let mut names: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition())
    {
        let name = String::from_utf8_lossy(symbol.name_bytes().unwrap_or_default()).into_owned();
        names.entry(symbol.address().wrapping_sub(base)).or_default().push(name);
    }
    names.values_mut().for_each(|names| names.sort());
    if names.is_empty() { Err(unreadable("it has no symbols".into())) } else { Ok(names) }
}

/// The lowest address that the file asks to be loaded at: 0 for what can stand anywhere.
fn load_base(bytes: &[u8]) -> Option<u64> {
    let header = FileHeader64::<Endianness>::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, bytes).ok()?;
    let loaded = segments.iter().filter(|segment| segment.p_type(endian) == PT_LOAD);
    loaded.map(|segment| segment.p_vaddr(endian)).min()
}

/// The first 64 bits of a hash.
fn short(hash: Sha256) -> u64 {
    let bytes = hash.finalize();
    u64::from_be_bytes(bytes[..8].try_into().expect("a SHA-256 has 32 bytes"))
}
