//! One object file as the nodes of a graph: its loaded sections with what each refers to. What the references reach is
//! `graph`'s affair.

use object::elf::{
    R_X86_64_64, RelocationType, SHF_ALLOC, SHF_EXECINSTR, SHF_MERGE, SHF_STRINGS, SHF_TLS, SHF_WRITE,
    SHT_NOBITS,
};
use object::read::elf::{ElfFile64, ElfSection64, ElfSymbol64, SectionHeader};
use object::{
    Architecture, Endianness, Object, ObjectSection, ObjectSymbol, Relocation, RelocationFlags,
    RelocationTarget, SectionIndex, SymbolKind,
};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// One loaded section: a function, a constant, a table.
#[derive(Debug)]
pub struct Node {
    /// Its name, for the references that the linker makes by section name.
    pub name: String,
    /// Its bytes; none where they are all zero at the start.
    pub bytes: Vec<u8>,
    /// Bytes, size, alignment and kind in one hash.
    pub digest: [u8; 32],
    /// What it refers to, in the order of its bytes.
    pub edges: Vec<Edge>,
}

/// One reference.
#[derive(Debug)]
pub struct Edge {
    /// Where in the section.
    pub offset: u64,
    /// The relocation's type in the ELF supplement of the architecture.
    pub kind: u32,
    /// Offset from the target: the symbol's place in its section and the relocation's addend in one.
    pub addend: i64,
    /// To what.
    pub target: Target,
}

/// What is referred to.
#[derive(Debug)]
pub enum Target {
    /// A section, by its number among all nodes.
    Node(usize),
    /// A symbol that is defined elsewhere.
    Named(String),
    /// One constant of a section in which the linker merges equal ones.
    Constant(Vec<u8>),
}

/// A place that a symbol names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The section's number among all nodes.
    pub node: usize,
    /// Where in it.
    pub offset: u64,
}

/// A symbol that an object file defines.
#[derive(Debug)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// What it names.
    pub place: Place,
    /// Who else sees it.
    pub reach: Reach,
}

/// Who sees a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Its own object file.
    Local,
    /// All, unless somebody has a strong one.
    Weak,
    /// All.
    Strong,
}

type File<'a> = ElfFile64<'a, Endianness>;
type Section<'a, 'f> = ElfSection64<'a, 'f, Endianness>;

/// Sections that tell how to unwind: no timed instruction reads them.
const UNWINDING: [&str; 2] = [".eh_frame", ".gcc_except_table"];

/// The sections and symbols of one object file; its first section becomes node number `first`.
///
/// # Errors
/// What is no object file.
pub fn read(bytes: &[u8], first: usize) -> object::Result<(Vec<Node>, Vec<Definition>)> {
    let file = File::parse(bytes)?;
    let loaded: Vec<Section> = file.sections().filter(is_loaded).collect();
    let numbers = loaded.iter().enumerate().map(|(at, section)| (section.index(), first + at)).collect();
    let context = Context { file: &file, numbers };
    let nodes = loaded.iter().map(|section| context.node(section)).collect::<object::Result<_>>()?;
    let definitions = file.symbols().filter_map(|symbol| context.definition(&symbol)).collect();
    Ok((nodes, definitions))
}

fn is_loaded(section: &Section) -> bool {
    let name = section.name().unwrap_or_default();
    flags(section) & SHF_ALLOC.0 != 0 && !UNWINDING.iter().any(|prefix| name.starts_with(prefix))
}

fn flags(section: &Section) -> u64 {
    section.elf_section_header().sh_flags(Endianness::default()).0
}

struct Context<'a, 'f> {
    file: &'f File<'a>,
    numbers: HashMap<SectionIndex, usize>,
}

impl Context<'_, '_> {
    fn node(&self, section: &Section) -> object::Result<Node> {
        let bytes = section.data()?.to_vec();
        let mut edges: Vec<Edge> = section
            .relocations()
            .map(|(offset, relocation)| self.edge(offset, &relocation))
            .collect::<object::Result<_>>()?;
        edges.sort_by_key(|edge| edge.offset);
        Ok(Node { name: section.name()?.to_owned(), digest: digest(section, &bytes), bytes, edges })
    }

    fn edge(&self, offset: u64, relocation: &Relocation) -> object::Result<Edge> {
        let RelocationFlags::Elf { r_type: RelocationType(kind) } = relocation.flags() else {
            unreachable!("an ELF file has ELF relocations")
        };
        let addend = relocation.addend();
        let RelocationTarget::Symbol(index) = relocation.target() else {
            return Ok(Edge { offset, kind, addend, target: Target::Constant(Vec::new()) });
        };
        let symbol = self.file.symbol_by_index(index)?;
        let named = || String::from_utf8_lossy(symbol.name_bytes().unwrap_or_default()).into_owned();
        let value = symbol.address() as i64;
        let Some(index) = symbol.section_index() else {
            return Ok(Edge { offset, kind, addend: value + addend, target: Target::Named(named()) });
        };
        let section = self.file.section_by_index(index)?;
        if let Some(constant) = self.constant(&section, &symbol, kind, addend)? {
            // Where in the merged section it lies depends on its neighbours.
            let addend = match symbol.kind() {
                SymbolKind::Section => 0,
                _ => addend,
            };
            return Ok(Edge { offset, kind, addend, target: Target::Constant(constant) });
        }
        let target =
            self.numbers.get(&index).map_or_else(|| Target::Named(named()), |node| Target::Node(*node));
        Ok(Edge { offset, kind, addend: value + addend, target })
    }

    /// The one constant that is meant in a section of merged ones; none in other sections, and where the addend alone
    /// does not tell which: then the section counts as a whole.
    fn constant(
        &self,
        section: &Section,
        symbol: &ElfSymbol64<Endianness>,
        kind: u32,
        addend: i64,
    ) -> object::Result<Option<Vec<u8>>> {
        if flags(section) & SHF_MERGE.0 == 0 {
            return Ok(None);
        }
        let exact = kind == R_X86_64_64.0 || self.file.architecture() == Architecture::Aarch64;
        let start = match (symbol.kind(), exact) {
            (SymbolKind::Section, true) => usize::try_from(addend).ok(),
            (SymbolKind::Section, false) => None,
            _ => usize::try_from(symbol.address()).ok(),
        };
        let rest = start.and_then(|start| section.data().ok()?.get(start..));
        Ok(rest.and_then(|rest| rest.get(..constant_size(section, rest)?)).map(<[u8]>::to_vec))
    }

    fn definition(&self, symbol: &ElfSymbol64<Endianness>) -> Option<Definition> {
        let node = *self.numbers.get(&symbol.section_index()?)?;
        let name = String::from_utf8_lossy(symbol.name_bytes().ok()?).into_owned();
        let reach = match (symbol.is_global(), symbol.is_weak()) {
            (false, _) => Reach::Local,
            (true, true) => Reach::Weak,
            (true, false) => Reach::Strong,
        };
        Some(Definition { name, place: Place { node, offset: symbol.address() }, reach })
    }
}

/// Size of the constant at the start of `rest`: up to its terminator, or the section's entry.
fn constant_size(section: &Section, rest: &[u8]) -> Option<usize> {
    let entry = section.elf_section_header().sh_entsize(Endianness::default()) as usize;
    if flags(section) & SHF_STRINGS.0 == 0 || entry == 0 {
        return Some(entry).filter(|entry| *entry > 0);
    }
    rest.chunks_exact(entry).position(|unit| unit.iter().all(|byte| *byte == 0)).map(|at| (at + 1) * entry)
}

fn digest(section: &Section, bytes: &[u8]) -> [u8; 32] {
    let kind = flags(section) & (SHF_WRITE.0 | SHF_EXECINSTR.0 | SHF_TLS.0);
    let zeroed = section.elf_section_header().sh_type(Endianness::default()) == SHT_NOBITS;
    Sha256::new()
        .chain_update(kind.to_le_bytes())
        .chain_update([u8::from(zeroed)])
        .chain_update(section.align().to_le_bytes())
        .chain_update(section.size().to_le_bytes())
        .chain_update(bytes)
        .finalize()
        .into()
}
