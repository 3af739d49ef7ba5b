//! Length-prefixed concatenation: no two lists of parts give the same bytes.

use zeroize::Zeroizing;

use crate::secret::Wiped;

pub(crate) fn put(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&length(part));
    out.extend_from_slice(part);
}

/// What all parts give together. It is wiped: a handle that a client claims may be a part of another secret of its own.
pub(crate) fn joined<R>(parts: &[&[u8]], make: impl FnOnce(&[u8]) -> R) -> R {
    let room = parts.iter().map(|part| 8 + part.len()).sum();
    // Application, name and handle fit into that, as a rule.
    let (mut short, mut long) = (Wiped([0; 128]), Zeroizing::new(Vec::new()));
    let all = match short.0.get_mut(..room) {
        Some(all) => all,
        None => {
            long.resize(room, 0);
            &mut long[..]
        }
    };
    let mut rest = &mut *all;
    for part in parts {
        let (prefixed, others) = rest.split_at_mut(8 + part.len());
        prefixed[..8].copy_from_slice(&length(part));
        prefixed[8..].copy_from_slice(part);
        rest = others;
    }
    make(all)
}

fn length(part: &[u8]) -> [u8; 8] {
    (part.len() as u64).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_as_they_are_put_one_after_the_other_however_long_they_are() {
        for last in [0, 1, 95, 96, 97, 1000] {
            let (first, last) = ([1; 16], vec![2; last]);
            let parts: [&[u8]; 3] = [&first, &[], &last];
            let mut put_in = Vec::new();
            parts.iter().for_each(|part| put(&mut put_in, part));
            assert_eq!(joined(&parts, <[u8]>::to_vec), put_in);
        }
    }
}
