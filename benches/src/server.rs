//! A contestant behind a socket, in a process of its own.

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use workloads::{Contestant, Failure};

/// The argument that makes a program a server; see [`if_asked`].
const SERVE: &str = "--serve";

/// Linux tells processor time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// Serves, if [`Server::start`] has asked the program for it: to be called first in `main`, in a runtime.
///
/// # Errors
/// There is no such contestant.
pub async fn if_asked(
    contestants: impl FnOnce() -> Result<Vec<Contestant>, Failure>,
) -> Result<bool, Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [flag, name] = arguments.as_slice() else {
        return Ok(false);
    };
    if flag != SERVE {
        return Ok(false);
    }
    let contestants = contestants()?;
    let contestant = contestants.iter().find(|contestant| contestant.name == name);
    let contestant = contestant.ok_or_else(|| format!("no contestant {name}"))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    io::stdout().flush()?;
    // It ends with whoever has started it, however that ends.
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    contestant.serve(listener).await?;
    Ok(true)
}

/// A process that serves a contestant until this is dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Runs this program again, on the first processor if there is `taskset`; it has to call [`if_asked`] first.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(contestant: &str) -> Result<Self, Failure> {
        let program = env::current_exe()?;
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(&program);
        let mut process = match run(&mut command, contestant) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                run(&mut Command::new(program), contestant)?
            }
            process => process?,
        };
        let output = process.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse()?;
        Ok(Self { process, address })
    }

    /// The processor's time that it has had, in its own code and in the kernel's.
    ///
    /// # Errors
    /// The process is gone.
    pub fn processor_time(&self) -> Result<Duration, Failure> {
        let line = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // The name, which is the second of them, may have spaces in it.
        let (_, fields) = line.rsplit_once(')').ok_or("no name")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let [user, system] = [fields.get(11), fields.get(12)];
        let ticks: u32 = user.ok_or("no time")?.parse::<u32>()? + system.ok_or("no time")?.parse::<u32>()?;
        Ok(TICK * ticks)
    }
}

fn run(command: &mut Command, contestant: &str) -> io::Result<Child> {
    command
        .args([SERVE, contestant])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
