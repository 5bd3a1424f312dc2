#include "kernel/loop/certificate.hpp"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string>

#include "kernel/base/utf8.hpp"

namespace nexus {
namespace {

constexpr int kMaxNames = 100;

bool printable(std::string_view text) {
  return is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

void set_text(Value& dict, std::string_view key, std::string_view text) {
  if (!text.empty() && printable(text)) dict.set(key, Value::string(text));
}

std::string common_name(const X509_NAME* name) {
  int last = -1;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;) last = at;
  if (last < 0) return {};
  uint8_t* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
  if (size < 0) return {};
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  return text;
}

std::string_view view_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string address_text(const ASN1_OCTET_STRING* bytes) {
  const int size = ASN1_STRING_length(bytes);
  if (size != 4 && size != 16) return {};
  char text[INET6_ADDRSTRLEN];
  return ::inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text,
                     sizeof text) == nullptr
             ? std::string()
             : std::string(text);
}

std::string alternative_name(const GENERAL_NAME& name) {
  switch (name.type) {
    case GEN_DNS:
      return "DNS:" + std::string(view_of(name.d.dNSName));
    case GEN_EMAIL:
      return "email:" + std::string(view_of(name.d.rfc822Name));
    case GEN_URI:
      return "URI:" + std::string(view_of(name.d.uniformResourceIdentifier));
    case GEN_IPADD: {
      const std::string address = address_text(name.d.iPAddress);
      return address.empty() ? address : "IP:" + address;
    }
    default:
      return {};
  }
}

Value alternative_names(X509& certificate) {
  Value list = Value::list();
  auto* const names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < std::min(sk_GENERAL_NAME_num(names), kMaxNames); ++i) {
    const std::string text = alternative_name(*sk_GENERAL_NAME_value(names, i));
    if (!text.empty() && printable(text)) list.append(Value::string(text));
  }
  GENERAL_NAMES_free(names);
  return list;
}

std::string hex(const uint8_t* data, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    text += kDigits[data[i] >> 4];
    text += kDigits[data[i] & 15];
  }
  return text;
}

std::string serial_text(const X509& certificate) {
  const ASN1_INTEGER* const serial = X509_get0_serialNumber(&certificate);
  return hex(ASN1_STRING_get0_data(serial), static_cast<size_t>(ASN1_STRING_length(serial)));
}

void set_time(Value& dict, std::string_view key, const ASN1_TIME* time) {
  std::tm broken{};
  if (ASN1_TIME_to_tm(time, &broken) == 1) dict.set(key, Value::integer(::timegm(&broken)));
}

}  // namespace

std::string name_text(const X509_NAME* name) {
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), &BIO_free);
  // UTF-8 stays UTF-8; everything else that RFC 2253 escapes is escaped.
  if (out == nullptr ||
      X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) {
    return {};
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

Value describe_certificate(X509& certificate, bool verified) {
  Value dict = Value::dict();
  const X509_NAME* const subject = X509_get_subject_name(&certificate);
  set_text(dict, "subject", name_text(subject));
  set_text(dict, "common_name", common_name(subject));
  set_text(dict, "issuer", name_text(X509_get_issuer_name(&certificate)));
  dict.set("names", alternative_names(certificate));
  set_text(dict, "serial", serial_text(certificate));
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest, &size) == 1) {
    dict.set("sha256", Value::string(hex(digest, size)));
  }
  set_time(dict, "not_before", X509_get0_notBefore(&certificate));
  set_time(dict, "not_after", X509_get0_notAfter(&certificate));
  dict.set("verified", Value::boolean(verified));
  return dict;
}

}  // namespace nexus
