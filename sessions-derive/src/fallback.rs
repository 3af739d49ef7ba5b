//! The errors, and an impl all the same: uses of the type must not add errors that say nothing.

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::Model;

pub(crate) fn expand(model: &Model<'_>, error: &syn::Error) -> TokenStream {
    let krate = &model.krate;
    let ident = &model.input.ident;
    let errors = error.to_compile_error();
    let (parameters, arguments, bounds) = model.input.generics.split_for_impl();
    let bounds = bounds.map(|bounds| &bounds.predicates);
    // `Session` demands this of every type; a generic one would have to say it.
    let implied = (!model.input.generics.params.is_empty())
        .then(|| quote!(#ident #arguments: ::core::marker::Send + ::core::marker::Sync + 'static,));
    quote! {
        #errors

        #[automatically_derived]
        impl #parameters #krate::export::Session for #ident #arguments where #implied #bounds {
            const SPEC: #krate::SessionSpec = #krate::SessionSpec::new("refused");
            type Serializer = #krate::export::Refused;
        }

        #[automatically_derived]
        impl #parameters #krate::WritePrevious for #ident #arguments where #implied #bounds {
            fn downgrade() -> #krate::Downgrade<Self> {
                #krate::export::Refused::downgrade()
            }
        }
    }
}
