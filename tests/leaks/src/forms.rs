//! How a text may show octets: as they are, in hexadecimal, in base64 of either alphabet from wherever it begins, and as
//! a list of numbers.

/// A text is recognized by so many octets.
pub(crate) const TEXT: usize = 16;
/// Octets that are written as something else are recognized by so many of them.
pub(crate) const OCTETS: usize = 8;
/// A public id has so many characters, and no secret is written in as few.
const PUBLIC_ID: usize = 22;

/// Without the public ids, which may be shown: also one that a token shows which is only signed.
pub(crate) fn masked(text: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.first() {
        let word = rest.iter().take_while(|octet| is_of_a_word(**octet)).count();
        let (word, after) = rest.split_at(word.max(1));
        match word.len() {
            PUBLIC_ID => masked.push(b'#'),
            1 => masked.push(*first),
            _ => masked.extend_from_slice(word),
        }
        rest = after;
    }
    masked
}

fn is_of_a_word(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_')
}

/// All that the text could be, if it is octets that were written as something else.
pub(crate) fn written(text: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for run in text.split(|octet| base64_digit(*octet).is_none()) {
        // Whose groups of four begin anywhere in it.
        for phase in 0..4 {
            all.extend(run.get(phase..).map(|run| packed(run, 6, base64_digit)));
        }
    }
    for run in text.split(|octet| hex_digit(*octet).is_none()) {
        for phase in 0..2 {
            all.extend(run.get(phase..).map(|run| packed(run, 4, hex_digit)));
        }
    }
    all.extend(numbers(text));
    all.retain(|octets| octets.len() >= OCTETS);
    all
}

/// The octets of digits that have so many bits each.
fn packed(run: &[u8], bits: u32, digit: fn(u8) -> Option<u8>) -> Vec<u8> {
    let (mut octets, mut held, mut count) = (Vec::new(), 0u32, 0);
    for value in run.iter().filter_map(|octet| digit(*octet)) {
        held = held << bits | u32::from(value);
        count += bits;
        if count >= 8 {
            count -= 8;
            octets.push((held >> count) as u8);
            held &= (1 << count) - 1;
        }
    }
    octets
}

fn base64_digit(octet: u8) -> Option<u8> {
    Some(match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

fn hex_digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).map(|digit| digit as u8)
}

/// Lists of numbers below 256, as `Debug` writes them in either way.
fn numbers(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lists = vec![Vec::new()];
    for item in text.split(|octet| *octet == b',' || matches!(octet, b'[' | b']')) {
        let number = str::from_utf8(item.trim_ascii())
            .ok()
            .and_then(|number| number.parse().ok());
        match (number, lists.last_mut()) {
            (Some(number), Some(list)) => list.push(number),
            _ => lists.push(Vec::new()),
        }
    }
    lists
}
