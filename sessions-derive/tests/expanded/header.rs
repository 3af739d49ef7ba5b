::core::compile_error! {
    "`max_age` is `30 days`, but it is an attribute of cookies, and `X-Cart` is a header\nhelp: remove `max_age`"
}
#[automatically_derived]
impl ::sessions::export::Session for Cart {
    const SPEC: ::sessions::SessionSpec = ::sessions::SessionSpec::new("refused");
    type Serializer = ::sessions::export::Refused;
}
