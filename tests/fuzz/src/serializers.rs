//! The two serializers, and a type that has in it whatever serde knows.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    ops::{Bound, Range},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use allocation_counter::measure;
use serde::{Deserialize, Serialize};
use sessions_core::{
    SessionSerializer,
    serializer::{Bincode, Json},
};

/// A choice, and not a struct, so that a few bytes are a value.
#[derive(Debug, Serialize, Deserialize)]
enum Anything {
    Nothing,
    Flag(bool),
    Letter(char),
    Small(u8, i8, u16, i16),
    Middle(u32, i32),
    Large(u64, i64),
    Huge(u128, i128),
    Float(f32),
    Double(f64),
    Text(String),
    Shared(Arc<str>),
    Octets(Box<[u8]>),
    Numbers([u32; 3]),
    NotZero(NonZeroU32),
    Maybe(Option<Box<Self>>),
    MaybeUnit(Option<()>),
    Either(Result<Box<Self>, String>),
    List(Vec<Self>),
    Queue(VecDeque<Self>),
    Pair(Box<(Self, Self)>),
    ByName(BTreeMap<String, Self>),
    ByNumber(BTreeMap<u16, Self>),
    ByLetter(BTreeMap<char, Self>),
    Set(BTreeSet<i64>),
    Units(Vec<()>),
    Hollow(Vec<Hollow>),
    Address(IpAddr),
    Socket(SocketAddr),
    Path(PathBuf),
    Wait(Duration),
    Time(SystemTime),
    Range(Range<u32>),
    Bound(Bound<i8>),
    Named {
        one: Box<Self>,
        #[serde(default)]
        other: Option<u32>,
        #[serde(rename = "Ünlike", alias = "x")]
        renamed: Unit,
    },
}

/// An element that takes room in memory and none among the bytes.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Hollow {
    #[serde(skip)]
    _room: [u64; 4],
}

#[derive(Debug, Serialize, Deserialize)]
struct Unit;

/// [`Bincode`] decodes any bytes.
pub fn bincode_reader(data: &[u8]) {
    read::<Bincode>(data);
}

/// [`Json`] decodes any bytes.
pub fn json_reader(data: &[u8]) {
    read::<Json>(data);
}

/// Any bytes are a value or an error, in bounded memory; and a value is written and read as itself.
fn read<S: SessionSerializer<Anything>>(data: &[u8]) {
    let mut read = None;
    let taken = measure(|| read = Some(S::deserialize(data)));
    assert!(
        taken.bytes_max <= most(data.len()),
        "{} bytes of memory for {} bytes",
        taken.bytes_max,
        data.len()
    );
    let Ok(value) = read.unwrap() else {
        return;
    };
    let written = write::<S>(&value);
    let again = S::deserialize(&written).unwrap();
    // So that it does not matter that some numbers are not equal to themselves.
    assert_eq!(format!("{again:?}"), format!("{value:?}"));
    assert_eq!(write::<S>(&again), written);
}

/// Elements have up to [`Anything`]'s size each, in a list that may grow by half as much again while it is moved; and those
/// that take no bytes are counted apart.
fn most(len: usize) -> u64 {
    let element = size_of::<Anything>().max(256);
    let hollow = 4 * (1 << 16) * size_of::<Hollow>();
    u64::try_from(4 * len * element + hollow).unwrap()
}

fn write<S: SessionSerializer<Anything>>(value: &Anything) -> Vec<u8> {
    let mut written = Vec::new();
    S::serialize(value, &mut written).unwrap();
    written
}

/// Values by what they are, in both formats.
pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    use Anything::{
        Address, Bound, ByLetter, ByName, ByNumber, Double, Either, Flag, Float, Hollow as Hollows, Huge,
        Large, Letter, List, Maybe, MaybeUnit, Middle, Named, NotZero, Nothing, Numbers, Octets, Pair, Path,
        Queue, Range, Set, Shared, Small, Socket, Text, Time, Units, Wait,
    };
    let hour = Duration::from_millis(3_600_001);
    let plain = || {
        vec![
            Flag(true),
            Letter('ß'),
            Small(1, -1, 300, -300),
            Middle(70_000, -70_000),
            Large(u64::MAX, i64::MIN),
            Huge(u128::MAX, i128::MIN),
            Float(0.1),
            Double(-1.5e300),
            Text("text \"\\ \u{0} é".to_owned()),
            Shared("shared".into()),
            Octets(Box::new([0, 127, 255])),
            Numbers([1, 2, 3]),
            NotZero(NonZeroU32::MIN),
            MaybeUnit(Some(())),
        ]
    };
    let others = vec![
        Address(IpAddr::from([127, 0, 0, 1])),
        Socket(SocketAddr::from(([0; 16], 443))),
        Path("/tmp".into()),
        Wait(hour),
        Time(SystemTime::UNIX_EPOCH + hour),
        Range(3..9),
        Bound(std::ops::Bound::Excluded(-3)),
        Units(vec![(); 5]),
        Hollows(vec![Hollow::default(), Hollow::default()]),
        Set([1, -1].into()),
    ];
    let maps = List(vec![
        ByName([("a".to_owned(), Nothing), ("b".to_owned(), Flag(false))].into()),
        ByNumber([(1, Nothing), (60_000, Flag(false))].into()),
        ByLetter([('a', Nothing)].into()),
        Queue([Nothing, Nothing].into()),
        Pair(Box::new((Nothing, Nothing))),
        Either(Ok(Box::new(Nothing))),
        Either(Err("why".to_owned())),
        Named {
            one: Box::new(Nothing),
            other: Some(7),
            renamed: Unit,
        },
    ]);
    let deep = (0..20).fold(Nothing, |inner, _| Maybe(Some(Box::new(List(vec![inner])))));
    [
        ("nothing", Nothing),
        ("plain-values", List(plain())),
        ("values-of-the-library", List(others)),
        ("parts-and-maps", maps),
        ("deeply-nested", deep),
    ]
    .into_iter()
    .map(|(name, value)| (name, write::<Bincode>(&value), write::<Json>(&value)))
    .collect()
}
