// Record: what a procedure of authentication is told about a client, and what it may answer
// (N-06). Any thread.
//
// The answer is a user's entry as principal.hpp has it, without `realms`, and beside it:
//   "authid"  where it is to be another one than was claimed
//   "realm"   where the client is to go to another one than it wanted
//   "extra"   a dict for WELCOME.Details.authextra
// and for procedures that were written for Crossbar.io
//   "secret", with "salt", "iterations" and "keylen" where it is derived, for "wampcra"
//   "pubkey" or "pubkeys", for "cryptosign"
#pragma once

#include <string>
#include <string_view>

#include "nexus/cpp/authenticator.hpp"
#include "plugins/support/auth/principal.hpp"

namespace nexus::auth {

// The third argument of such a procedure: session, authmethod, authextra, transport.
sdk::Value client_details(const sdk::Values& values, const sdk::Hello& hello);

// True for the error of a call that nobody decided: nobody was there, or not in time.
bool undecided(std::string_view error_uri);

struct Record {
  PrincipalPtr principal;
  std::string realm;
  sdk::Value extra;
};

// Throws sdk::ConfigError, which names the key and never a value. `authid`: when it names none.
Record parse_record(const sdk::Values& values, std::string_view authid, sdk::ValueView answer,
                    std::string_view default_role);

// True for a key of a record by which a method recognizes a client.
bool is_secret_key(std::string_view key);

// A dict with the entries of both; either may be empty, and so is the result when both are.
sdk::Value merged(const sdk::Values& values, const sdk::Value& a, const sdk::Value& b);

}  // namespace nexus::auth
