//! A client of Redis that sends what our storage sends, and does nothing else: no token, no record, no session.

use std::{
    hint::black_box,
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};

use actix_web::{
    App, HttpResponse,
    error::ErrorInternalServerError,
    http::header::HeaderValue,
    web::{self, Data, ServiceConfig},
};
use redis::{Client, RedisResult, aio::MultiplexedConnection, cmd};
use sessions_actix::{Clock as _, SystemClock};
use workloads::{Carrier, Contestant, Failure, WELCOME, Workload};

/// Our storage's own scripts.
macro_rules! script {
    ($name:literal) => {
        concat!(
            include_str!("../../../sessions-core/src/storage/redis/scripts/session.lua"),
            include_str!(concat!(
                "../../../sessions-core/src/storage/redis/scripts/",
                $name,
                ".lua"
            )),
        )
    };
}

/// As long as one of ours.
const KEY: &str = "sessions:id:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZn";

/// Where a session has its revision.
const REVISION: Range<usize> = 1..17;

/// One that has `session`: the bytes that our storage keeps of one.
///
/// # Errors
/// The server cannot be reached.
pub async fn contestant(name: &'static str, url: &str, session: Vec<u8>) -> Result<Contestant, Failure> {
    let connection = Client::open(url)?.get_multiplexed_async_connection().await?;
    cmd("SET")
        .arg(KEY)
        .arg(&session)
        .exec_async(&mut connection.clone())
        .await?;
    let bare = Data::new(Bare {
        replace: loaded(&connection, script!("replace_at_revision")).await?,
        create: loaded(&connection, script!("create")).await?,
        connection,
        session,
        count: AtomicU32::new(1_000_000),
    });
    let token = HeaderValue::from_static("bare=QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w");
    let contestant = Contestant::actix(name, Carrier::Cookie, Some(token), move || {
        App::new().app_data(bare.clone()).configure(routes)
    });
    Ok(contestant.waiting_in(&[Workload::Read, Workload::Write, Workload::Login]))
}

/// The digest of a script that the server has from now on.
async fn loaded(connection: &MultiplexedConnection, script: &str) -> RedisResult<String> {
    let mut connection = connection.clone();
    cmd("SCRIPT")
        .arg("LOAD")
        .arg(script)
        .query_async(&mut connection)
        .await
}

struct Bare {
    connection: MultiplexedConnection,
    session: Vec<u8>,
    replace: String,
    create: String,
    count: AtomicU32,
}

impl Bare {
    fn next(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The stored session with another revision.
    fn changed(&self, revision: u32) -> Vec<u8> {
        let mut session = self.session.clone();
        session[REVISION][..4].copy_from_slice(&revision.to_be_bytes());
        session
    }

    async fn get(&self) -> actix_web::Result<Vec<u8>> {
        let mut connection = self.connection.clone();
        let answer = cmd("GET").arg(KEY).query_async(&mut connection).await;
        answer.map_err(ErrorInternalServerError)
    }

    /// Runs a script, which answers 1 when it has done it.
    async fn run(&self, script: &str, key: &str, arguments: &[&[u8]]) -> actix_web::Result<()> {
        let now = SystemClock.now().as_millis();
        let mut connection = self.connection.clone();
        let mut command = cmd("EVALSHA");
        command.arg(script).arg(1).arg(key).arg(now).arg(arguments);
        let answer: RedisResult<i64> = command.query_async(&mut connection).await;
        match answer.map_err(ErrorInternalServerError)? {
            1 => Ok(()),
            answer => Err(ErrorInternalServerError(answer)),
        }
    }
}

fn routes(config: &mut ServiceConfig) {
    config
        .route("/untouched", web::get().to(untouched))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/login", web::get().to(login));
}

async fn untouched() -> HttpResponse {
    HttpResponse::Ok().body(WELCOME)
}

async fn read(bare: Data<Bare>) -> actix_web::Result<HttpResponse> {
    black_box(bare.get().await?);
    Ok(HttpResponse::Ok().body(black_box(81_237_123_u64).to_string()))
}

async fn write(bare: Data<Bare>) -> actix_web::Result<HttpResponse> {
    let (stored, next) = (bare.get().await?, bare.next());
    let new = bare.changed(next);
    bare.run(&bare.replace, KEY, &[&stored[REVISION], &new]).await?;
    Ok(HttpResponse::Ok().body(next.to_string()))
}

async fn login(bare: Data<Bare>) -> actix_web::Result<HttpResponse> {
    let key = format!("{}{}", &KEY[..KEY.len() - 7], bare.next());
    bare.run(&bare.create, &key, &[&bare.session]).await?;
    Ok(HttpResponse::Ok().body(WELCOME))
}
