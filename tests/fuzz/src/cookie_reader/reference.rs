//! A plain reading of the standard (RFC 6265bis, 4.2 and 5.6): an automaton that goes from octet to octet.

/// Where the automaton is within a pair.
enum At {
    Name,
    Value,
}

/// The named cookies of these lines, in order: names and values without the spaces and tabs around them, values without a
/// pair of quotes.
pub(super) fn cookies(lines: &[Vec<u8>]) -> Vec<(&[u8], &[u8])> {
    let mut cookies = Vec::new();
    for line in lines {
        let (mut at, mut name, mut start) = (At::Name, 0..0, 0);
        for (index, octet) in line.iter().chain(b";").enumerate() {
            match (&at, octet) {
                (At::Name, b'=') => {
                    name = start..index;
                    start = index + 1;
                    at = At::Value;
                }
                // A pair without a name.
                (At::Name, b';') => start = index + 1,
                (At::Value, b';') => {
                    cookies.push((
                        trimmed(&line[name.clone()]),
                        unquoted(trimmed(&line[start..index])),
                    ));
                    start = index + 1;
                    at = At::Name;
                }
                _ => {}
            }
        }
    }
    cookies
}

fn trimmed(octets: &[u8]) -> &[u8] {
    let is_space = |octet: &u8| *octet == b' ' || *octet == b'\t';
    let start = octets.iter().take_while(|octet| is_space(octet)).count();
    let end = octets[start..]
        .iter()
        .rev()
        .take_while(|octet| is_space(octet))
        .count();
    &octets[start..octets.len() - end]
}

fn unquoted(value: &[u8]) -> &[u8] {
    if value.len() > 1 && value[0] == b'"' && value[value.len() - 1] == b'"' {
        &value[1..value.len() - 1]
    } else {
        value
    }
}
