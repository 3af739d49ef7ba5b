//! A process that runs as long as this one.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// Does what it is told, line by line, and ends the server when nobody can tell it anything any more: when the process
/// has ended that holds the other end, however it has ended. PostgreSQL's children are in groups of their own.
const SUPERVISE: &str = r#"
    folder=$1; shift
    # Stopped first, so that it has no more children; and they before it, because without it nobody knows them.
    all() {
        kill -s STOP "$server"
        children=$(cat "/proc/$server/task/$server/children")
        for child in $children; do kill -s "$1" "$child"; done
        # Until then it has open what it had, such as the port.
        [ "$1" != KILL ] || for child in $children; do
            while grep -qs '^State:.[^ZX]' "/proc/$child/status"; do sleep 0.01; done
        done
        kill -s "$1" "$server"
    }
    while read -r command; do
        case $command in
            start) "$@" </dev/null >>"$folder/log" 2>&1 & server=$! ;;
            kill) all KILL; wait "$server" ;;
            pause) all STOP ;;
            resume) all CONT ;;
            reload) kill -s HUP "$server" ;;
        esac
        echo done
    done
    all KILL
    wait "$server"
    rm -rf "$folder"
"#;

/// How long a server may take to start, and several to agree.
const PATIENCE: Duration = Duration::from_secs(60);

/// What servers log when another process has their port.
const TAKEN: &str = "Address already in use";

/// The user whom a server's package has made for it: servers do not like to run as root.
pub(crate) struct User(pub(crate) &'static str);

impl User {
    /// A command as this user, if that is needed.
    pub(crate) fn command(&self, program: &str) -> Command {
        if output(Command::new("id").arg("-u")) != "0" {
            return Command::new(program);
        }
        let mut command = Command::new("runuser");
        command.current_dir("/").args(["-u", self.0, "--", program]);
        command
    }

    /// A new folder of this user's.
    pub(crate) fn folder(&self) -> PathBuf {
        output(self.command("mktemp").args(["-d", "--tmpdir", "sessions-XXXXXX"])).into()
    }

    /// Writes a file that this user may write again.
    pub(crate) fn write(&self, file: &Path, content: &str) {
        output(self.command("touch").arg(file));
        fs::write(file, content).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}

/// A server and the folder that everything of it is in.
#[derive(Debug)]
pub(crate) struct Process {
    folder: PathBuf,
    supervisor: Mutex<Child>,
    /// Succeeds when the server can be used.
    asks: Vec<String>,
}

impl Process {
    /// Starts it, and waits until the command `asks` succeeds.
    pub(crate) fn start(user: &User, folder: PathBuf, command: &[&str], asks: &[&str]) -> Self {
        let process = Self::supervise(user, folder, command, asks);
        process.run_again();
        process
    }

    /// As `start`, of a server with a port; nothing if another process has taken that meanwhile.
    pub(crate) fn start_with_port(
        user: &User,
        folder: PathBuf,
        command: &[&str],
        asks: &[&str],
    ) -> Option<Self> {
        let process = Self::supervise(user, folder, command, asks);
        process.tell("start");
        let mut ready = false;
        process.wait_until(|| {
            ready = process.is_ready();
            ready || process.log().contains(TAKEN)
        });
        ready.then_some(process)
    }

    fn supervise(user: &User, folder: PathBuf, command: &[&str], asks: &[&str]) -> Self {
        let mut shell = user.command("sh");
        shell.args(["-c", SUPERVISE, "sh"]).arg(&folder).args(command);
        // In a session of its own. What interrupts the tests in a terminal ends this process by its standard input. And a
        // group of this session that loses its parent, and has stopped somebody, as the shell then does, is sent SIGHUP.
        let supervisor = Command::new("setsid")
            .arg(shell.get_program())
            .args(shell.get_args())
            .current_dir(shell.get_current_dir().unwrap_or(Path::new(".")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        Self {
            folder,
            supervisor: Mutex::new(supervisor),
            asks: asks.iter().map(|&word| word.to_owned()).collect(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts it, after it was killed, with what it had written.
    pub(crate) fn run_again(&self) {
        self.tell("start");
        self.wait_until(|| self.is_ready());
    }

    fn is_ready(&self) -> bool {
        let mut ask = Command::new(&self.asks[0]);
        ask.args(&self.asks[1..]);
        ask.output().is_ok_and(|output| output.status.success())
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn wait_until(&self, done: impl FnMut() -> bool) {
        wait_until(done, || format!("a server does not start: {}", self.log()));
    }

    /// Ends it at once, as the lack of memory or of power does.
    pub(crate) fn kill(&self) {
        self.tell("kill");
    }

    /// Lets nothing of it run, and its connections open.
    pub(crate) fn pause(&self) {
        self.tell("pause");
    }

    pub(crate) fn resume(&self) {
        self.tell("resume");
    }

    /// Lets it read its settings again; it has done so some time later.
    pub(crate) fn reload(&self) {
        self.tell("reload");
    }

    /// Until it is done.
    fn tell(&self, command: &str) {
        let mut supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner);
        let supervisor = &mut *supervisor;
        let (Some(stdin), Some(stdout)) = (&mut supervisor.stdin, &mut supervisor.stdout) else {
            unreachable!("both are pipes until it is dropped");
        };
        let mut done = [0; 5];
        writeln!(stdin, "{command}")
            .and_then(|()| stdout.read_exact(&mut done))
            .unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let supervisor = self.supervisor.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(supervisor.stdin.take());
        let _ = supervisor.wait();
    }
}

/// Asks again and again.
pub(crate) fn wait_until(mut done: impl FnMut() -> bool, otherwise: impl Fn() -> String) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{}", otherwise());
        thread::sleep(Duration::from_millis(20));
    }
}

/// What a command prints; it has to succeed.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error: io::Error| {
        panic!("{command:?} cannot be run: {error}; `tests/run` installs what tests need")
    });
    assert!(
        output.status.success(),
        "{command:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
