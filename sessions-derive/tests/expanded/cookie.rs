#[automatically_derived]
impl ::sessions_core::export::Session for Visits {
    const SPEC: ::sessions_core::SessionSpec = ::sessions_core::SessionSpec {
        name: ::std::borrow::Cow::Borrowed("__Host-visits"),
        transport: ::sessions_core::Transport::Cookie(::sessions_core::CookieSpec {
            path: ::std::borrow::Cow::Borrowed("/"),
            domain: ::core::option::Option::None,
            secure: true,
            http_only: true,
            same_site: ::sessions_core::SameSite::Lax,
            partitioned: false,
        }),
        idle_timeout: ::core::option::Option::None,
        absolute_lifetime: ::core::option::Option::None,
        max_age: ::core::option::Option::None,
        version: 1u32,
    };
    type Serializer = ::sessions_core::serializer::Bincode;
}
