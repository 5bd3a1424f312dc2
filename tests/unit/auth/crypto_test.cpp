// The cryptography of the authenticators against published vectors.
#include <catch2/catch.hpp>

#include "plugins/support/auth/crypto.hpp"
#include "plugins/support/auth/secret.hpp"

using namespace nexus::auth;

namespace {
std::string hex(std::string_view text) { return from_hex(text).value(); }
}  // namespace

TEST_CASE("SHA-256 and HMAC, RFC 4231") {
  CHECK(to_hex(sha256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(to_hex(hmac_sha256("", "")) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("key derivation, RFC 7914 section 11 and the reference tests of argon2") {
  CHECK(to_hex(derive({Kdf::pbkdf2, "salt", 1, 0}, "passwd", 64)) ==
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
  CHECK(to_hex(derive({Kdf::argon2id13, "somesalt", 2, 256}, "password")) ==
        "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe");
  CHECK(derive({}, "as it is") == "as it is");
  CHECK(kdf_from_name("argon2id13") == Kdf::argon2id13);
  CHECK_FALSE(kdf_from_name("argon2i"));
  CHECK(kdf_name(Kdf::pbkdf2) == "pbkdf2");
}

TEST_CASE("Ed25519, RFC 8032 section 7.1") {
  const std::string seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  const std::string key = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const std::string signature =
      hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
          "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  CHECK(ed25519_public_key(seed) == key);
  CHECK(ed25519_sign(seed, "r") == signature);
  CHECK(ed25519_verify(key, "r", signature));
  CHECK_FALSE(ed25519_verify(key, "s", signature));
  CHECK_FALSE(ed25519_verify(key, "r", signature.substr(1)));
  CHECK_FALSE(ed25519_verify("short", "r", signature));
  std::string damaged = signature;
  damaged[63] = static_cast<char>(damaged[63] ^ 0x10);
  CHECK_FALSE(ed25519_verify(key, "r", damaged));
}

TEST_CASE("hexadecimal and base64 have one spelling") {
  CHECK(from_hex("00fFA0") == std::string("\0\xff\xa0", 3));
  for (const char* wrong : {"0", "0g", " 00", "0x00", "00\n"}) CHECK_FALSE(from_hex(wrong));
  for (const std::string octets : {"", "f", "fo", "foo", "foob", "\xff\xfe"}) {
    CHECK(from_base64(to_base64(octets)) == octets);
  }
  CHECK(to_base64("foobar") == "Zm9vYmFy");
  // White space, no padding, too much of it, bits that do not count, other alphabets.
  for (const char* wrong : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9vYmF=", "Zm 9", "Zg==\n",
                            " Zg=", "Zm9=Zm9v", "====", "Zm_v", "Z==="}) {
    CAPTURE(wrong);
    CHECK_FALSE(from_base64(wrong));
  }
}

TEST_CASE("octets are compared whole") {
  CHECK(same_octets("", ""));
  CHECK(same_octets("abc", "abc"));
  CHECK_FALSE(same_octets("abc", "abd"));
  CHECK_FALSE(same_octets("abc", "ab"));
  CHECK(xor_octets("\x0f\xf0", "\xff\xff") == "\xf0\x0f");
  CHECK(random_octets(32) != random_octets(32));
}

TEST_CASE("a secret that was moved is gone from where it was") {
  Secret first(std::string_view("short"));
  const Secret second(std::move(first));
  CHECK(second.view() == "short");
  CHECK(first.empty());  // NOLINT: that is what is tested
}
