//! A whole plugin in Rust, without its standard library: proposes files of no bytes that are older than a limit, in the top
//! directory of each root. The structs are those of freshet/plugin.h, as far as they are used here.
#![no_std]
#![allow(non_camel_case_types)]

use core::ffi::c_void;
use core::ptr::{null, null_mut};

const MANIFEST: &str = r#"
id = "org.freshet.example.empty-files"
version = "1.0.0"
license = "MIT"
doc = "Removes empty files that are old"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"] }
[task.empty-files]
doc = "Removes empty files older than a limit"
[task.empty-files.settings]
older-than = { type = "duration", range = ["1s", "100y"], doc = "Age by mtime" }
"#;

const fn bytes_of<const N: usize>(text: &str) -> [u8; N] {
    let mut out = [0; N];
    let mut i = 0;
    while i < N {
        out[i] = text.as_bytes()[i];
        i += 1;
    }
    out
}

#[used]
#[link_section = ".freshet.manifest"]
static MANIFEST_BYTES: [u8; MANIFEST.len()] = bytes_of(MANIFEST);

type Status = i32;
const OK: Status = 0;
const END: Status = 1;
const UNREADABLE: Status = -2;
const CANCELLED: Status = -3;
const UNKNOWN: Status = -4;
const FAILED: Status = -5;
const FILE: u32 = 1;
const LEFTOVER: u32 = 4;

#[repr(C)]
#[derive(Clone, Copy)]
struct Version {
    major: u32,
    minor: u32,
}
const ABI: Version = Version { major: 1, minor: 0 };

#[repr(C)]
#[derive(Clone, Copy)]
struct Bytes {
    data: *const u8,
    length: usize,
}

#[repr(C)]
struct Setting {
    size: u32,
    kind: u32,
    name: *const u8,
    integer: i64,
}

#[repr(C)]
struct Entry {
    size: u32,
    kind: u32,
    name: Bytes,
    ordinal: u64,
    inode: u64,
    bytes: u64,
    allocated: u64,
    mtime: i64,
    atime: i64,
    ctime: i64,
    btime: i64,
    links: u32,
    uid: u32,
    gid: u32,
    mode: u32,
    flags: u32,
}

#[repr(C)]
struct Root {
    size: u32,
    index: u32,
    path: Bytes,
}

#[repr(C)]
struct Finding {
    size: u32,
    kind: u32,
    directory: *mut c_void,
    entry: *const Entry,
    reason: Bytes,
    cost: u32,
    reserved: u32,
    cost_bytes: u64,
}

#[repr(C)]
struct Host {
    size: u32,
    abi: Version,
    context: *mut c_void,
    feature: extern "C" fn(*const Host, *const u8, u32) -> *const c_void,
    log: extern "C" fn(*const Host, u32, *const u8, usize),
    now: extern "C" fn(*const Host) -> i64,
    cancelled: extern "C" fn(*const Host) -> i32,
    progress: extern "C" fn(*const Host, u64, u64),
    root: extern "C" fn(*const Host, u32, *mut Root) -> Status,
    dir_open: extern "C" fn(*const Host, u32, *mut c_void, Bytes, *mut *mut c_void) -> Status,
    dir_next: extern "C" fn(*const Host, *mut c_void, *mut Entry) -> Status,
    dir_close: extern "C" fn(*const Host, *mut c_void),
    emit_finding: extern "C" fn(*const Host, *const Finding) -> Status,
    buffer_get: extern "C" fn(*const Host, usize) -> *mut c_void,
    buffer_put: extern "C" fn(*const Host, *mut c_void),
}

#[repr(C)]
pub struct Plugin {
    size: u32,
    abi: Version,
    describe: extern "C" fn(u32, *mut *const u8) -> Status,
    configure: extern "C" fn(*const Host, *const u8, *const Setting, u64, *mut *mut Task) -> Status,
    scan: extern "C" fn(*mut Task, *const Host) -> Status,
    verify: *const c_void,
    destroy: extern "C" fn(*mut Task),
    feature: *const c_void,
}

/// One process carries one task: it can stand in a static.
struct Task {
    limit: i64,
}
static mut TASK: Task = Task { limit: 0 };

const KIND: &[u8] = b"empty-files\0";
const REASON: &[u8] = b"an old file of no bytes";

extern "C" fn describe(index: u32, kind: *mut *const u8) -> Status {
    unsafe { *kind = KIND.as_ptr() };
    if index == 0 { OK } else { END }
}

extern "C" fn configure(_: *const Host, kind: *const u8, settings: *const Setting, count: u64, out: *mut *mut Task) -> Status {
    unsafe {
        if (0..KIND.len()).any(|i| *kind.add(i) != KIND[i]) || count != 1 {
            return UNKNOWN;
        }
        TASK.limit = (*settings).integer; // the one setting of the manifest, checked by the host
        *out = core::ptr::addr_of_mut!(TASK);
    }
    OK
}

unsafe fn scan_root(limit: i64, host: &Host, index: u32) -> Status {
    let mut directory = null_mut();
    if (host.dir_open)(host, index, null_mut(), Bytes { data: null(), length: 0 }, &mut directory) != OK {
        return UNREADABLE;
    }
    let mut entry: Entry = core::mem::zeroed();
    entry.size = core::mem::size_of::<Entry>() as u32;
    let mut worst = OK;
    loop {
        if (host.cancelled)(host) != 0 {
            worst = CANCELLED;
            break;
        }
        match (host.dir_next)(host, directory, &mut entry) {
            OK => {}
            UNREADABLE => {
                worst = UNREADABLE;
                break;
            }
            _ => break,
        }
        if entry.kind != FILE || entry.bytes != 0 || (host.now)(host) - entry.mtime < limit {
            continue;
        }
        let finding = Finding {
            size: core::mem::size_of::<Finding>() as u32,
            kind: LEFTOVER,
            directory,
            entry: &entry,
            reason: Bytes { data: REASON.as_ptr(), length: REASON.len() },
            cost: 0,
            reserved: 0,
            cost_bytes: 0,
        };
        (host.emit_finding)(host, &finding);
    }
    (host.dir_close)(host, directory);
    worst
}

extern "C" fn scan(task: *mut Task, host: *const Host) -> Status {
    unsafe {
        let host = &*host;
        let mut root = Root { size: core::mem::size_of::<Root>() as u32, index: 0, path: Bytes { data: null(), length: 0 } };
        let mut worst = OK;
        let mut index = 0;
        while (host.root)(host, index, &mut root) == OK {
            let status = scan_root((*task).limit, host, index);
            if status == CANCELLED {
                return CANCELLED;
            }
            if status != OK {
                worst = status;
            }
            index += 1;
        }
        worst
    }
}

extern "C" fn destroy(_: *mut Task) {}

/// # Safety
/// Called by the host, with pointers that are valid for the call.
#[no_mangle]
pub unsafe extern "C" fn freshet_plugin_entry(host: *const c_void, out: *mut Plugin) -> Status {
    core::ptr::read_volatile(MANIFEST_BYTES.as_ptr()); // the linker drops what nothing refers to
    let theirs = (*(host as *const Host)).abi;
    if theirs.major != ABI.major || theirs.minor < ABI.minor {
        return FAILED; // as freshet_abi_compatible has it
    }
    *out = Plugin {
        size: core::mem::size_of::<Plugin>() as u32,
        abi: ABI,
        describe,
        configure,
        scan,
        verify: null(),
        destroy,
        feature: null(),
    };
    OK
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
