//! What is known of a published archive before it is fetched.

/// A published archive.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Where its authors publish it.
    pub url: &'static str,
    /// Size of the compressed archive.
    pub bytes: u64,
    /// MD5 of the compressed archive.
    pub md5: &'static str,
    /// The one folder in it.
    pub folder: &'static str,
    /// Every file in that folder.
    pub members: &'static [Member],
}

/// A file in an archive.
#[derive(Clone, Debug)]
pub struct Member {
    pub name: &'static str,
    pub size: Size,
    /// None where the authors publish none; the archive's own covers it on the way here.
    pub md5: Option<&'static str>,
}

/// What is known of a file's size, in bytes.
#[derive(Clone, Copy, Debug)]
pub enum Size {
    Exactly(u64),
    AtMost(u64),
}

impl Size {
    pub fn fits(self, bytes: u64) -> bool {
        match self {
            Self::Exactly(expected) => bytes == expected,
            Self::AtMost(limit) => bytes <= limit,
        }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(bytes) => write!(f, "{bytes} bytes"),
            Self::AtMost(bytes) => write!(f, "at most {bytes} bytes"),
        }
    }
}

const IMAGE_BYTES: u64 = 96 * 96 * 3;

/// STL-10, by Coates, Lee and Ng.
pub const STL10: Archive = Archive {
    url: "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
    bytes: 2_640_397_119,
    md5: "91f7769df0f17e558f3565bffb0c7dfb",
    folder: "stl10_binary",
    members: &[
        images("train_X.bin", 5_000, "918c2871b30a85fa023e0c44e0bee87f"),
        labels("train_y.bin", 5_000, "5a34089d4802c674881badbb80307741"),
        images("unlabeled_X.bin", 100_000, "5242ba1fed5e4be9e1e742405eb56ca4"),
        images("test_X.bin", 8_000, "7f263ba9f9e0b06b93213547f721ac82"),
        labels("test_y.bin", 8_000, "36f9794fa4beb8a2c72628de14fa638e"),
        Member { name: "class_names.txt", size: Size::AtMost(1 << 10), md5: None },
        Member { name: "fold_indices.txt", size: Size::AtMost(1 << 20), md5: None },
    ],
};

const fn images(name: &'static str, count: u64, md5: &'static str) -> Member {
    Member { name, size: Size::Exactly(count * IMAGE_BYTES), md5: Some(md5) }
}

const fn labels(name: &'static str, count: u64, md5: &'static str) -> Member {
    Member { name, size: Size::Exactly(count), md5: Some(md5) }
}
