//! The traced tree as bytes.

use super::{
    node::{Id, Kind, Node, State},
    tracer::MAX_REFUSALS,
};
use crate::lp::put;

/// Writes the tree down; `path` leads to `node`.
pub(super) fn encode(nodes: &[Node], node: Id, path: &mut Vec<Id>, out: &mut Vec<u8>) {
    let count = |out: &mut Vec<u8>, count: usize| out.extend_from_slice(&(count as u64).to_be_bytes());
    path.push(node);
    match &nodes[node].kind {
        Kind::Unseen => put(out, b"unseen"),
        Kind::Leaf { name, .. } => put(out, name.as_bytes()),
        Kind::Option(child) => {
            put(out, b"option");
            encode(nodes, *child, path, out);
        }
        Kind::Newtype(child) => {
            put(out, b"newtype");
            encode(nodes, *child, path, out);
        }
        Kind::Elements { len, children } => {
            match len {
                Some(len) => {
                    put(out, b"tuple");
                    count(out, *len);
                }
                None => put(out, b"seq"),
            }
            count(out, children.len());
            children.iter().for_each(|child| encode(nodes, *child, path, out));
        }
        Kind::Map(key, value) => {
            put(out, b"map");
            encode(nodes, *key, path, out);
            encode(nodes, *value, path, out);
        }
        Kind::Struct { fields, .. } => {
            let fields = || fields.iter().filter(|field| !field.alias);
            put(out, b"struct");
            count(out, fields().count());
            for field in fields() {
                put(out, field.name.as_bytes());
                encode(nodes, field.node, path, out);
            }
        }
        Kind::Enum { variants, .. } => {
            put(out, b"enum");
            count(out, variants.len());
            for variant in variants {
                put(out, variant.name.as_bytes());
                encode(nodes, variant.payload, path, out);
            }
        }
        Kind::Back(place) => {
            put(out, b"back");
            count(out, path.iter().rev().position(|id| id == place).unwrap_or(0));
        }
    }
    if let Some(name) = stand_in(nodes, node) {
        put(out, b"named");
        put(out, name.as_bytes());
    }
    path.pop();
}

/// The type's name, where that has to stand for what was not seen.
fn stand_in(nodes: &[Node], id: Id) -> Option<&'static str> {
    let node = &nodes[id];
    let unseen = |id: &Id| matches!(nodes[*id].kind, Kind::Unseen);
    let hidden = match &node.kind {
        Kind::Back(_) => return None,
        Kind::Unseen | Kind::Leaf { name: "any", .. } => true,
        Kind::Leaf { .. } | Kind::Option(_) | Kind::Newtype(_) => node.state == State::Barren,
        Kind::Elements { len, children } => {
            children.iter().any(unseen) || len.is_some_and(|len| children.len() < len)
        }
        Kind::Map(key, value) => unseen(key) || unseen(value),
        Kind::Struct { fields, .. } => fields.iter().any(|field| !field.alias && unseen(&field.node)),
        Kind::Enum { .. } => false,
    };
    let given_up = node.state == State::Open || node.refusals > MAX_REFUSALS;
    // The names inside serde's expansions and private modules contain the outer type's, and serde's version.
    let lasting = !["__", "::private::"]
        .iter()
        .any(|inside| node.type_name.contains(inside));
    ((hidden || given_up) && lasting && !node.type_name.is_empty()).then_some(node.type_name)
}
