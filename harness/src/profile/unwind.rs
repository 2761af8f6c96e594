//! Finds the callers of a sampled instruction in a copy of its thread's stack: by the call frame information of the
//! modules, or along the chain of frame pointers.

use super::modules::{Module, Modules};
use framehop::{CacheNative, ExplicitModuleSectionInfo, FrameAddress, MayAllocateDuringUnwind};
use framehop::{UnwindRegsNative, Unwinder as _, UnwinderNative};
use object::{Object, ObjectSection};

/// Callers that are followed at most: a chain that is longer goes in circles, or its outer part tells nothing new.
const MAX_FRAMES: usize = 512;

/// What lies so close beyond a copy of the stack is stack, too; further away it is no address of a frame.
const BEYOND_BYTES: u64 = 8 << 20;

/// What unwinding starts from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Registers {
    /// The instruction.
    pub pc: u64,
    /// The stack pointer.
    pub sp: u64,
    /// The frame pointer.
    pub fp: u64,
    /// The link register, where the architecture has one.
    pub lr: u64,
}

/// One function that was active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The instruction, or where it returns to.
    pub address: u64,
    /// The stack pointer in it; zero where it was not followed.
    pub sp: u64,
}

/// The active functions of a sample, the innermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// One after another.
    pub steps: Vec<Step>,
    /// Whether the outermost function says of itself that nobody called it.
    pub ended: bool,
    /// Whether the callers lead on beyond the copy of the stack.
    pub cut: bool,
}

type Cache = CacheNative<MayAllocateDuringUnwind>;

/// The call frame information of all modules.
pub struct Unwinder {
    unwinder: UnwinderNative<Vec<u8>, MayAllocateDuringUnwind>,
    cache: Cache,
}

impl Unwinder {
    /// Takes over what unwinding needs of the modules.
    pub fn new(modules: &Modules) -> Self {
        let mut unwinder = UnwinderNative::new();
        modules.iter().filter_map(sections).for_each(|module| unwinder.add_module(module));
        Self { unwinder, cache: Cache::new() }
    }

    /// Follows the callers as far as the copy of the stack, which begins at the stack pointer, allows.
    pub fn chain(&mut self, registers: Registers, stack: &[u8]) -> Chain {
        let beyond = registers.sp + stack.len() as u64;
        let mut cut = false;
        let mut read = |address: u64| {
            cut = (beyond..beyond.saturating_add(BEYOND_BYTES)).contains(&address);
            word(stack, address.wrapping_sub(registers.sp)).ok_or(())
        };
        let mut state = native(registers, self.unwinder.max_known_code_address());
        let mut chain =
            Chain { steps: vec![Step { address: registers.pc, sp: registers.sp }], ..Chain::default() };
        let mut frame = FrameAddress::from_instruction_pointer(registers.pc);
        while chain.steps.len() < MAX_FRAMES {
            let caller = self.unwinder.unwind_frame(frame, &mut state, &mut self.cache, &mut read);
            chain.ended = caller == Ok(None);
            let Some(caller) = caller.ok().flatten().and_then(FrameAddress::from_return_address) else {
                break;
            };
            chain.steps.push(Step { address: caller.address(), sp: state.sp() });
            frame = caller;
        }
        Chain { cut, ..chain }
    }
}

/// Follows frame pointers through a copy of the stack, which begins at the stack pointer.
pub fn frame_pointers(registers: Registers, stack: &[u8]) -> Vec<u64> {
    let (mut addresses, mut fp) = (vec![registers.pc], registers.fp);
    while addresses.len() < MAX_FRAMES {
        let at = fp.wrapping_sub(registers.sp);
        let (Some(next), Some(caller)) = (word(stack, at), word(stack, at.wrapping_add(8))) else { break };
        if caller == 0 {
            break;
        }
        addresses.push(caller);
        if next <= fp {
            break;
        }
        fp = next;
    }
    addresses
}

fn word(stack: &[u8], offset: u64) -> Option<u64> {
    let offset = usize::try_from(offset).ok()?;
    let bytes = stack.get(offset..offset.checked_add(8)?)?;
    Some(u64::from_ne_bytes(bytes.try_into().expect("eight bytes were asked for")))
}

#[cfg(target_arch = "x86_64")]
fn native(registers: Registers, _: u64) -> UnwindRegsNative {
    UnwindRegsNative::new(registers.pc, registers.sp, registers.fp)
}

/// Return addresses may be signed: the bits above the highest code address are no part of them. Where no code is known
/// the highest address is 0, of which no mask can be made.
#[cfg(target_arch = "aarch64")]
fn native(registers: Registers, highest: u64) -> UnwindRegsNative {
    let mask = framehop::aarch64::PtrAuthMask::from_max_known_address(highest.max(1));
    UnwindRegsNative::new_with_ptr_auth_mask(mask, registers.lr, registers.sp, registers.fp)
}

fn sections(module: &Module) -> Option<framehop::Module<Vec<u8>>> {
    let file = object::File::parse(&*module.image).ok()?;
    let section = |name: &str| file.section_by_name(name);
    let range = |name: &str| section(name).map(|found| found.address()..found.address() + found.size());
    let data = |name: &str| section(name).and_then(|found| Some(found.data().ok()?.to_vec()));
    let info = ExplicitModuleSectionInfo {
        base_svma: 0,
        text_svma: range(".text"),
        text: data(".text"),
        got_svma: range(".got"),
        eh_frame_svma: range(".eh_frame"),
        eh_frame: data(".eh_frame"),
        eh_frame_hdr_svma: range(".eh_frame_hdr"),
        eh_frame_hdr: data(".eh_frame_hdr"),
        ..Default::default()
    };
    Some(framehop::Module::new(module.name.clone(), module.range.clone(), module.bias, info))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stack(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn frame_pointers_lead_from_caller_to_caller_until_they_turn_back() {
        let registers = Registers { pc: 1, sp: 0x1000, fp: 0x1008, lr: 0 };
        let words = stack(&[9, 0x1020, 2, 9, 0x1000, 3]);
        assert_eq!(frame_pointers(registers, &words), [1, 2, 3]);
    }

    #[test]
    fn a_copy_that_is_too_short_gives_the_callers_that_it_holds() {
        let registers = Registers { pc: 1, sp: 0x1000, fp: 0x1000, lr: 0 };
        assert_eq!(frame_pointers(registers, &stack(&[0x1010, 2, 0x1020])), [1, 2]);
        assert_eq!(frame_pointers(Registers { fp: 0, ..registers }, &[]), [1]);
    }

    proptest! {
        #[test]
        fn no_stack_whatever_breaks_an_unwinder(words in prop::collection::vec(0x0fc0u64..0x1100, 0..40), fp in 0x0ff0u64..0x1100, pc: u64) {
            let (registers, stack) = (Registers { pc, sp: 0x1000, fp, lr: pc }, stack(&words));
            prop_assert!(frame_pointers(registers, &stack).len() <= MAX_FRAMES);
            prop_assert!(Unwinder::new(&Modules::none()).chain(registers, &stack).steps.len() <= MAX_FRAMES);
        }
    }
}
