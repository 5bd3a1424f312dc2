// What a client's certificate says, as a dict for authenticators (nx_stream_info.tls_client). Any
// thread.
#pragma once

#include <openssl/x509.h>

#include "kernel/base/value.hpp"

namespace nexus {

// `verified`: an authority vouches for it. Texts that are no valid UTF-8 or have control
// characters are left out: they come from whoever made the certificate. Bounded by the size of the
// certificate, which OpenSSL bounds.
Value describe_certificate(X509& certificate, bool verified);

}  // namespace nexus
