//! Turning a plane of bytes by its diagonal, 16 x 16 bytes at a time.
//!
//! Four rounds of interleaving row `i` with row `i + 8` transpose a 16 x 16 block. The loops have fixed
//! lengths, so the compiler makes each interleaving one or two vector instructions.

const BLOCK: usize = 16;

type Block = [[u8; BLOCK]; BLOCK];

/// Writes `from`, `columns` runs of `rows` bytes, to `to` as `rows` runs of `columns` bytes.
///
/// Both slices hold `rows * columns` bytes.
pub(crate) fn transpose(from: &[u8], to: &mut [u8], rows: usize, columns: usize) {
    assert_eq!(from.len(), rows * columns, "{rows} x {columns} plane");
    assert_eq!(to.len(), rows * columns, "{rows} x {columns} plane");
    let (whole_rows, whole_columns) = (rows - rows % BLOCK, columns - columns % BLOCK);
    for x in (0..whole_columns).step_by(BLOCK) {
        for y in (0..whole_rows).step_by(BLOCK) {
            let block = transposed(load(from, x * rows + y, rows));
            store(&block, to, y * columns + x, columns);
        }
    }
    for x in 0..columns {
        let first_row = if x < whole_columns { whole_rows } else { 0 };
        for y in first_row..rows {
            to[y * columns + x] = from[x * rows + y];
        }
    }
}

fn load(from: &[u8], start: usize, stride: usize) -> Block {
    let mut block = [[0; BLOCK]; BLOCK];
    for (i, line) in block.iter_mut().enumerate() {
        line.copy_from_slice(&from[start + i * stride..][..BLOCK]);
    }
    block
}

fn store(block: &Block, to: &mut [u8], start: usize, stride: usize) {
    for (i, line) in block.iter().enumerate() {
        to[start + i * stride..][..BLOCK].copy_from_slice(line);
    }
}

#[inline(always)]
fn transposed(mut block: Block) -> Block {
    for _ in 0..4 {
        let mut next = [[0; BLOCK]; BLOCK];
        for i in 0..BLOCK / 2 {
            let (low, high) = interleaved(&block[i], &block[i + BLOCK / 2]);
            next[2 * i] = low;
            next[2 * i + 1] = high;
        }
        block = next;
    }
    block
}

#[inline(always)]
fn interleaved(a: &[u8; BLOCK], b: &[u8; BLOCK]) -> ([u8; BLOCK], [u8; BLOCK]) {
    let (mut low, mut high) = ([0; BLOCK], [0; BLOCK]);
    for i in 0..BLOCK / 2 {
        low[2 * i] = a[i];
        low[2 * i + 1] = b[i];
        high[2 * i] = a[i + BLOCK / 2];
        high[2 * i + 1] = b[i + BLOCK / 2];
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_byte_lands_on_the_mirrored_place(rows in 1usize..70, columns in 1usize..70, seed: u8) {
            let byte = |i: usize| (i as u32).wrapping_mul(2_654_435_761).rotate_left(9) as u8 ^ seed;
            let from: Vec<u8> = (0..rows * columns).map(byte).collect();
            let mut to = vec![0; rows * columns];
            transpose(&from, &mut to, rows, columns);
            for y in 0..rows {
                for x in 0..columns {
                    prop_assert_eq!(to[y * columns + x], from[x * rows + y], "row {} column {}", y, x);
                }
            }
        }
    }
}
