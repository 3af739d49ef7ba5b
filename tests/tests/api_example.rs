//! The `api` example as a real process, over sockets.

use serde_json::{Value, json};
use tests::{
    TestResult,
    client::{Client, Response},
    example::Example,
};

const TOKEN: &str = "X-Cart";

/// One request of a client that keeps the token itself.
fn call(client: &mut Client, method: &str, token: Option<&str>, body: &Value) -> std::io::Result<Response> {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(token.map(|token| (TOKEN, token)));
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    client.send(method, "/cart", &headers, body.as_bytes())
}

fn tea(quantity: u32) -> Value {
    json!({ "item": "tea", "quantity": quantity })
}

#[test]
fn a_cart_goes_on_under_the_token_of_the_first_answer() -> TestResult {
    let example = Example::start("api", &[])?;
    let mut client = example.client();
    let answer = call(&mut client, "POST", None, &tea(2))?;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("set-cookie"), None);
    let token = answer.header(TOKEN).ok_or("no token")?.to_owned();

    let answer = call(&mut client, "POST", Some(&token), &tea(3))?;
    assert_eq!(
        serde_json::from_slice::<Value>(&answer.body)?,
        json!({ "items": { "tea": 5 } })
    );
    assert_eq!(answer.header(TOKEN), None, "the token is as before");

    let answer = call(&mut client, "GET", Some(&token), &Value::Null)?;
    assert_eq!(answer.status, 200);
    assert_eq!(
        serde_json::from_slice::<Value>(&answer.body)?,
        json!({ "items": { "tea": 5 } })
    );
    Ok(())
}

#[test]
fn without_a_cart_there_is_nothing_to_show() -> TestResult {
    let example = Example::start("api", &[])?;
    let answer = call(&mut example.client(), "GET", None, &Value::Null)?;
    assert_eq!((answer.status, answer.body.len()), (401, 0));
    let answer = call(&mut example.client(), "GET", Some("junk"), &Value::Null)?;
    assert_eq!((answer.status, answer.body.len()), (401, 0));
    assert_eq!(answer.header(TOKEN), Some(""), "a dead token is taken away");
    Ok(())
}

#[test]
fn a_cart_that_was_emptied_is_gone() -> TestResult {
    let example = Example::start("api", &[])?;
    let mut client = example.client();
    let answer = call(&mut client, "POST", None, &tea(1))?;
    let token = answer.header(TOKEN).ok_or("no token")?.to_owned();
    let answer = call(&mut client, "DELETE", Some(&token), &Value::Null)?;
    assert_eq!((answer.status, answer.header(TOKEN)), (204, Some("")));
    assert_eq!(call(&mut client, "GET", Some(&token), &Value::Null)?.status, 401);
    Ok(())
}

#[test]
fn clients_that_add_at_once_lose_nothing() -> TestResult {
    let example = Example::start("api", &[])?;
    let answer = call(&mut example.client(), "POST", None, &tea(1))?;
    let token = answer.header(TOKEN).ok_or("no token")?.to_owned();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = example.client();
                    (0..5).filter(|_| acknowledged(&mut client, &token)).count()
                })
            })
            .collect();
        let added: usize = clients.into_iter().map(|client| client.join().unwrap_or(0)).sum();
        assert_eq!(added, 40);
    });
    let answer = call(&mut example.client(), "GET", Some(&token), &Value::Null)?;
    assert_eq!(
        serde_json::from_slice::<Value>(&answer.body)?,
        json!({ "items": { "tea": 41 } })
    );
    Ok(())
}

/// Adds one, again where the server says that too many did so at once.
fn acknowledged(client: &mut Client, token: &str) -> bool {
    (0..100).any(|_| call(client, "POST", Some(token), &tea(1)).is_ok_and(|answer| answer.status == 200))
}
