#[automatically_derived]
impl ::sessions::export::Session for Cart {
    const SPEC: ::sessions::SessionSpec = ::sessions::SessionSpec {
        name: ::std::borrow::Cow::Borrowed("X-Cart"),
        transport: ::sessions::Transport::Header,
        idle_timeout: ::core::option::Option::Some(
            ::core::time::Duration::from_secs(3456000u64),
        ),
        absolute_lifetime: ::core::option::Option::Some(
            ::core::time::Duration::from_secs(34560000u64),
        ),
        max_age: ::core::option::Option::None,
        version: 1u32,
    };
    type Serializer = Json;
}
