use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    thread,
};

use servers::Nginx;

use crate::support::Traces;

/// Starts a server that answers with its name and what it was asked.
fn upstream(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let head = head(&mut stream);
            write!(stream, "HTTP/1.0 200 OK\r\n\r\n{name}\n{head}").unwrap();
        }
    });
    address
}

fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

fn send(address: SocketAddr, method: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = "HTTP/1.0\r\nHost: shop.example\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Length: 0\r\n\r\n";
    write!(stream, "{method} / {head}").unwrap();
    stream
}

fn received(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Who answers.
fn answers(nginx: &Nginx) -> String {
    let answer = received(send(nginx.address(), "GET"));
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    body.lines().next().unwrap().to_owned()
}

#[test]
fn nginx_gives_requests_to_each_in_turn_and_says_whose_they_are() {
    let nginx = Nginx::in_front_of(&[upstream("first"), upstream("second")]);
    let four = [(); 4].map(|()| answers(&nginx));
    assert_eq!(four, ["first", "second", "first", "second"]);
    let answer = received(send(nginx.address(), "GET"));
    for line in [
        "Host: shop.example",
        "X-Forwarded-For: 192.0.2.1, 127.0.0.1",
        "X-Forwarded-Proto: http",
    ] {
        assert!(answer.lines().any(|this| this == line), "{line}: {answer}");
    }
}

#[test]
fn nginx_tries_only_what_is_idempotent_elsewhere() {
    let hangs_up = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || head(&mut listener.accept().unwrap().0));
        address
    };
    let second = upstream("second");
    for (method, expected) in [("GET", "second"), ("POST", "502 Bad Gateway")] {
        let nginx = Nginx::in_front_of(&[hangs_up(), second]);
        let answer = received(send(nginx.address(), method));
        assert!(answer.contains(expected), "{method}: {answer}");
    }
}

#[test]
fn nginx_gives_requests_to_others_without_dropping_one() {
    let slow = TcpListener::bind("127.0.0.1:0").unwrap();
    let nginx = Nginx::in_front_of(&[slow.local_addr().unwrap()]);
    let begun = send(nginx.address(), "POST");
    let mut stream = slow.accept().unwrap().0;
    head(&mut stream);
    nginx.reload(&[upstream("second")]);
    assert_eq!([(); 3].map(|()| answers(&nginx)), ["second"; 3]);
    write!(stream, "HTTP/1.0 200 OK\r\n\r\nslow").unwrap();
    drop(stream);
    assert!(received(begun).ends_with("\r\n\r\nslow"));
    nginx.reload(&[upstream("third")]);
    assert_eq!(answers(&nginx), "third");
}

#[test]
fn an_nginx_that_is_killed_runs_again_where_it_was() {
    let nginx = Nginx::in_front_of(&[upstream("first")]);
    nginx.kill();
    assert!(TcpStream::connect(nginx.address()).is_err());
    nginx.run_again();
    assert_eq!(answers(&nginx), "first");
}

#[test]
fn nothing_is_left_of_an_nginx_with_settings_of_ones_own() {
    let nginx = Nginx::start(&[upstream("first")], |port| {
        let says = "return 200 '$pid $document_root';";
        format!("server {{ listen 127.0.0.1:{port}; location / {{ {says} }} }}")
    });
    let answer = answers(&nginx);
    let (worker, root) = answer.split_once(' ').unwrap();
    let folder = PathBuf::from(root).parent().unwrap().to_owned();
    let master = std::fs::read_to_string(folder.join("pid")).unwrap();
    let of = |process: &str| PathBuf::from("/proc").join(process.trim());
    let traces = Traces(vec![of(worker), of(&master), folder]);
    assert!(traces.0.iter().all(|trace| trace.exists()));
    drop(nginx);
    traces.are_gone();
}
