//! Base64url without padding, by the processor's instructions for many bytes at once where it has them.

use base64::engine::general_purpose::NO_PAD;

#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
pub(super) static BASE64URL: std::sync::LazyLock<base64::engine::Simd> =
    std::sync::LazyLock::new(|| base64::engine::Simd::url_safe(NO_PAD));

#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
pub(super) static BASE64URL: base64::engine::GeneralPurpose =
    base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD);
