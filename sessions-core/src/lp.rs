//! Length-prefixed concatenation: no two lists of parts give the same bytes.

pub(crate) fn put(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&length(part));
    out.extend_from_slice(part);
}

/// What all parts give together, of which none is a secret: it is not wiped.
pub(crate) fn joined<R>(parts: &[&[u8]], make: impl FnOnce(&[u8]) -> R) -> R {
    let room = parts.iter().map(|part| 8 + part.len()).sum();
    // Application, name and handle fit into that, as a rule.
    let (mut short, mut long) = ([0; 128], Vec::new());
    let all = match short.get_mut(..room) {
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
