//! Asks a server for lists with many clients at once and prints how long the answers took.
//!
//! `client ADDRESS CLIENTS SECONDS KEYS <CASES`: a case is a line `NAME<tab>PATH`; the first
//! line of the file KEYS is the authorization for native paths, the others take turns for those of
//! the Qualys family, which allows each user only so many calls in a minute.
//! Each client has one connection and asks again as soon as it has the answer. First every case is
//! asked alone for SECONDS, then all cases in turn, each client beginning elsewhere. A status other
//! than 200 and 204 ends the run: a wrong answer must not count as a fast one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Case {
    name: String,
    path: String,
}

/// One answer: which case, how long it took, and how many bytes its body had.
struct Sample {
    case: usize,
    took: Duration,
    bytes: usize,
}

struct Client<'k> {
    stream: BufReader<TcpStream>,
    host: String,
    native: &'k str,
    /// Those of this client, and whose turn it is.
    keys: Vec<&'k str>,
    turn: usize,
    body: Vec<u8>,
}

/// Where to ask, and as whom.
struct Target {
    address: String,
    keys: Vec<String>,
    clients: usize,
}

/// Bulk lists are allowed to be asked for this often by each client in one run.
const MOST_BULK: usize = 60;

impl<'k> Client<'k> {
    fn connect(target: &'k Target, number: usize) -> Result<Self, Failure> {
        let stream = TcpStream::connect(&target.address)?;
        stream.set_nodelay(true)?;
        let own = target.keys.iter().skip(1).skip(number).step_by(target.clients);
        Ok(Self {
            stream: BufReader::with_capacity(1 << 18, stream),
            host: target.address.clone(),
            native: target.keys.first().map_or("", String::as_str),
            keys: own.map(String::as_str).collect(),
            turn: 0,
            body: Vec::new(),
        })
    }

    fn ask(&mut self, path: &str) -> Result<usize, Failure> {
        self.turn += 1;
        let key = match path.starts_with("/csapi") && !self.keys.is_empty() {
            true => self.keys[self.turn % self.keys.len()],
            false => self.native,
        };
        let host = &self.host;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {key}\r\n\r\n");
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut line, mut status, mut length) = (String::new(), String::new(), 0);
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err("the server closed the connection".into());
            }
            if status.is_empty() {
                status = line.split(' ').nth(1).unwrap_or_default().to_owned();
            } else if line == "\r\n" {
                break;
            } else if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        match status.as_str() {
            "200" | "204" => Ok(length),
            _ => Err(format!("{status} for {path}: {}", String::from_utf8_lossy(&self.body)).into()),
        }
    }
}

/// All clients ask `cases` for a while; client `n` begins at case `n`.
fn run(target: &Target, time: Duration, cases: &[(usize, &Case)]) -> Result<Vec<Sample>, Failure> {
    let failed = AtomicBool::new(false);
    let client = &|number: usize| -> Result<Vec<Sample>, Failure> {
        let mut client = Client::connect(target, number)?;
        let (mut samples, end, mut at, mut bulk) = (Vec::new(), Instant::now() + time, number * 7, 0);
        while Instant::now() < end && !failed.load(Ordering::Relaxed) {
            let (case, Case { path, .. }) = cases[at % cases.len()];
            at += 1;
            if path.contains("/list?") {
                bulk += 1;
                if bulk > MOST_BULK && cases.len() == 1 {
                    break;
                }
            }
            let start = Instant::now();
            match client.ask(path) {
                Ok(bytes) => samples.push(Sample { case, took: start.elapsed(), bytes }),
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(samples)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..target.clients).map(|number| scope.spawn(move || client(number))).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| "a client panicked")??);
        }
        Ok(all)
    })
}

fn at(sorted: &[Duration], share: f64) -> f64 {
    let place = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(place).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
}

fn line(name: &str, samples: &[&Sample]) -> String {
    let mut times: Vec<Duration> = samples.iter().map(|sample| sample.took).collect();
    times.sort_unstable();
    let bytes = samples.iter().map(|sample| sample.bytes).sum::<usize>() / samples.len().max(1);
    format!(
        "{name:<52} 50% {:8.2} ms   99% {:8.2}   max {:8.2}   {:6} answers of {:4} kB",
        at(&times, 0.5),
        at(&times, 0.99),
        at(&times, 1.0),
        times.len(),
        bytes / 1000
    )
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, clients, seconds, keys] = arguments.as_slice() else {
        return Err("usage: client ADDRESS CLIENTS SECONDS KEYS <CASES".into());
    };
    let keys = std::fs::read_to_string(keys)?.lines().map(str::to_owned).collect();
    let target = Target { address: address.clone(), keys, clients: clients.parse()? };
    let time = Duration::from_secs_f64(seconds.parse()?);
    let mut cases = Vec::new();
    for line in std::io::stdin().lines() {
        let line = line?;
        let (name, path) = line.split_once('\t').ok_or("a case is NAME<tab>PATH")?;
        cases.push(Case { name: name.to_owned(), path: path.to_owned() });
    }
    let out = &mut std::io::stdout().lock();
    for (number, case) in cases.iter().enumerate() {
        let first = Instant::now();
        Client::connect(&target, number)?.ask(&case.path)?;
        let first = first.elapsed().as_secs_f64() * 1000.0;
        let samples = run(&target, time, &[(number, case)])?;
        writeln!(out, "{}   first {first:8.2} ms", line(&case.name, &samples.iter().collect::<Vec<_>>()))?;
        out.flush()?;
    }
    let all: Vec<(usize, &Case)> = cases.iter().enumerate().collect();
    let samples = run(&target, time * 10, &all)?;
    writeln!(out, "all of them in turn")?;
    for (number, case) in &all {
        let own: Vec<&Sample> = samples.iter().filter(|sample| sample.case == *number).collect();
        writeln!(out, "{}", line(&case.name, &own))?;
    }
    writeln!(out, "{}", line("together", &samples.iter().collect::<Vec<_>>()))?;
    Ok(())
}
