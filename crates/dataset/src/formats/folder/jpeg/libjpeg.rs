//! Calls of libjpeg (mozjpeg's, which decodes as libjpeg-turbo does).
//!
//! libjpeg ends a call that fails through a function that must not return. Ours unwinds the stack
//! to where the call was made: its code in C is compiled to let that pass.

use std::any::Any;
use std::ffi::{CStr, c_char, c_int};
use std::marker::PhantomData;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::{mem, ptr};

use mozjpeg_sys as ffi;
use mozjpeg_sys::J_COLOR_SPACE::{JCS_CMYK, JCS_RGB};

/// The longest message, as `JMSG_LENGTH_MAX`.
const MESSAGE_BYTES: usize = 200;

/// The most rows that a call is asked for.
const ROWS: usize = 16;

/// The most pixels that all scans may have together, and the least that each counts for: at most
/// 1024 scans, of 24 megapixels 357. A small file may have thousands of scans over a large image.
const MAX_SCANNED_PIXELS: u64 = 1 << 33;
const MIN_SCANNED_PIXELS: u64 = 1 << 23;

/// Why a call failed, as it travels through libjpeg.
struct Failure(String);

/// A JPEG file whose header was read.
pub(in super::super) struct Decompressor<'a> {
    /// In a box, as libjpeg keeps pointers to it.
    state: Box<State>,
    bytes: PhantomData<&'a [u8]>,
}

struct State {
    info: ffi::jpeg_decompress_struct,
    error: ffi::jpeg_error_mgr,
    progress: ffi::jpeg_progress_mgr,
}

impl<'a> Decompressor<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// What libjpeg can't read, or says is damaged.
    pub fn new(bytes: &'a [u8]) -> Result<Self, String> {
        // SAFETY: all three are structures of C, of numbers and pointers that may be null and of
        // functions that may be missing, so that zeros are a value of each.
        let state: Box<State> = Box::new(unsafe { mem::zeroed() });
        let mut this = Self { state, bytes: PhantomData };
        this.call(|state| {
            let State { info, error, progress } = state;
            // SAFETY: `error` and `progress` are in the same box as `info`, which never moves and
            // is destroyed before they are, and `bytes` outlive this value by its lifetime. Where a
            // call fails it unwinds (`fail`), which ends the closure.
            unsafe {
                ffi::jpeg_std_error(error);
                error.error_exit = Some(fail);
                error.emit_message = Some(fail_if_damaged);
                progress.progress_monitor = Some(fail_after_many_scans);
                info.common.err = error;
                ffi::jpeg_create_decompress(info);
                info.common.progress = progress;
                ffi::jpeg_mem_src(info, bytes.as_ptr(), bytes.len() as _);
                ffi::jpeg_read_header(info, 1);
            }
        })?;
        Ok(this)
    }

    /// Width and height in pixels.
    pub fn dimensions(&self) -> (u32, u32) {
        (self.state.info.image_width, self.state.info.image_height)
    }

    /// 1 for gray, 3 for colors, 4 for inks.
    pub fn components(&self) -> usize {
        self.state.info.num_components as usize
    }

    /// Bytes that libjpeg keeps of the whole image while it decodes: the coefficients, of two bytes
    /// each, where there are several scans.
    pub fn coefficient_bytes(&self) -> u64 {
        let info = &self.state.info;
        // SAFETY: the header was read.
        let several = unsafe { ffi::jpeg_has_multiple_scans(info) } != 0;
        // Blocks at the edges are filled up.
        let side = |pixels: u32| u64::from(pixels.next_multiple_of(16));
        let coefficients = side(info.image_width) * side(info.image_height);
        if several { 2 * self.components() as u64 * coefficients } else { 0 }
    }

    /// Decodes the image at 1 / `denominator` (1, 2, 4 or 8) of its size, rounded up: its width and
    /// height, and RGB, or CMYK of four components, pixel by pixel.
    ///
    /// # Errors
    /// What libjpeg can't decode, or says is damaged.
    pub fn decode(mut self, denominator: u32) -> Result<((u32, u32), Vec<u8>), String> {
        let components = self.out_components();
        self.call(|State { info, .. }| {
            start(info, denominator, components);
            let (width, height) = (info.output_width as usize, info.output_height as usize);
            let row_bytes = width * components;
            let mut pixels = vec![0; row_bytes * height];
            read_rows(info, &mut pixels, row_bytes);
            // SAFETY: all rows were read. Reads on to the end marker.
            unsafe { ffi::jpeg_finish_decompress(info) };
            ((width as u32, height as u32), pixels)
        })
    }

    /// Decodes some rows of the image at 1 / `denominator` of its size: those of
    /// [`decode`](Self::decode), in `pixels`. What follows them is not looked at.
    ///
    /// # Errors
    /// What libjpeg can't decode, or says is damaged, down to the last of the rows.
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn decode_rows(
        mut self,
        denominator: u32,
        rows: Range<usize>,
        pixels: &mut Vec<u8>,
    ) -> Result<(), String> {
        let components = self.out_components();
        self.call(|State { info, .. }| {
            start(info, denominator, components);
            let (width, height) = (info.output_width as usize, info.output_height as usize);
            assert!(rows.start < rows.end && rows.end <= height, "{rows:?} of {height} rows");
            let row_bytes = width * components;
            // SAFETY: nothing was read so far, and there are more rows than are skipped. Where a
            // call fails it unwinds, which ends the closure.
            unsafe { ffi::jpeg_skip_scanlines(info, rows.start as u32) };
            pixels.resize(row_bytes * rows.len(), 0);
            read_rows(info, pixels, row_bytes);
        })
    }

    fn out_components(&self) -> usize {
        if self.components() == 4 { 4 } else { 3 }
    }

    /// Calls libjpeg, and catches what it fails with.
    fn call<T>(&mut self, calls: impl FnOnce(&mut State) -> T) -> Result<T, String> {
        // Where that is so, the decompressor is destroyed: both callers own it.
        let called = panic::catch_unwind(AssertUnwindSafe(|| calls(&mut self.state)));
        called.map_err(|payload: Box<dyn Any + Send>| match payload.downcast::<Failure>() {
            Ok(failure) => failure.0,
            Err(other) => panic::resume_unwind(other),
        })
    }
}

impl Drop for Decompressor<'_> {
    fn drop(&mut self) {
        // SAFETY: it was created, or is all zeros, in which case nothing is done.
        unsafe { ffi::jpeg_destroy_decompress(&mut self.state.info) };
    }
}

/// Begins decoding.
fn start(info: &mut ffi::jpeg_decompress_struct, denominator: u32, components: usize) {
    info.scale_num = 1;
    info.scale_denom = denominator;
    info.out_color_space = if components == 4 { JCS_CMYK } else { JCS_RGB };
    // SAFETY: the header was read. Where a call fails it unwinds.
    unsafe { ffi::jpeg_start_decompress(info) };
}

/// Reads the next rows, as many as fill `pixels` at `row_bytes` each.
fn read_rows(info: &mut ffi::jpeg_decompress_struct, pixels: &mut [u8], row_bytes: usize) {
    assert_eq!(row_bytes, info.output_width as usize * info.output_components as usize);
    let first = info.output_scanline as usize;
    let end = first + pixels.len() / row_bytes;
    while (info.output_scanline as usize) < end.min(info.output_height as usize) {
        let rows = pixels.chunks_exact_mut(row_bytes).skip(info.output_scanline as usize - first);
        let mut starts = [ptr::null_mut(); ROWS];
        let mut count = 0;
        for (start, row) in starts.iter_mut().zip(rows) {
            *start = row.as_mut_ptr();
            count += 1;
        }
        // SAFETY: `starts` has `count` pointers to rows that don't overlap, each of as many bytes
        // as libjpeg writes to one: `output_width` pixels of `output_components` bytes.
        unsafe { ffi::jpeg_read_scanlines(info, starts.as_mut_ptr(), count) };
    }
}

/// Unwinds with libjpeg's message.
extern "C-unwind" fn fail(info: &mut ffi::jpeg_common_struct) {
    unwind(message(info));
}

/// Unwinds where libjpeg found damage, for which it would make up pixels. Other warnings are about
/// markers, and traces are no news.
extern "C-unwind" fn fail_if_damaged(info: &mut ffi::jpeg_common_struct, level: c_int) {
    if level >= 0 {
        return;
    }
    // Told by the text: the binding lacks some of the codes.
    let text = message(info);
    if text == "Premature end of JPEG file" {
        unwind("a file without its end".into());
    }
    if let Some(damage) = text.strip_prefix("Corrupt JPEG data: ") {
        unwind(format!("damaged data: {damage}"));
    }
}

/// Unwinds where scans have more pixels together than any real file's.
extern "C-unwind" fn fail_after_many_scans(info: &mut ffi::jpeg_common_struct) {
    // SAFETY: libjpeg calls this with the structure that begins with `info`, a decompressor's.
    let info = unsafe { &*ptr::from_mut(info).cast::<ffi::jpeg_decompress_struct>() };
    let pixels = u64::from(info.image_width) * u64::from(info.image_height);
    let scans = info.input_scan_number.max(0) as u64;
    if pixels.max(MIN_SCANNED_PIXELS).saturating_mul(scans) > MAX_SCANNED_PIXELS {
        unwind(format!("one of {scans} scans or more"));
    }
}

fn unwind(found: String) -> ! {
    // Without the hook of panics: it is no mistake of the program.
    panic::resume_unwind(Box::new(Failure(found)))
}

/// libjpeg's message, on one line as all are.
fn message(info: &mut ffi::jpeg_common_struct) -> String {
    type Format = unsafe extern "C-unwind" fn(&mut ffi::jpeg_common_struct, *mut c_char);
    let mut text: [c_char; MESSAGE_BYTES] = [0; MESSAGE_BYTES];
    // SAFETY: libjpeg calls this with the error manager that it was given.
    if let Some(format) = unsafe { (*info.err).format_message } {
        // SAFETY: the function takes a pointer to `JMSG_LENGTH_MAX` characters (jpeglib.h), of
        // which the binding makes a reference, one to fewer. It ends them with a zero.
        unsafe {
            let format: Format = mem::transmute(format);
            format(info, text.as_mut_ptr());
        }
    }
    // SAFETY: it ends with a zero, at the latest in the last place, to which nothing is written.
    let text = unsafe { CStr::from_ptr(text.as_ptr()) };
    text.to_string_lossy().into_owned()
}
