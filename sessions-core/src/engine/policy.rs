//! What holds for one session type.

use std::any::type_name;

use super::{CsrfTokens, Engine, Place};
use crate::{
    Session, SessionSerializer,
    policy::{Kept, SessionPolicy},
};

impl<T: Session> Engine<T> {
    /// All that holds for its sessions now; `csrf` is what makes their tokens against forgery.
    #[must_use]
    pub fn policy(&self, csrf: Option<&CsrfTokens>) -> SessionPolicy {
        let parts = &self.0;
        SessionPolicy {
            type_name: type_name::<T>(),
            spec: parts.spec.clone(),
            application: parts.environment.application.to_string(),
            format: <T::Serializer as SessionSerializer<T>>::FORMAT,
            schema: parts.schema,
            written_as: self.1.as_ref().map(crate::Downgrade::schema),
            touch_interval: parts.lifetimes.touch_interval,
            renew_every: parts.renew_every,
            always_send: parts.always_send,
            clear_site_data: parts.clear_site_data,
            ids_of_its_own: parts.environment.id_generator.is_some(),
            client_context: parts.context.is_some(),
            kept: match &parts.place {
                Place::Server(server) => Kept::OnTheServer {
                    storage: server.storage.name(),
                    timeout: server.timeout,
                    signed: server.signed.as_ref().map(|signed| signed.layers()),
                    grace: server.grace,
                    on_reuse: server.on_reuse,
                    on_conflict: server.on_conflict,
                    max_per_principal: server.limit,
                },
                Place::Client {
                    protection,
                    revocations,
                } => Kept::ByTheClient {
                    protection: protection.layers(),
                    revocable: revocations.as_ref().map(|known| known.storage.name()),
                },
            },
            csrf: csrf.map(CsrfTokens::layers),
        }
    }
}
