#include "plugins/support/auth/decoy.hpp"

#include <cstring>
#include <fstream>

#include "plugins/support/auth/make_secret.hpp"

namespace nexus::auth {
namespace {

// As many octets as are wanted, of a key and a label.
std::string stream(std::string_view key, std::string_view label, size_t size) {
  std::string octets;
  for (uint32_t block = 0; octets.size() < size; ++block) {
    octets += hmac_sha256(key, std::string(label) + "#" + std::to_string(block));
  }
  octets.resize(size);
  return octets;
}

// A text with the shape of `model`: base64 of the same size, small hexadecimal digits, or letters
// and digits.
std::string text_like(std::string_view model, std::string_view octets) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const bool hex = model.find_first_not_of(kHex) == std::string_view::npos;
  const std::optional<std::string> raw = from_base64(model);
  if (!hex && raw && model.size() >= 8) return to_base64(octets.substr(0, raw->size()));
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const std::string_view alphabet = hex ? kHex : kLetters;
  std::string text;
  for (size_t i = 0; i < model.size(); ++i) {
    text.push_back(alphabet[static_cast<uint8_t>(octets[i]) % alphabet.size()]);
  }
  return text;
}

}  // namespace

void Decoys::set_key(std::string_view key) {
  if (!key.empty()) {
    key_ = hmac_sha256(key, "nexus decoys");
    return;
  }
  std::ifstream file("/etc/machine-id");
  std::string id;
  if (file && std::getline(file, id) && id.size() >= 32) {
    key_ = hmac_sha256(id, "nexus decoys");
  } else {
    key_ = random_octets(kHashSize);
  }
}

PrincipalPtr Decoys::make(const Principals& principals, Method method, std::string_view realm,
                          std::string_view authid) const {
  const std::string own = hmac_sha256(
      key_, std::to_string(realm.size()) + ":" + std::string(realm) + std::string(authid));
  uint64_t number = 0;
  std::memcpy(&number, own.data(), sizeof number);
  const PrincipalPtr model = principals.sample(method, number);
  auto decoy = std::make_shared<Principal>();
  decoy->authid = authid;
  decoy->role = model == nullptr ? "user" : model->role;
  switch (method) {
    case Method::ticket: {
      TicketSecret& ticket = decoy->ticket.emplace();
      size_t size = kHashSize;
      if (model != nullptr) {
        ticket.how = model->ticket->how;
        size = model->ticket->key.view().size();
      }
      ticket.key = Secret(stream(own, "key", size));
      break;
    }
    case Method::wampcra: {
      CraSecret& cra = decoy->wampcra.emplace();
      cra.key = Secret(stream(own, "key", kHashSize));
      if (model == nullptr) {
        cra.salt = to_base64(stream(own, "salt", kSaltSize));
        cra.iterations = kCraIterations;
        cra.keylen = kHashSize;
      } else if (!model->wampcra->salt.empty()) {
        const std::string& salt = model->wampcra->salt;
        cra.salt = text_like(salt, stream(own, "salt", salt.size()));
        cra.iterations = model->wampcra->iterations;
        cra.keylen = model->wampcra->keylen;
      }
      break;
    }
    case Method::scram: {
      ScramSecret& scram = decoy->scram.emplace();
      if (model == nullptr) {
        scram.how = {Kdf::pbkdf2, "", kScramIterations, 0};
      } else {
        scram.how = model->scram->how;
      }
      scram.how.salt =
          stream(own, "salt", model == nullptr ? kSaltSize : model->scram->how.salt.size());
      scram.stored_key = Secret(stream(own, "stored", kHashSize));
      scram.server_key = Secret(stream(own, "server", kHashSize));
      break;
    }
    case Method::cryptosign:
      // For clients that announce no key of their own.
      decoy->keys = {ed25519_public_key(stream(own, "key", kEd25519KeySize))};
      break;
  }
  return decoy;
}

}  // namespace nexus::auth
