//! All sections of a link as one graph, and the hash of what can be reached from one of them.

use super::object_file::{self, Edge, Node, Place, Reach, Target};
use super::short;
use object::read::archive::ArchiveFile;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every section that went into a link, with the symbols that name places in them.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    /// What a reference from another object file means.
    shared: HashMap<String, (Place, Reach)>,
    /// Every place of a name, local ones too.
    named: HashMap<String, Vec<Place>>,
    /// The shared libraries, as a whole: which of their code a symbol reaches is not known.
    libraries: Sha256,
}

/// What an input of a linker is, told by its first bytes.
enum Input {
    Object,
    Archive,
    /// Code that only the linker turns into machine code.
    Bitcode,
    /// A shared library.
    Library,
    /// A script, a list of arguments.
    Other,
}

impl Graph {
    /// Reads all object files and archives below a folder.
    ///
    /// # Errors
    /// An input that cannot be read: code in it could change unseen.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let mut graph = Graph::default();
        let mut archives = Vec::new();
        for path in files_below(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
            let wrong = |why: String| format!("{}: {why}", path.display());
            let bytes = fs::read(&path).map_err(|error| wrong(error.to_string()))?;
            match input(&bytes) {
                Input::Object => graph.add(&bytes).map_err(wrong)?,
                Input::Archive => archives.push((path.clone(), bytes)),
                Input::Bitcode => return Err(wrong("holds code that is not yet machine code".into())),
                Input::Library => graph.libraries.update(Sha256::digest(&bytes)),
                Input::Other => {}
            }
        }
        // A linker takes from archives only what the objects lack: first come, first named.
        for (path, bytes) in archives {
            graph.add_archive(&bytes).map_err(|why| format!("{}: {why}", path.display()))?;
        }
        Ok(graph)
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        let (nodes, definitions) =
            object_file::read(bytes, self.nodes.len()).map_err(|error| error.to_string())?;
        self.nodes.extend(nodes);
        for definition in definitions {
            let known = self.shared.get(&definition.name).map(|(_, reach)| *reach);
            let better = match (known, definition.reach) {
                (_, Reach::Local) | (Some(Reach::Strong), _) | (Some(_), Reach::Weak) => false,
                (None, _) | (Some(_), Reach::Strong) => true,
            };
            if better {
                self.shared.insert(definition.name.clone(), (definition.place, definition.reach));
            }
            self.named.entry(definition.name).or_default().push(definition.place);
        }
        Ok(())
    }

    fn add_archive(&mut self, bytes: &[u8]) -> Result<(), String> {
        let archive = ArchiveFile::parse(bytes).map_err(|error| error.to_string())?;
        for member in archive.members() {
            let member = member.map_err(|error| error.to_string())?;
            let data = member.data(bytes).map_err(|error| error.to_string())?;
            match input(data) {
                Input::Object => self.add(data)?,
                Input::Bitcode => return Err("holds code that is not yet machine code".into()),
                Input::Archive | Input::Library | Input::Other => {}
            }
        }
        Ok(())
    }

    /// The hash of the function of this name and of all that it reaches; none where no object file defines it.
    pub fn hash_of(&self, name: &str) -> Option<u64> {
        let places = self.named.get(name)?;
        let mut hashes: Vec<u64> = places.iter().map(|place| Walk::from(self, *place)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        match hashes.as_slice() {
            [one] => Some(*one),
            several => {
                let all =
                    several.iter().fold(Sha256::new(), |all, hash| all.chain_update(hash.to_le_bytes()));
                Some(short(all))
            }
        }
    }

    /// The file name in a panic's location (file, length, line, column), where a section is one. Its string ends with a
    /// NUL that its length does not count, which tells it from other pairs of a text and two numbers.
    fn location_file<'a>(&'a self, node: &'a Node) -> Option<&'a [u8]> {
        let [Edge { offset: 0, addend: 0, target, .. }] = node.edges.as_slice() else { return None };
        let length = u64::from_le_bytes(node.bytes.get(8..16)?.try_into().ok()?) as usize;
        let text = match target {
            Target::Node(node) => &self.nodes[*node].bytes,
            Target::Constant(bytes) => bytes,
            Target::Named(_) => return None,
        };
        let file = text.strip_suffix(&[0])?;
        (node.bytes.len() == LOCATION_BYTES && file.len() == length && file.ends_with(b".rs")).then_some(file)
    }
}

/// Size of a panic's location where pointers have 64 bits.
const LOCATION_BYTES: usize = 24;

/// One walk over all that a place reaches. Sections are numbered in the order in which they are met, so that neither
/// names nor addresses nor circles matter.
struct Walk<'a> {
    graph: &'a Graph,
    numbers: HashMap<usize, u64>,
    order: Vec<usize>,
    hash: Sha256,
    reaches_libraries: bool,
}

impl<'a> Walk<'a> {
    fn from(graph: &'a Graph, start: Place) -> u64 {
        let mut walk = Walk {
            graph,
            numbers: HashMap::new(),
            order: Vec::new(),
            hash: Sha256::new(),
            reaches_libraries: false,
        };
        walk.meet(start.node, start.offset as i64);
        let mut next = 0;
        while let Some(node) = walk.order.get(next).map(|node| &graph.nodes[*node]) {
            walk.hash.update(node.digest);
            node.edges.iter().for_each(|edge| walk.follow(edge));
            next += 1;
        }
        if walk.reaches_libraries {
            walk.hash.update(graph.libraries.clone().finalize());
        }
        short(walk.hash)
    }

    fn follow(&mut self, edge: &Edge) {
        self.hash.update(edge.offset.to_le_bytes());
        self.hash.update(edge.kind.to_le_bytes());
        match &edge.target {
            Target::Node(node) => self.meet(*node, edge.addend),
            Target::Constant(bytes) => self.leaf("constant", bytes, edge.addend),
            Target::Named(name) => match self.graph.shared.get(name) {
                Some((place, _)) => self.meet(place.node, place.offset as i64 + edge.addend),
                None => self.outside(name, edge.addend),
            },
        }
    }

    fn meet(&mut self, node: usize, addend: i64) {
        let graph = self.graph;
        if let Some(file) = graph.location_file(&graph.nodes[node]) {
            return self.leaf("location", file, addend);
        }
        let fresh = self.order.len() as u64;
        let number = *self.numbers.entry(node).or_insert(fresh);
        if number == fresh {
            self.order.push(node);
        }
        self.hash.update(b"section");
        self.hash.update(number.to_le_bytes());
        self.hash.update(addend.to_le_bytes());
    }

    /// What no object file defines: a shared library's symbol, or one that the linker makes. The bounds of a section
    /// stand for all sections of that name.
    fn outside(&mut self, name: &str, addend: i64) {
        self.leaf("outside", name.as_bytes(), addend);
        self.reaches_libraries = true;
        let bounded = name.strip_prefix("__start_").or_else(|| name.strip_prefix("__stop_"));
        let Some(section) = bounded else { return };
        for (number, node) in self.graph.nodes.iter().enumerate() {
            if node.name == section {
                self.meet(number, 0);
            }
        }
    }

    fn leaf(&mut self, what: &str, bytes: &[u8], addend: i64) {
        self.hash.update(what.as_bytes());
        self.hash.update(bytes.len().to_le_bytes());
        self.hash.update(bytes);
        self.hash.update(addend.to_le_bytes());
    }
}

fn input(bytes: &[u8]) -> Input {
    const RELOCATABLE: [u8; 2] = [1, 0];
    match bytes {
        _ if bytes.starts_with(b"\x7fELF") && bytes.get(16..18) == Some(&RELOCATABLE) => Input::Object,
        _ if bytes.starts_with(b"\x7fELF") => Input::Library,
        _ if bytes.starts_with(b"!<arch>\n") => Input::Archive,
        _ if bytes.starts_with(b"BC\xc0\xde") || bytes.starts_with(b"\xde\xc0\x17\x0b") => Input::Bitcode,
        _ if bytes.starts_with(b"!<thin>\n") => Input::Bitcode,
        _ => Input::Other,
    }
}

/// Every file below a folder, in the order of their paths.
fn files_below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { folders.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files.sort();
    Ok(files)
}
