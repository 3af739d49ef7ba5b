//! Which server of a cluster has a key.
//!
//! <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>

use redis::Value;

use super::servers::Server;

/// How many slots the keys of a cluster are in.
const SLOTS: u16 = 16_384;

/// The slots of a cluster, as one of its servers has told them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slots(Vec<Range>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    first: u16,
    last: u16,
    master: Server,
}

impl Slots {
    /// The answer to `CLUSTER SLOTS`, if it is of all slots: who does not know all has lost the others. A server that gives
    /// no host of its own is where it was asked.
    pub(super) fn of(answer: &Value, asked: &str) -> Option<Self> {
        let Value::Array(ranges) = answer else {
            return None;
        };
        let ranges = ranges.iter().map(|range| {
            let Value::Array(range) = range else { return None };
            let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &range[..] else {
                return None;
            };
            let [host, Value::Int(port), ..] = &master[..] else {
                return None;
            };
            let host = match host {
                Value::BulkString(host) if !host.is_empty() => std::str::from_utf8(host).ok()?,
                Value::Nil | Value::BulkString(_) => asked,
                _ => return None,
            };
            Some(Range {
                first: u16::try_from(*first).ok()?,
                last: u16::try_from(*last).ok()?,
                master: Server::At(host.into(), u16::try_from(*port).ok()?),
            })
        });
        let mut ranges: Vec<_> = ranges.collect::<Option<_>>()?;
        ranges.sort();
        let end = ranges.iter().try_fold(0, |next, range| {
            (range.first == next && next <= range.last).then_some(range.last + 1)
        });
        (end == Some(SLOTS)).then_some(Self(ranges))
    }

    /// Who has this key.
    pub(super) fn server_of(&self, key: &[u8]) -> &Server {
        let slot = slot(key);
        let after = self.0.partition_point(|range| range.first <= slot);
        // The first range begins at the first slot.
        &self.0[after.saturating_sub(1)].master
    }

    /// Everyone who has keys.
    pub(super) fn masters(&self) -> Vec<Server> {
        let mut masters: Vec<_> = self.0.iter().map(|range| range.master.clone()).collect();
        masters.sort();
        masters.dedup();
        masters
    }
}

/// The slot of a key; of what stands between its first braces, if there is something.
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|&byte| byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        let length = rest.iter().position(|&byte| byte == b'}')?;
        (length > 0).then(|| &rest[..length])
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot(b"{user1000}.following"), slot(b"{user1000}.followers"));
        assert_eq!(slot(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
        assert_eq!(slot(b"foo{bar}{zap}"), slot(b"bar"));
    }

    #[test]
    fn a_key_is_where_its_slot_is_and_slots_that_are_not_all_there_are_none() {
        let range = |first, last, host: &[u8], port| {
            let master = vec![Value::BulkString(host.to_vec()), Value::Int(port)];
            Value::Array(vec![Value::Int(first), Value::Int(last), Value::Array(master)])
        };
        let (low, high) = (range(0, 5_060, b"10.0.0.1", 1), range(5_061, 16_383, b"", 2));
        let told = Value::Array(vec![high.clone(), low.clone()]);
        let slots = Slots::of(&told, "10.0.0.9").expect("they are slots");
        let [one, other] =
            [("10.0.0.1", 1), ("10.0.0.9", 2)].map(|(host, port)| Server::At(host.into(), port));
        // 866, 5061 and 12182.
        let of = |tag: &str| slots.server_of(tag.as_bytes()).clone();
        assert_eq!(
            [of("hello"), of("bar"), of("foo")],
            [one.clone(), other.clone(), other.clone()]
        );
        assert_eq!(slots.masters(), [one, other]);
        for not_all in [
            vec![],
            vec![low.clone()],
            vec![high.clone()],
            vec![low.clone(), low, high],
        ] {
            assert_eq!(Slots::of(&Value::Array(not_all), ""), None);
        }
        assert_eq!(Slots::of(&Value::Okay, ""), None);
    }
}
