//! What raw events count, each name and meaning once, so that a name means the same on every CPU that has it. By which code
//! a CPU counts it stands in the CPU's own file.

use super::{Entry, Unit};
use crate::counter::Group;

/// Something worth counting.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    group: Group,
    name: &'static str,
    about: &'static str,
}

impl Metric {
    /// Counted by the core itself.
    pub const fn raw(self, config: u64) -> Entry {
        self.by(Unit::Core, config)
    }

    /// Counted by all units of this name outside of the cores.
    pub const fn uncore(self, unit: &'static str, config: u64) -> Entry {
        self.by(Unit::Uncore(unit), config)
    }

    const fn by(self, unit: Unit, config: u64) -> Entry {
        let Self { group, name, about } = self;
        Entry { group, name, about, unit, config, config1: 0 }
    }
}

macro_rules! metrics {
    ($($id:ident = $group:ident $name:literal $about:literal;)*) => {
        $(
            #[doc = $about]
            pub const $id: Metric = Metric {
                group: Group::$group,
                name: $name,
                about: $about,
            };
        )*
    };
}

#[rustfmt::skip]
metrics! {
    CYCLES = Core "cycles" "core clock cycles, which follow the current frequency";
    INSTRUCTIONS = Core "instructions" "instructions retired";
    BRANCHES = Core "branches" "branches retired";
    BRANCH_MISSES = Core "branch_misses" "branches retired that were mispredicted";

    L1D_ACCESSES = Cache "l1d_accesses" "loads and stores that go to the L1 data cache: retired on Intel, dispatched on AMD, executed on Arm";
    L1D_MISSES = Cache "l1d_misses" "lines brought into the L1 data cache: for any reason on Intel, for loads and stores on AMD and Arm";
    L2_REQUESTS = Cache "l2_requests" "requests of the L1 caches to the L2, for data and code: on AMD with prefetches into the L1, on Arm with write-backs";
    L2_MISSES = Cache "l2_misses" "those of the requests to the L2 that missed it";
    LOADS = Cache "loads" "load instructions retired";
    L1D_LOAD_MISSES = Cache "l1d_load_misses" "load instructions retired that missed the L1 data cache";
    L2_LOAD_MISSES = Cache "l2_load_misses" "load instructions retired that missed the L2";
    SPLIT_LOADS = Cache "split_loads" "loads that cross a cache line";
    MISALIGNED_LOADS = Cache "misaligned_loads" "loads at an address that is no multiple of their size";
    UNALIGNED_ACCESSES = Cache "unaligned_accesses" "loads and stores at an address that is no multiple of their size";
    STORE_FORWARD_BLOCKS = Cache "store_forward_blocks" "loads that wait for an older store that they overlap and cannot be fed from";

    LLC_REQUESTS = Memory "llc_requests" "requests of this core that went past its L2: on AMD lines brought into the L1 data cache, on Arm reads";
    LLC_MISSES = Memory "llc_misses" "those of the requests past the L2 that missed the last-level cache, on AMD that of this group of cores";
    LLC_LOAD_MISSES = Memory "llc_load_misses" "load instructions retired that missed the last-level cache";
    DRAM_LOADS = Memory "dram_loads" "load instructions retired whose data came from memory, of this socket or another";
    DRAM_FILLS = Memory "dram_fills" "lines that came from memory into the L1 data cache: for loads and stores on Zen 2, for prefetches too since Zen 3";

    DTLB_WALKS = Tlb "dtlb_walks" "page-table walks for data";
    DTLB_LOAD_WALKS = Tlb "dtlb_load_walks" "page-table walks for loads that completed";
    DTLB_STORE_WALKS = Tlb "dtlb_store_walks" "page-table walks for stores that completed";
    L1_DTLB_MISSES = Tlb "l1_dtlb_misses" "translations of data addresses that missed the first-level TLB";
    L1_DTLB_ACCESSES = Tlb "l1_dtlb_accesses" "translations of data addresses";
    ITLB_WALKS = Tlb "itlb_walks" "page-table walks for code";

    HITM_LOADS = Sharing "hitm_loads" "load instructions retired that took a line which another core of the socket had modified; since Ice Lake forwarded clean ones too";
    REMOTE_HITM_LOADS = Sharing "remote_hitm_loads" "load instructions retired that took a line which a core of another socket had modified";
    MEMORY_ORDER_CLEARS = Sharing "memory_order_clears" "pipeline flushes because another core wrote what this one had read early";
    LOCKED_INSTRUCTIONS = Sharing "locked_instructions" "locked read-modify-writes retired";
    BUS_LOCKS = Sharing "bus_locks" "locked operations that crossed a cache line or went to uncached memory, and stopped every core";
    FILLS_FROM_NEAR_CACHES = Sharing "fills_from_near_caches" "lines that came into the L1 data cache from the L3 or from another core's cache on the same die";
    FILLS_FROM_FAR_CACHES = Sharing "fills_from_far_caches" "lines that came into the L1 data cache from a cache on another die";
    FILLS_FROM_SAME_CCX = Sharing "fills_from_same_ccx" "lines that came into the L1 data cache from the L3 or from another core's L2 of the same group of cores";
    FILLS_FROM_OTHER_CCX = Sharing "fills_from_other_ccx" "lines that came into the L1 data cache from a cache of another group of cores";
    REMOTE_SOCKET_ACCESSES = Sharing "remote_socket_accesses" "accesses that another socket answered";
    EXCLUSIVE_LOADS = Sharing "exclusive_loads" "load-exclusives executed; atomics in one instruction are not in it";
    EXCLUSIVE_STORES_FAILED = Sharing "exclusive_stores_failed" "store-exclusives executed that another core made fail";

    AES_OPS = Simd "aes_ops" "AES operations of the SSE and AVX kind retired";
    SHA_OPS = Simd "sha_ops" "SHA operations of the SSE and AVX kind retired";
    CLMUL_OPS = Simd "clmul_ops" "carry-less multiplications of the SSE and AVX kind retired";
    INT_OPS_128 = Simd "int_ops_128" "packed integer operations on 128 bits retired";
    INT_OPS_256 = Simd "int_ops_256" "packed integer operations on 256 bits retired";
    UOPS_128 = Simd "uops_128" "packed operations on 128 bits retired, which the maker lists as floating-point";
    UOPS_256 = Simd "uops_256" "packed operations on 256 bits retired, which the maker lists as floating-point";
    UOPS_512 = Simd "uops_512" "packed operations on 512 bits retired, which the maker lists as floating-point";
    FLOPS = Simd "flops" "floating-point operations of SSE and AVX retired, each element once, a multiply-add twice";
    FP_INSTRUCTIONS_SCALAR = Simd "fp_instructions_scalar" "scalar floating-point instructions of SSE and AVX retired, a multiply-add twice";
    FP_INSTRUCTIONS_128 = Simd "fp_instructions_128" "floating-point instructions on 128 bits retired, a multiply-add twice";
    FP_INSTRUCTIONS_256 = Simd "fp_instructions_256" "floating-point instructions on 256 bits retired, a multiply-add twice";
    FP_INSTRUCTIONS_512 = Simd "fp_instructions_512" "floating-point instructions on 512 bits retired, a multiply-add twice";
    INT_INSTRUCTIONS_128 = Simd "int_instructions_128" "additions, differences and dot products of integers on 128 bits retired";
    INT_INSTRUCTIONS_256 = Simd "int_instructions_256" "additions, differences, products and dot products of integers on 256 bits retired";
    LICENSE_1_CYCLES = Simd "license_1_cycles" "cycles in which wide vectors held the core to its AVX2 turbo frequencies";
    LICENSE_2_CYCLES = Simd "license_2_cycles" "cycles in which wide vectors held the core to its AVX-512 turbo frequencies";
    SIMD_INSTRUCTIONS = Simd "simd_instructions" "Advanced SIMD instructions executed, those of mispredicted paths too";
    FP_INSTRUCTIONS = Simd "fp_instructions" "scalar floating-point instructions executed, those of mispredicted paths too";
    CRYPTO_INSTRUCTIONS = Simd "crypto_instructions" "AES, SHA and other instructions of the crypto extension executed, those of mispredicted paths too";
    SVE_INSTRUCTIONS = Simd "sve_instructions" "instructions of the scalable vector extension executed, those of mispredicted paths too";

    SLOTS = Topdown "slots" "places for an operation that the pipeline had";
    RETIRED_SLOTS = Topdown "retired_slots" "places whose operation retired";
    RETIRED_UOPS = Topdown "retired_uops" "operations retired, of four that a cycle can take";
    ISSUED_UOPS = Topdown "issued_uops" "operations issued, of four that a cycle can take, those of mispredicted paths too";
    UNDELIVERED_UOPS = Topdown "undelivered_uops" "operations, of four that a cycle can take, that were not delivered";
    RECOVERY_CYCLES = Topdown "recovery_cycles" "cycles without issue while the core recovered from a flush";
    FRONTEND_STALL_SLOTS = Topdown "frontend_stall_slots" "places left empty because no operation was delivered";
    BACKEND_STALL_SLOTS = Topdown "backend_stall_slots" "places left empty because the core could not take an operation";
    RETIRED_OPS = Topdown "retired_ops" "operations retired, into which instructions are split";
    DISPATCHED_OPS = Topdown "dispatched_ops" "operations dispatched, those of mispredicted paths too";
    FRONTEND_STALL_CYCLES = Topdown "frontend_stall_cycles" "cycles in which nothing was issued because nothing was delivered";
    BACKEND_STALL_CYCLES = Topdown "backend_stall_cycles" "cycles in which nothing was issued because the core could not take it";

    DRAM_READ_LINES = Bandwidth "dram_read_lines" "reads of 64 bytes from memory, by the whole machine";
    DRAM_WRITE_LINES = Bandwidth "dram_write_lines" "writes of 64 bytes to memory, by the whole machine";
    DRAM_LINES_0 = Bandwidth "dram_lines_channel_0" "64-byte requests to memory channel 0 of each die, both ways, by the whole machine";
    DRAM_LINES_1 = Bandwidth "dram_lines_channel_1" "64-byte requests to memory channel 1 of each die, both ways, by the whole machine";
    DRAM_LINES_2 = Bandwidth "dram_lines_channel_2" "64-byte requests to memory channel 2 of each die, both ways, by the whole machine";
    DRAM_LINES_3 = Bandwidth "dram_lines_channel_3" "64-byte requests to memory channel 3 of each die, both ways, by the whole machine";
    DRAM_LINES_4 = Bandwidth "dram_lines_channel_4" "64-byte requests to memory channel 4 of each die, both ways, by the whole machine";
    DRAM_LINES_5 = Bandwidth "dram_lines_channel_5" "64-byte requests to memory channel 5 of each die, both ways, by the whole machine";
    DRAM_LINES_6 = Bandwidth "dram_lines_channel_6" "64-byte requests to memory channel 6 of each die, both ways, by the whole machine";
    DRAM_LINES_7 = Bandwidth "dram_lines_channel_7" "64-byte requests to memory channel 7 of each die, both ways, by the whole machine";
    MEMORY_CONTROLLER_REQUESTS = Bandwidth "memory_controller_requests" "requests of the mesh to the memory controllers, by the whole machine";
    BUS_READS = Bandwidth "bus_reads" "reads of this core on the bus to the mesh";
    BUS_WRITES = Bandwidth "bus_writes" "writes of this core on the bus to the mesh";
}
