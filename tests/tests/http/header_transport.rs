//! Tokens that travel in a header of their own.

use actix_web::test::TestRequest;
use sessions_actix::{
    ConfigError, Sessions, SessionsBuilder, Transport, protection::Encrypted, storage::MemoryStorage,
};

use crate::support::{Browser, Server, Visits, keys, numbers};

fn both() -> [SessionsBuilder; 2] {
    [
        Sessions::builder().server_side_with::<Visits>(MemoryStorage::new(), |o| {
            o.name("X-Visits").transport(Transport::Header)
        }),
        Sessions::builder().client_side_with::<Visits>(Encrypted::new(&keys()), |o| {
            o.name("X-Visits").transport(Transport::Header)
        }),
    ]
}

async fn server(builder: SessionsBuilder) -> Server {
    Server::new(builder.build().unwrap(), numbers::<Visits>("")).await
}

#[actix_web::test]
async fn a_session_in_a_header_goes_all_the_way() {
    for builder in both() {
        let server = server(builder).await;
        let mut client = Browser::new(&server).minding("X-Visits");
        assert_eq!(client.get("/get").await.text(), "none");
        let set = client.get("/set/1").await;
        assert_eq!(set.cookies(), [], "no cookie");
        assert_eq!(set.lines("x-visits").len(), 1);
        assert_eq!(set.lines("cache-control"), ["no-store"]);
        assert_eq!(client.get("/get").await.text(), "1");
        assert_eq!(client.get("/update").await.text(), "2");
        let before = client.token("X-Visits").to_owned();
        client.get("/rotate").await;
        assert_ne!(client.token("X-Visits"), before);
        assert_eq!(client.get("/get").await.text(), "2");
        client.get("/clear").await;
        assert_eq!(client.token("X-Visits"), "");
        assert_eq!(client.get("/get").await.text(), "none");
    }
}

#[actix_web::test]
async fn the_name_of_the_header_has_no_case() {
    for builder in both() {
        let server = server(builder).await;
        let mut client = Browser::new(&server).minding("X-Visits");
        client.get("/set/4").await;
        let token = client.token("X-Visits").to_owned();
        for name in ["X-Visits", "x-visits", "X-VISITS", "x-ViSiTs"] {
            let request = TestRequest::get()
                .uri("/get")
                .insert_header((name, token.as_str()));
            let answer = server.call(request.to_request()).await;
            assert_eq!(answer.text(), "4", "{name}");
        }
    }
}

#[actix_web::test]
async fn a_removal_is_the_header_with_an_empty_value() {
    for builder in both() {
        let mut client = Browser::new(&server(builder).await).minding("X-Visits");
        client.get("/set/1").await;
        let cleared = client.get("/clear").await;
        assert_eq!(cleared.lines("x-visits"), [""]);
        client.put_token("X-Visits", "junk");
        let refused = client.get("/get").await;
        assert_eq!((refused.status.as_u16(), refused.text()), (200, "none"));
        assert_eq!(refused.lines("x-visits"), [""]);
    }
}

#[actix_web::test]
async fn an_empty_header_is_no_token() {
    for builder in both() {
        let server = server(builder).await;
        let request = TestRequest::get().uri("/get").insert_header(("x-visits", ""));
        let answer = server.call(request.to_request()).await;
        assert_eq!(answer.text(), "none");
        assert!(answer.lines("x-visits").is_empty(), "there is nothing to remove");
    }
}

#[actix_web::test]
async fn a_response_that_depends_on_the_header_says_so() {
    for builder in both() {
        let mut client = Browser::new(&server(builder).await).minding("X-Visits");
        assert_eq!(client.get("/get").await.lines("vary"), ["x-visits"]);
        assert_eq!(client.get("/set/1").await.lines("vary"), ["x-visits"]);
        assert!(client.get("/untouched").await.lines("vary").is_empty());
    }
}

#[actix_web::test]
async fn a_cookie_of_the_headers_name_is_not_looked_at() {
    for builder in both() {
        let server = server(builder).await;
        let mut client = Browser::new(&server).minding("X-Visits");
        client.get("/set/1").await;
        let mut other = Browser::new(&server);
        other.put("X-Visits", client.token("X-Visits"));
        let answer = other.get("/get").await;
        assert_eq!(answer.text(), "none");
        assert_eq!(answer.cookies(), []);
    }
}

#[test]
fn a_header_has_neither_max_age_nor_cookie_attributes() {
    let minute = crate::support::MINUTE;
    let aged = Sessions::builder()
        .server_side_with::<Visits>(MemoryStorage::new(), |o| {
            o.name("X-Visits").transport(Transport::Header).max_age(minute)
        })
        .build();
    assert!(matches!(aged, Err(ConfigError::Spec { .. })));
    let placed = Sessions::builder()
        .server_side_with::<Visits>(MemoryStorage::new(), |o| {
            o.name("X-Visits").transport(Transport::Header).path("/shop")
        })
        .build();
    assert!(matches!(placed, Err(ConfigError::Option { .. })));
}
