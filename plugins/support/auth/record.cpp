#include "plugins/support/auth/record.hpp"

#include <algorithm>
#include <array>

namespace nexus::auth {
namespace {

using sdk::ConfigError;
using sdk::Value;
using sdk::ValueView;

constexpr std::string_view kWhere = "the answer";
constexpr size_t kMaxUriSize = 1024;  // octets of the realm that an answer names
constexpr std::array<std::string_view, 4> kFlatCra{"secret", "salt", "iterations", "keylen"};

template <typename Names>
bool is_one_of(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string text_of(ValueView answer, std::string_view key, size_t max_size) {
  const ValueView value = answer[key];
  if (!value || value.is(NX_NULL)) return {};
  if (!value.is_string() || value.as_string().size() > max_size) {
    throw ConfigError(std::string(kWhere) + "." + std::string(key) + ": must be a text");
  }
  return std::string(value.as_string());
}

// Crossbar's shape: the derived key is called secret, and what derived it stands beside it.
Value cra_of(const sdk::Values& values, ValueView answer) {
  if (!answer["salt"]) return Value(answer["secret"]);
  auto cra = values.dict();
  for (const std::string_view key : kFlatCra) {
    if (answer[key]) cra.set(key == "secret" ? "key" : key, answer[key]);
  }
  return cra.done();
}

}  // namespace

Value client_details(const sdk::Values& values, const sdk::Hello& hello) {
  auto transport = values.dict();
  if (hello.peer != nullptr) {
    transport.set("type", sdk::view(hello.peer->transport))
        .set("peer", sdk::view(hello.peer->address))
        .set("secure", (hello.peer->flags & NX_PEER_TLS) != 0);
  }
  if (const ValueView headers = hello.peer_details["http_headers_received"]; headers.is_dict()) {
    // But for cookies: who has one can come in with it.
    auto shown = values.dict();
    for (size_t i = 0; i < headers.size(); ++i) {
      if (headers.key_at(i) != "cookie") shown.set(headers.key_at(i), headers.at(i));
    }
    transport.set("http_headers_received", shown.done());
  }
  if (const ValueView value = hello.peer_details["tls_client"]) transport.set("tls_client", value);
  auto details = values.dict();
  details.set("session", hello.session).set("authmethod", hello.method);
  if (hello.authextra) details.set("authextra", hello.authextra);
  details.set("transport", transport.done());
  return details.done();
}

bool undecided(std::string_view error_uri) {
  return error_uri == "wamp.error.no_such_procedure" || error_uri == "wamp.error.timeout" ||
         error_uri == "wamp.error.canceled" || error_uri == "wamp.error.no_available_callee" ||
         error_uri == "wamp.error.network_failure" ||
         error_uri == "wamp.error.payload_size_exceeded" || error_uri == "wamp.error.unavailable";
}

bool is_secret_key(std::string_view key) {
  constexpr std::array<std::string_view, 7> kKeys{"ticket", "wampcra", "scram",  "cryptosign",
                                                  "secret", "pubkey",  "pubkeys"};
  return is_one_of(kKeys, key);
}

Record parse_record(const sdk::Values& values, std::string_view authid, ValueView answer,
                    std::string_view default_role) {
  if (!answer.is_dict()) throw ConfigError(std::string(kWhere) + ": must be a dict");
  auto entry = values.dict();
  const auto once = [&](bool other) {
    if (other) throw ConfigError(std::string(kWhere) + ": has a secret of one method twice");
  };
  for (size_t i = 0; i < answer.size(); ++i) {
    const std::string_view key = answer.key_at(i);
    if (key == "secret") {
      once(static_cast<bool>(answer["wampcra"]));
      entry.set("wampcra", cra_of(values, answer));
    } else if (key == "pubkey" || key == "pubkeys") {
      once(answer["cryptosign"] || (answer["pubkey"] && answer["pubkeys"]));
      entry.set("cryptosign", answer.at(i));
    } else if (key == "realms" || (is_one_of(kFlatCra, key) && !answer["secret"])) {
      throw ConfigError(std::string(kWhere) + "." + std::string(key) + ": has no meaning here");
    } else if (key != "authid" && key != "realm" && key != "extra" && !is_one_of(kFlatCra, key)) {
      entry.set(key, answer.at(i));
    }
  }
  Record record;
  const std::string named = text_of(answer, "authid", kMaxAuthidSize);
  record.realm = text_of(answer, "realm", kMaxUriSize);
  if (const ValueView extra = answer["extra"]; extra && !extra.is(NX_NULL)) {
    if (!extra.is_dict()) throw ConfigError(std::string(kWhere) + ".extra: must be a dict");
    record.extra = Value(extra);
  }
  record.principal = std::make_shared<const Principal>(
      parse_principal(named.empty() ? authid : std::string_view(named), entry.done(), default_role,
                      std::string(kWhere)));
  return record;
}

Value merged(const sdk::Values& values, const Value& a, const Value& b) {
  if (!a) return b;
  if (!b) return a;
  auto both = values.dict();
  for (const Value* one : {&a, &b}) {
    for (size_t i = 0; i < one->size(); ++i) both.set(one->key_at(i), one->at(i));
  }
  return both.done();
}

}  // namespace nexus::auth
