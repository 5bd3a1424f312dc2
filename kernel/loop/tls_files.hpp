// The files of a TLS listener as far as OpenSSL does not judge them: who can read a private key,
// what has expired, and lists of revoked certificates. [main]
#pragma once

#include <openssl/ssl.h>

#include <string>

#include "kernel/loop/listen_mistake.hpp"

namespace nexus {

// Whether the file can be read at all; else a mistake of `option`. OpenSSL's own message for a
// missing file names a line of its source; errno's is better.
bool readable_file(const char* option, const std::string& path, ListenMistakes& mistakes);

// A mistake when others than owner and group can read or write a private key.
void check_key_mode(const char* option, const std::string& path, ListenMistakes& mistakes);

// Warnings about what the context shows to clients, and about the authorities that it checks them
// against, where their time is over or has not come. A null option is not looked at.
void check_times(SSL_CTX* context, const char* option, const std::string& path,
                 ListenMistakes& mistakes);
void check_authority_times(SSL_CTX* context, const std::string& path, ListenMistakes& mistakes);

// Reads revocation lists, from a PEM file that may hold several or from every *.pem and *.crl of a
// folder, into the store that client certificates are checked with. From then on each certificate
// of a chain needs a list of its authority that is in date. What the operator has to mend is a
// mistake, what makes the router refuse clients a warning.
void load_revocations(SSL_CTX* context, const std::string& path, ListenMistakes& mistakes);

}  // namespace nexus
