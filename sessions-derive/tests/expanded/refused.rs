::core::compile_error! {
    "unknown option `nme`\nhelp: did you mean `name`?"
}
::core::compile_error! {
    "`a month` is not a duration: it does not start with a number\nhelp: `max_age = \"30m\"`"
}
::core::compile_error! {
    "a session type cannot be generic: every `Login<T>` would share one name\nhelp: derive it for a concrete type: `struct MyLogin(Login<…>);`"
}
::core::compile_error! {
    "bincode cannot decode a session with `#[serde(flatten)]`: it has no field names\nhelp: remove it, or choose another serializer: `#[session(serializer = Json)]`"
}
#[automatically_derived]
impl<T> ::sessions_core::export::Session for Login<T>
where
    Login<T>: ::core::marker::Send + ::core::marker::Sync + 'static,
    T: Clone,
{
    const SPEC: ::sessions_core::SessionSpec = ::sessions_core::SessionSpec::new(
        "refused",
    );
    type Serializer = ::sessions_core::export::Refused;
}
#[automatically_derived]
impl<T> ::sessions_core::WritePrevious for Login<T>
where
    Login<T>: ::core::marker::Send + ::core::marker::Sync + 'static,
    T: Clone,
{
    fn downgrade() -> ::sessions_core::Downgrade<Self> {
        ::sessions_core::export::Refused::downgrade()
    }
}
