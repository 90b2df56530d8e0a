//! A number that stands for a text, so that an index without texts can be compared with
//! another one.

/// FNV-1a of 64 bits over the bytes: <http://www.isthe.com/chongo/tech/comp/fnv/>.
pub(super) fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
