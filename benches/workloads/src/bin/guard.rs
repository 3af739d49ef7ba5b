//! Refuses what makes a request dearer: `guard` compares what each request of this library allocates, to the last one, and
//! its instructions, within 5 %, with what is recorded; `guard --record` writes down what they are now.
//!
//! No time is measured, so it says the same on every machine that has the same compiler and C library.

use std::{collections::BTreeMap, env, fmt, fs, path::Path};

use workloads::{Contestant, Failure, Workload, allocations, bare, callgrind, ours};

/// By how much instructions may differ: what is random is in some requests a byte longer, or a table fuller.
const MARGIN: f64 = 0.05;

const HEADING: &str = "\
# What a request costs beyond the bare framework's, by contestant and workload: allocations, instructions.
# Written by `cargo run --release --package workloads --bin guard -- --record`; a change of it is to be explained where it is made.
";

#[actix_web::main]
async fn main() -> Result<(), Failure> {
    if callgrind::if_asked(contestants).await? {
        return Ok(());
    }
    let measured = measure()?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("baseline.txt");
    if env::args().any(|argument| argument == "--record") {
        let lines = measured.iter().map(|(what, cost)| format!("{what}: {cost}\n"));
        return Ok(fs::write(file, HEADING.to_owned() + &lines.collect::<String>())?);
    }
    let mut recorded = read(&file)?;
    let mut dearer = Vec::new();
    for (what, cost) in measured {
        let Some(before) = recorded.remove(&what) else {
            return Err(format!("{what} is not in the record").into());
        };
        println!("{what}: {cost}, and was {before}");
        if !cost.is_as(&before) {
            dearer.push(format!("{what}: {cost}, and {before} is recorded"));
        }
    }
    dearer.extend(
        recorded
            .into_keys()
            .map(|what| format!("{what}: not measured any more")),
    );
    if dearer.is_empty() {
        return Ok(());
    }
    let all = dearer.join("\n");
    Err(
        format!("a request costs something else than is recorded. Mend it, or record it and say why:\n{all}")
            .into(),
    )
}

fn contestants() -> Result<Vec<Contestant>, Failure> {
    let mut all = ours()?;
    all.push(bare());
    Ok(all)
}

/// What a request costs.
struct Cost {
    allocations: f64,
    instructions: f64,
}

impl Cost {
    fn is_as(&self, recorded: &Self) -> bool {
        let more = (self.instructions - recorded.instructions).abs();
        // Of a request that costs next to nothing, a few instructions are many in a hundred.
        self.allocations == recorded.allocations && more <= (MARGIN * recorded.instructions).max(25.0)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.allocations, self.instructions)
    }
}

fn measure() -> Result<BTreeMap<String, Cost>, Failure> {
    let mut all = BTreeMap::new();
    for workload in Workload::ALL {
        let floor = cost("bare actix-web", workload)?;
        for contestant in ours()? {
            let waits = contestant.waits.contains(&workload);
            if waits || !contestant.workloads.contains(&workload) {
                continue;
            }
            let cost = cost(contestant.name, workload)?;
            let over = Cost {
                allocations: cost.allocations - floor.allocations,
                instructions: (cost.instructions - floor.instructions).round(),
            };
            all.insert(format!("{} {}", workload.code(), contestant.name), over);
        }
    }
    Ok(all)
}

fn cost(contestant: &str, workload: Workload) -> Result<Cost, Failure> {
    let instructions = callgrind::instructions(contestant, workload)?;
    Ok(Cost {
        // What grows now and then is no request's.
        allocations: allocations::of(contestant, workload)?.count.round(),
        instructions: instructions.ok_or("valgrind is not installed")?,
    })
}

fn read(file: &Path) -> Result<BTreeMap<String, Cost>, Failure> {
    let text = fs::read_to_string(file)?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (what, cost) = line.rsplit_once(": ").ok_or("a line without a cost")?;
            let (allocations, instructions) = cost.split_once(' ').ok_or("a line with one number")?;
            let cost = Cost {
                allocations: allocations.parse()?,
                instructions: instructions.parse()?,
            };
            Ok((what.to_owned(), cost))
        })
        .collect()
}
