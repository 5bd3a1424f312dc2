// What a client's certificate says, as a dict for authenticators (nx_stream_info.tls_client). Any
// thread.
#pragma once

#include <openssl/x509.h>

#include <string>

#include "kernel/base/value.hpp"

namespace nexus {

// `verified`: an authority vouches for it. Texts that are no valid UTF-8 or have control
// characters are left out: they come from whoever made the certificate. Bounded by the size of the
// certificate, which OpenSSL bounds.
Value describe_certificate(X509& certificate, bool verified);

// As in RFC 2253: "CN=alice,O=Example".
std::string name_text(const X509_NAME* name);

}  // namespace nexus
