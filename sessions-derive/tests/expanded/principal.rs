#[automatically_derived]
impl ::sessions_core::export::Session for Login {
    const SPEC: ::sessions_core::SessionSpec = ::sessions_core::SessionSpec {
        name: ::std::borrow::Cow::Borrowed("__Secure-LOGIN"),
        transport: ::sessions_core::Transport::Cookie(::sessions_core::CookieSpec {
            path: ::std::borrow::Cow::Borrowed("/shop"),
            domain: ::core::option::Option::Some(
                ::std::borrow::Cow::Borrowed("example.org"),
            ),
            secure: true,
            http_only: true,
            same_site: ::sessions_core::SameSite::Strict,
            partitioned: true,
        }),
        idle_timeout: ::core::option::Option::None,
        absolute_lifetime: ::core::option::Option::None,
        max_age: ::core::option::Option::None,
        version: 2u32,
    };
    type Serializer = ::sessions_core::serializer::Bincode;
    fn principal(&self) -> ::core::option::Option<::sessions_core::Principal> {
        <Option<UserId> as ::sessions_core::ToPrincipal>::to_principal(&self.r#type)
    }
    fn previous() -> ::std::vec::Vec<::sessions_core::Upgrade<Self>> {
        ::sessions_core::Upgrade::<Self>::chain::<old::Login>()
    }
}
#[automatically_derived]
impl ::sessions_core::WritePrevious for Login
where
    for<'a> old::Login: ::sessions_core::export::MadeFrom<'a, Login>,
{
    fn downgrade() -> ::sessions_core::Downgrade<Self> {
        ::sessions_core::Downgrade::<Self>::to::<old::Login>()
    }
}
