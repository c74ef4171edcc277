use super::*;

#[test]
fn a_byte_is_two_digits() {
    assert_eq!(hex(&[]), "");
    assert_eq!(hex(&[0, 10, 0xbc, 255]), "000abcff");
}
