//! A protection of one's own that needs a service, and that service when it is down.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sessions_core::{
    ConfigError, SessionError,
    engine::{Engine, SessionStatus},
    protection::{BoundProtection, Encrypted, Guarantee, Protection, ProtectionError, Purpose},
};

use crate::support::{Checked, Client, Login, Said, World, listening, ring};

/// What only the service can do; here it does nothing.
#[derive(Clone, Default)]
struct KeyService {
    is_down: Arc<AtomicBool>,
}

impl KeyService {
    fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    fn ask(&self) -> Result<(), ProtectionError> {
        match self.is_down.load(Ordering::SeqCst) {
            true => Err(ProtectionError::Failed("the key service is down".into())),
            false => Ok(()),
        }
    }
}

impl Protection for KeyService {
    fn guarantee(&self) -> Guarantee {
        Guarantee::Nothing
    }

    fn bind(&self, _: &Purpose<'_>) -> Result<Box<dyn BoundProtection>, ConfigError> {
        Ok(Box::new(self.clone()))
    }
}

impl BoundProtection for KeyService {
    fn protect(&self, _: &mut Vec<u8>) -> Result<(), ProtectionError> {
        self.ask()
    }

    fn unprotect(&self, _: &mut Vec<u8>) -> Result<(), ProtectionError> {
        self.ask()
    }
}

/// The service within the encryption, and around it.
fn engines(world: &World) -> [(KeyService, Engine<Login>); 2] {
    let (inside, outside) = (KeyService::default(), KeyService::default());
    let encrypted = || Encrypted::new(&ring(1));
    let engines = [
        world.client_side(&inside.clone().then(encrypted())),
        world.client_side(&encrypted().then(outside.clone())),
    ];
    let mut engines = engines.into_iter();
    [inside, outside].map(|service| (service, engines.next().unwrap()))
}

#[tokio::test]
async fn a_key_service_that_is_down_is_an_error_and_neither_a_logout_nor_no_session() {
    let world = World::new();
    for (service, engine) in engines(&world) {
        let mut client = world.alice(&engine).await;
        let before = client.token().to_owned();
        service.set_down(true);
        let heard = listening();
        let Err(SessionError::Protection(failure)) = client.try_open(&()).await else {
            panic!("a session, or none")
        };
        assert!(matches!(*failure, ProtectionError::Failed(_)));
        let errors = heard.errors();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("the key service is down"), "{errors:?}");
        service.set_down(false);
        assert_eq!(client.reads().await, Said::Nothing);
        assert_eq!(client.token(), before);
        assert_eq!(client.status().await, SessionStatus::Live);
    }
}

#[tokio::test]
async fn what_a_client_has_made_up_is_no_failure_of_a_key_service_that_is_asked_last() {
    let world = World::new();
    let [(service, engine), _] = engines(&world);
    let mut forged = world
        .alice(&world.client_side(&Encrypted::new(&ring(2))))
        .await
        .at(&engine);
    service.set_down(true);
    assert_eq!(forged.status().await, SessionStatus::Stale, "of another key");
    forged = Client::showing(&engine, ["made up"]);
    assert_eq!(forged.reads().await, Said::Removed);
}

#[tokio::test]
async fn a_login_while_a_key_service_is_down_is_an_error_and_sends_nothing() {
    let world = World::new();
    for (service, engine) in engines(&world) {
        service.set_down(true);
        let client = Client::new(&engine);
        let slot = client.open().await;
        let refused = slot.start(Login::default()).checked();
        assert!(matches!(refused, Err(SessionError::Protection(_))));
        assert!(!client.has_token());
    }
}
