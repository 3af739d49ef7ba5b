//! What a session is made of, piece by piece: what each takes alone, in a loop, with warm caches.

use std::{env, hint::black_box, sync::Arc, time::Instant};

use actix_web::cookie::{Cookie, CookieJar, Key};
use base64::{
    Engine,
    engine::{
        Simd,
        general_purpose::{NO_PAD, URL_SAFE_NO_PAD},
    },
};
use benches::table::{print, thousands};
use futures_util::FutureExt as _;
use sessions_actix::{
    PublicId, SessionSerializer, StorageKey,
    protection::{self, Encrypted, KeyRing, Mode, Protection, Purpose, Signed, Suite},
    serializer::{Bincode, Json},
    storage::{
        MemoryStorage, Read, SessionStorage as _,
        contract::{NOW, record},
    },
};
use workloads::{Account, Failure, callgrind};

const HEADING: &str = "\
## Building blocks

Each in a loop; all take turns, and the shortest of 101 turns counts. `Encrypted` and `Signed` are what tokens go through,
their text aside; the jars are those of the package `cookie`, which has no way without the text, and are made for each request,
as actix-session does. Text is base64url, by the engine for many bytes at once that tokens are written with and by the ordinary
one of the same package. An instruction is counted by callgrind, which has neither SHA nor wide AES instructions: what signs or
hashes looks dearer than it is.
";

const TURNS: usize = 101;
const PER_TURN: usize = 200;
/// The sizes of what is sealed and written: five fields with their header, and a large session.
const SIZES: [usize; 2] = [120, 1000];

/// What AES-256-GCM-SIV and its prefix add.
const SEALED: usize = 33;

/// The argument for one block alone, so many times.
const ONE: &str = "--one";

struct Block {
    name: String,
    run: Box<dyn FnMut()>,
}

fn block<R>(name: impl Into<String>, mut run: impl FnMut() -> R + 'static) -> Block {
    Block {
        name: name.into(),
        run: Box::new(move || drop(black_box(run()))),
    }
}

fn main() -> Result<(), Failure> {
    let mut blocks = blocks()?;
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [flag, name, times] = arguments.as_slice()
        && flag == ONE
    {
        let block = blocks.iter_mut().find(|block| block.name == *name);
        let block = block.ok_or("no such block")?;
        repeat(&mut block.run, PER_TURN);
        counted(&mut block.run, times.parse()?);
        return Ok(());
    }
    println!("{HEADING}");
    let mut least = vec![f64::INFINITY; blocks.len()];
    for _ in 0..TURNS {
        for (block, least) in blocks.iter_mut().zip(&mut least) {
            let begun = Instant::now();
            repeat(&mut block.run, PER_TURN);
            *least = least.min(begun.elapsed().as_nanos() as f64 / PER_TURN as f64);
        }
    }
    let mut rows = Vec::new();
    for (block, least) in blocks.into_iter().zip(least) {
        let instructions = instructions(&block.name)?.map_or("-".to_owned(), thousands);
        rows.push(vec![block.name, format!("{least:.0}"), instructions]);
    }
    print(&["block", "ns", "instructions"], &rows);
    Ok(())
}

fn repeat(run: &mut dyn FnMut(), times: usize) {
    for _ in 0..times {
        run();
    }
}

/// Only what is in here is counted; callgrind is told so by its name.
#[inline(never)]
fn counted(run: &mut dyn FnMut(), times: usize) {
    repeat(run, times);
}

/// How many instructions a block takes; `None` if there is no valgrind.
fn instructions(name: &str) -> Result<Option<f64>, Failure> {
    const TIMES: usize = 1024;
    let total = callgrind::total("blocks::counted", &[ONE, name, &TIMES.to_string()])?;
    Ok(total.map(|total| total as f64 / TIMES as f64))
}

fn blocks() -> Result<Vec<Block>, Failure> {
    let key = protection::Key::generate()?;
    let ring = KeyRing::new(key.clone());
    let chacha = KeyRing::new(key.with_suite(Suite::ChaCha20Poly1305));
    let mut blocks = Vec::new();
    for size in SIZES {
        protect(
            &mut blocks,
            "`Encrypted`, AES-256-GCM-SIV",
            &Encrypted::new(&ring),
            size,
        )?;
        protect(
            &mut blocks,
            "`Encrypted`, ChaCha20-Poly1305",
            &Encrypted::new(&chacha),
            size,
        )?;
        protect(&mut blocks, "`Signed`", &Signed::new(&ring), size)?;
        text(&mut blocks, "text", Simd::url_safe(NO_PAD), size + SEALED);
        text(
            &mut blocks,
            "text, ordinary engine",
            URL_SAFE_NO_PAD,
            size + SEALED,
        );
        jars(&mut blocks, size);
    }
    serializer::<Bincode>(&mut blocks, "bincode")?;
    serializer::<Json>(&mut blocks, "JSON")?;
    blocks.push(block("five fields: clone", {
        let account = Account::new();
        move || account.clone()
    }));
    blocks.push(block("32 secret random bytes", protection::Key::generate));
    load(&mut blocks)?;
    Ok(blocks)
}

/// In one buffer, as the library does.
fn protect(
    blocks: &mut Vec<Block>,
    name: &str,
    protection: &dyn Protection,
    size: usize,
) -> Result<(), Failure> {
    let purpose = Purpose {
        mode: Mode::ByValue,
        application: "",
        name: "__Host-account",
    };
    let (seal, open) = (protection.bind(&purpose)?, protection.bind(&purpose)?);
    let plain = vec![7; size];
    let mut token = plain.clone();
    seal.protect(&mut token)?;
    let mut bytes = Vec::with_capacity(2 * size);
    blocks.push(block(format!("{name}: seal {size} bytes"), move || {
        bytes.clear();
        bytes.extend_from_slice(&plain);
        seal.protect(black_box(&mut bytes)).is_ok()
    }));
    let mut bytes = Vec::with_capacity(2 * size);
    blocks.push(block(format!("{name}: open {size} bytes"), move || {
        bytes.clear();
        bytes.extend_from_slice(&token);
        open.unprotect(black_box(&mut bytes)).is_ok()
    }));
    Ok(())
}

fn text(blocks: &mut Vec<Block>, name: &str, engine: impl Engine + Clone + 'static, size: usize) {
    let bytes = vec![7; size];
    let text = engine.encode(&bytes);
    let writer = engine.clone();
    blocks.push(block(format!("{name}: write {size} bytes"), move || {
        writer.encode(black_box(&bytes))
    }));
    let mut bytes = Vec::with_capacity(text.len());
    blocks.push(block(format!("{name}: read {size} bytes"), move || {
        bytes.clear();
        engine.decode_vec(black_box(&text), &mut bytes).is_ok()
    }));
}

/// As actix-session uses them: a jar for each request.
fn jars(blocks: &mut Vec<Block>, size: usize) {
    let key = Key::generate();
    let cookie = Cookie::new("__Host-account", "7".repeat(size));
    let mut jar = CookieJar::new();
    jar.private_mut(&key).add(cookie.clone());
    let sealed = jar.delta().next().cloned().unwrap_or(cookie.clone());
    jar.signed_mut(&key).add(cookie.clone());
    let signed = jar.delta().next().cloned().unwrap_or(cookie.clone());
    let (private_key, signing_key, text) = (key.clone(), key.clone(), cookie.clone());
    blocks.push(block(
        format!("private jar, with text: seal {size} bytes"),
        move || {
            let mut jar = CookieJar::new();
            jar.private_mut(&private_key).add(text.clone());
            jar
        },
    ));
    let private_key = key.clone();
    blocks.push(block(
        format!("private jar, with text: open {size} bytes"),
        move || CookieJar::new().private(&private_key).decrypt(sealed.clone()),
    ));
    blocks.push(block(
        format!("signed jar, with text: seal {size} bytes"),
        move || {
            let mut jar = CookieJar::new();
            jar.signed_mut(&signing_key).add(cookie.clone());
            jar
        },
    ));
    blocks.push(block(
        format!("signed jar, with text: open {size} bytes"),
        move || CookieJar::new().signed(&key).verify(signed.clone()),
    ));
}

fn serializer<S: SessionSerializer<Account>>(blocks: &mut Vec<Block>, name: &str) -> Result<(), Failure> {
    let account = Account::new();
    let mut bytes = Vec::with_capacity(256);
    S::serialize(&account, &mut bytes)?;
    let encoded = bytes.clone();
    let size = encoded.len();
    blocks.push(block(
        format!("five fields, {name}: encode to {size} bytes"),
        move || {
            bytes.clear();
            S::serialize(black_box(&account), &mut bytes).is_ok()
        },
    ));
    blocks.push(block(format!("five fields, {name}: decode"), move || {
        S::deserialize(black_box(&encoded))
    }));
    Ok(())
}

/// The way to a session in memory: its key, and a load of it among a thousand.
fn load(blocks: &mut Vec<Block>) -> Result<(), Failure> {
    let storage = MemoryStorage::new();
    let mut bytes = Vec::new();
    <Bincode as SessionSerializer<Account>>::serialize(&Account::new(), &mut bytes)?;
    let mut last = None;
    for number in 0..1000_u32 {
        let id = PublicId::from_bytes(&[number.to_be_bytes(); 4].concat())?;
        let key = StorageKey::new("", "__Host-account", &id);
        let created = storage.create(key, Arc::new(record(bytes.clone())), NOW);
        created.now_or_never().ok_or("memory answers at once")??;
        last = Some((id, key));
    }
    let (id, key) = last.ok_or("there is one")?;
    blocks.push(block("the hash that a storage has for a key", move || {
        StorageKey::new("", "__Host-account", black_box(&id))
    }));
    blocks.push(block("a load from memory", move || {
        storage.load(key, Read::Any, NOW).now_or_never()
    }));
    Ok(())
}
