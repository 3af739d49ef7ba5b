//! Several sessions in one application, and one name in several places.

use actix_web::{
    App,
    test::init_service,
    web::{get, scope},
};
use serde::{Deserialize, Serialize};
use sessions_actix::{
    CurrentSession, RequiredSession, Session, Sessions, protection::Encrypted, serializer::Json,
    storage::MemoryStorage,
};

use crate::support::{Basket, Browser, Server, Spy, Visits, keys, numbers, ok};

#[derive(Session, Serialize, Deserialize, Default)]
#[session(name = "PREFERENCES", serializer = Json, max_age = "30 days")]
struct Preferences {
    theme: String,
}

fn three() -> Sessions {
    Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .server_side::<Basket>(MemoryStorage::new())
        .client_side::<Preferences>(Encrypted::new(&keys()))
        .build()
        .unwrap()
}

#[actix_web::test]
async fn several_sessions_live_side_by_side() {
    let server = Server::new(three(), |config| {
        config
            .configure(numbers::<Visits>("/visits"))
            .configure(numbers::<Basket>("/basket"));
    })
    .await;
    let mut browser = Browser::new(&server);
    browser.get("/visits/set/1").await;
    browser.get("/basket/set/2").await;
    assert_ne!(browser.value("VISITS"), browser.value("BASKET"));
    assert_eq!(browser.get("/visits/get").await.text(), "1");
    assert_eq!(browser.get("/basket/get").await.text(), "2");
    let logout = browser.get("/visits/clear").await;
    assert_eq!(logout.cookies().len(), 1);
    assert_eq!(browser.get("/visits/get").await.text(), "none");
    assert_eq!(browser.get("/basket/get").await.text(), "2");
}

#[actix_web::test]
async fn one_response_can_carry_two_sessions() {
    let server = Server::new(three(), |config| {
        config.configure(numbers::<Visits>("/visits")).route(
            "/both",
            get().to(
                async |visits: CurrentSession<Visits>, preferences: CurrentSession<Preferences>| {
                    visits.start(Visits { count: 1 })?;
                    preferences.set(Preferences {
                        theme: "dark".to_owned(),
                    })?;
                    ok("both")
                },
            ),
        );
        config.route(
            "/logout",
            get().to(
                async |visits: RequiredSession<Visits>, preferences: CurrentSession<Preferences>| {
                    visits.current().clear()?;
                    let theme = preferences.get().map_or("none".to_owned(), |p| p.theme.clone());
                    preferences.set(Preferences {
                        theme: "light".to_owned(),
                    })?;
                    ok(theme)
                },
            ),
        );
    })
    .await;
    let mut browser = Browser::new(&server);
    let answer = browser.get("/both").await;
    assert_eq!(answer.cookies().len(), 2);
    assert!(answer.cookie("VISITS").unwrap().attribute("Max-Age").is_none());
    assert_eq!(
        answer.cookie("PREFERENCES").unwrap().attribute("Max-Age"),
        Some("2592000")
    );
    assert_eq!(answer.lines("cache-control"), ["no-store"]);
    assert_eq!(answer.lines("vary"), ["cookie"]);
    // One goes and the other changes, in one response.
    let answer = browser.get("/logout").await;
    assert_eq!(answer.text(), "dark");
    assert!(answer.cookie("VISITS").unwrap().is_removal());
    assert!(!answer.cookie("PREFERENCES").unwrap().is_removal());
}

#[actix_web::test]
async fn a_session_that_cannot_be_written_fails_the_response_and_keeps_the_others_sent() {
    let spy = Spy::default();
    let sessions = Sessions::builder()
        .server_side::<Visits>(MemoryStorage::new())
        .server_side::<Basket>(spy.clone())
        .build()
        .unwrap();
    let server = Server::new(sessions, |config| {
        config.configure(numbers::<Visits>("/visits")).route(
            "/both",
            get().to(
                async |visits: CurrentSession<Visits>, basket: CurrentSession<Basket>| {
                    visits.set(Visits { count: 1 })?;
                    basket.set(Basket { items: 1 })?;
                    ok("both")
                },
            ),
        );
    })
    .await;
    spy.fail("create");
    let mut browser = Browser::new(&server);
    let answer = browser.get("/both").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (503, ""));
    assert_eq!(answer.cookie("BASKET"), None);
    // It was written before, and its token is the only way to it.
    assert!(answer.cookie("VISITS").is_some());
    assert_eq!(browser.get("/visits/get").await.text(), "1");
}

#[actix_web::test]
async fn two_types_of_one_cookie_name_in_disjoint_paths_do_not_disturb_each_other() {
    let storage = MemoryStorage::new();
    let shop = Sessions::builder()
        .server_side_with::<Visits>(storage.clone(), |o| o.name("SESSION").path("/shop"))
        .build()
        .unwrap();
    let blog = Sessions::builder()
        .server_side_with::<Basket>(storage, |o| o.name("SESSION").path("/blog"))
        .build()
        .unwrap();
    let app = App::new()
        .service(scope("/shop").configure(numbers::<Visits>("")).wrap(shop))
        .service(scope("/blog").configure(numbers::<Basket>("")).wrap(blog));
    let mut browser = Browser::new(&Server::of(init_service(app).await));
    let visits = browser.get("/shop/set/1").await.cookie("SESSION").unwrap();
    assert_eq!(visits.attribute("Path"), Some("/shop"));
    let basket = browser.get("/blog/set/2").await.cookie("SESSION").unwrap();
    assert_eq!(basket.attribute("Path"), Some("/blog"));
    for _ in 0..2 {
        assert_eq!(browser.get("/shop/get").await.text(), "1");
        assert_eq!(browser.get("/blog/get").await.text(), "2");
    }
    let cleared = browser.get("/shop/clear").await.cookie("SESSION").unwrap();
    assert!(cleared.is_removal());
    assert_eq!(cleared.attribute("Path"), Some("/shop"));
    assert_eq!(browser.get("/shop/get").await.text(), "none");
    assert_eq!(browser.get("/blog/get").await.text(), "2");
}

#[actix_web::test]
async fn one_type_in_disjoint_paths_is_two_sessions() {
    let storage = MemoryStorage::new();
    let at = |path: &'static str| {
        Sessions::builder()
            .server_side_with::<Visits>(storage.clone(), |o| o.path(path))
            .build()
            .unwrap()
    };
    let app = App::new()
        .service(scope("/shop").configure(numbers::<Visits>("")).wrap(at("/shop")))
        .service(scope("/blog").configure(numbers::<Visits>("")).wrap(at("/blog")));
    let mut browser = Browser::new(&Server::of(init_service(app).await));
    browser.get("/shop/set/1").await;
    browser.get("/blog/set/2").await;
    assert_eq!(browser.get("/shop/update").await.text(), "2");
    assert_eq!(browser.get("/blog/get").await.text(), "2");
    browser.get("/blog/clear").await;
    assert_eq!(browser.get("/shop/get").await.text(), "2");
}

#[actix_web::test]
async fn browsers_do_not_see_each_others_sessions() {
    let server = Server::new(three(), numbers::<Visits>("")).await;
    let mut browsers: Vec<_> = (0..5).map(|_| Browser::new(&server)).collect();
    for (number, browser) in browsers.iter_mut().enumerate() {
        browser.get(&format!("/set/{number}")).await;
    }
    for (number, browser) in browsers.iter_mut().enumerate() {
        assert_eq!(browser.get("/get").await.text(), number.to_string());
    }
}
