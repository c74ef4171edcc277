//! Which libtorch this process runs on.

use std::fs;
use std::path::Path;

/// The version of the libtorch that is loaded, such as `2.11.0+cpu`, as the files beside it say;
/// `None` where they don't.
pub fn libtorch_version() -> Option<String> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let library = maps.lines().find_map(|line| {
        let path = &line[line.find('/')?..];
        path.ends_with("/libtorch_cpu.so").then(|| Path::new(path))
    })?;
    version_in(library.parent()?.parent()?)
}

/// The version of the libtorch in `folder`: that of an archive, or of a Python package.
fn version_in(folder: &Path) -> Option<String> {
    if let Ok(text) = fs::read_to_string(folder.join("build-version")) {
        return Some(text.trim().to_owned());
    }
    let text = fs::read_to_string(folder.join("version.py")).ok()?;
    let line = text.lines().find(|line| line.starts_with("__version__"))?;
    line.split(['\'', '"']).nth(1).map(str::to_owned)
}

/// The instruction set that libtorch's own kernels use, such as `AVX2`; `None` where it doesn't
/// tell.
pub fn cpu_capability() -> Option<String> {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    {
        /// `std::string` of libstdc++: where its characters are, their number, and room for few.
        #[repr(C)]
        struct Text {
            characters: *const u8,
            length: usize,
            room: [u8; 16],
        }
        let library = libloading::os::unix::Library::this();
        let mut text = Text { characters: std::ptr::null(), length: 0, room: [0; 16] };
        // SAFETY: `std::string at::get_cpu_capability()`, which the x86-64 ABI returns through a
        // pointer to room for it.
        let found = unsafe {
            library.get::<unsafe extern "C" fn(*mut Text) -> *mut Text>(
                b"_ZN2at18get_cpu_capabilityB5cxx11Ev\0",
            )
        };
        let get = found.ok()?;
        // SAFETY: as above. Its characters stay where they are as long as `text` does.
        let bytes = unsafe {
            get(&raw mut text);
            std::slice::from_raw_parts(text.characters, text.length)
        };
        String::from_utf8(bytes.to_vec()).ok()
    }
    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_files_beside_it() {
        let version = libtorch_version().unwrap();
        assert!(version.starts_with("2.11.0"), "{version}");
        let folder = std::env::temp_dir().join(format!("libtorch-version-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        assert_eq!(version_in(&folder), None);
        fs::write(folder.join("version.py"), "x = 1\n__version__ = '2.11.0+cu128'\n").unwrap();
        assert_eq!(version_in(&folder).unwrap(), "2.11.0+cu128");
        fs::write(folder.join("build-version"), "2.11.0+cpu\n").unwrap();
        assert_eq!(version_in(&folder).unwrap(), "2.11.0+cpu");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    #[test]
    fn the_instruction_set_is_one_that_libtorch_has() {
        let found = cpu_capability().unwrap();
        assert!(["DEFAULT", "NO AVX", "AVX2", "AVX512"].contains(&found.as_str()), "{found}");
    }
}
