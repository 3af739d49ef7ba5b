//! Length-prefixed concatenation: no two lists of parts give the same bytes.

pub(crate) fn put(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u64).to_be_bytes());
    out.extend_from_slice(part);
}

/// What all parts give together, for `use_`, without an allocation where they are short.
pub(crate) fn joined<R>(parts: &[&[u8]], use_: impl FnOnce(&[u8]) -> R) -> R {
    let mut short = [0; 192];
    let len = parts.iter().map(|part| 8 + part.len()).sum::<usize>();
    if len > short.len() {
        let mut long = Vec::with_capacity(len);
        parts.iter().for_each(|part| put(&mut long, part));
        return use_(&long);
    }
    let mut end = 0;
    for part in parts {
        for piece in [&(part.len() as u64).to_be_bytes()[..], part] {
            short[end..end + piece.len()].copy_from_slice(piece);
            end += piece.len();
        }
    }
    use_(&short[..end])
}
