#include "kernel/loop/tls_files.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

#include "kernel/loop/certificate.hpp"
#include "kernel/loop/tls_context.hpp"

namespace nexus {
namespace {

constexpr const char* kCrlOption = "tls.crl";

std::string quoted(const std::string& path) { return "\"" + path + "\""; }

// "Nov 30 20:14:51 2026 GMT"
std::string time_text(const ASN1_TIME* time) {
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), &BIO_free);
  if (out == nullptr || ASN1_TIME_print(out.get(), time) != 1) return "an unknown time";
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<size_t>(std::max(size, 0L))};
}

void check_time(X509& certificate, const char* option, const std::string& whose,
                const std::string& effect, ListenMistakes& mistakes) {
  const ASN1_TIME* const from = X509_get0_notBefore(&certificate);
  const ASN1_TIME* const until = X509_get0_notAfter(&certificate);
  if (X509_cmp_current_time(until) < 0) {
    mistakes.push_back({option,
                        whose + " has expired on " + time_text(until) + ": " + effect +
                            "; renew it, then have the router reload",
                        true});
  } else if (X509_cmp_current_time(from) > 0) {
    mistakes.push_back({option,
                        whose + " is not valid before " + time_text(from) + ": " + effect +
                            " until then; is the clock right?",
                        true});
  }
}

std::string of(X509& certificate) { return name_text(X509_get_subject_name(&certificate)); }

// The authorities that the store trusts. Lent.
std::vector<X509*> authorities_of(X509_STORE* store) {
  std::vector<X509*> all;
  STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(store);
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    if (X509* const one = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i))) {
      all.push_back(one);
    }
  }
  return all;
}

struct FreeCrl {
  void operator()(X509_CRL* list) const { X509_CRL_free(list); }
};
using Crl = std::unique_ptr<X509_CRL, FreeCrl>;

// Is it in date, and made by whom it says? A list of an authority that is not in the store may be
// one of an intermediate authority, whose certificate the clients bring.
void check_crl(X509_CRL* list, const std::string& path, const std::vector<X509*>& authorities,
               ListenMistakes& mistakes) {
  const X509_NAME* const issuer = X509_CRL_get_issuer(list);
  const std::string whose = quoted(path) + ": the revocation list of " + name_text(issuer);
  bool known = false;
  bool genuine = false;
  for (X509* const authority : authorities) {
    if (X509_NAME_cmp(X509_get_subject_name(authority), issuer) != 0) continue;
    known = true;
    genuine = genuine || X509_CRL_verify(list, X509_get0_pubkey(authority)) == 1;
  }
  ERR_clear_error();
  if (known && !genuine) {
    mistakes.push_back({kCrlOption, whose +
                                        " was not signed by that authority of tls.client_ca; get "
                                        "the list from the authority itself"});
    return;
  }
  const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(list);
  const ASN1_TIME* const last = X509_CRL_get0_lastUpdate(list);
  if (next != nullptr && X509_cmp_current_time(next) < 0) {
    mistakes.push_back({kCrlOption,
                        whose + " is out of date since " + time_text(next) +
                            ": clients with certificates of that authority are refused; get a new "
                            "list, then have the router reload",
                        true});
  } else if (X509_cmp_current_time(last) > 0) {
    mistakes.push_back({kCrlOption,
                        whose + " is not valid before " + time_text(last) +
                            ": clients with certificates of that authority are refused until "
                            "then; is the clock right?",
                        true});
  }
}

std::vector<Crl> read_crls(const std::string& path, ListenMistakes& mistakes) {
  std::vector<Crl> lists;
  if (!readable_file(kCrlOption, path, mistakes)) return lists;
  const std::unique_ptr<BIO, int (*)(BIO*)> file(BIO_new_file(path.c_str(), "r"), &BIO_free);
  ERR_clear_error();
  while (file != nullptr) {
    X509_CRL* const one = PEM_read_bio_X509_CRL(file.get(), nullptr, nullptr, nullptr);
    if (one == nullptr) break;
    lists.emplace_back(one);
  }
  const unsigned long code = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  if (lists.empty() || !at_end) {
    const std::string why = at_end ? "there is none in it" : tls_error_text("unknown");
    mistakes.push_back({kCrlOption, quoted(path) + " is no PEM file with revocation lists: " + why +
                                        "; one in DER becomes one with `openssl crl -inform DER "
                                        "-in FILE -out FILE.pem`"});
    lists.clear();
  }
  ERR_clear_error();
  return lists;
}

std::vector<std::string> crl_files(const std::string& path, ListenMistakes& mistakes) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(path, error)) return {path};
  std::vector<std::string> files;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    const fs::path kind = at->path().extension();
    if (kind == ".pem" || kind == ".crl") files.push_back(at->path().string());
  }
  if (error) {
    mistakes.push_back({kCrlOption, "cannot read " + quoted(path) + ": " + error.message() +
                                        "; correct the path, or let the router's user read it"});
  } else if (files.empty()) {
    mistakes.push_back({kCrlOption, "the folder " + quoted(path) +
                                        " holds no *.pem and no *.crl; put the revocation lists "
                                        "there, or name a file"});
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

bool readable_file(const char* option, const std::string& path, ListenMistakes& mistakes) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    mistakes.push_back({option, quoted(path) + " is a folder; name the PEM file in it"});
    return false;
  }
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr) {
    mistakes.push_back({option, "cannot read " + quoted(path) + ": " + std::strerror(errno) +
                                    "; correct the path, or let the router's user read it"});
    return false;
  }
  std::fclose(file);
  return true;
}

void check_key_mode(const char* option, const std::string& path, ListenMistakes& mistakes) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return;  // it was there a moment ago, and has been read
  if ((info.st_mode & (S_IROTH | S_IWOTH)) == 0) return;
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(info.st_mode & 07777));
  mistakes.push_back(
      {option, quoted(path) + " holds a private key, but everybody can read or write it (mode " +
                   mode + "); run: chmod o-rw " + path});
}

void check_times(SSL_CTX* context, const char* option, const std::string& path,
                 ListenMistakes& mistakes) {
  X509* const own = SSL_CTX_get0_certificate(context);
  if (own == nullptr) return;
  const std::string effect = "clients that check it refuse this router";
  check_time(*own, option, "the certificate in " + quoted(path), effect, mistakes);
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context, &chain);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509& one = *sk_X509_value(chain, i);
    check_time(one, option, quoted(path) + ": the certificate of " + of(one), effect, mistakes);
  }
}

void check_authority_times(SSL_CTX* context, const std::string& path, ListenMistakes& mistakes) {
  for (X509* const one : authorities_of(SSL_CTX_get_cert_store(context))) {
    check_time(*one, "tls.client_ca", quoted(path) + ": the certificate of " + of(*one),
               "clients with certificates of that authority are refused", mistakes);
  }
}

void load_revocations(SSL_CTX* context, const std::string& path, ListenMistakes& mistakes) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  const std::vector<X509*> authorities = authorities_of(store);
  std::vector<X509*> without = authorities;
  for (const std::string& file : crl_files(path, mistakes)) {
    for (const Crl& list : read_crls(file, mistakes)) {
      check_crl(list.get(), file, authorities, mistakes);
      X509_STORE_add_crl(store, list.get());
      std::erase_if(without, [&](X509* authority) {
        return X509_NAME_cmp(X509_get_subject_name(authority), X509_CRL_get_issuer(list.get())) ==
               0;
      });
    }
  }
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  if (!first_mistake(mistakes)) return;
  for (X509* const authority : without) {
    mistakes.push_back({kCrlOption,
                        quoted(path) + " has no revocation list of " + of(*authority) +
                            ", an authority of tls.client_ca: clients with certificates of it are "
                            "refused; add its list",
                        true});
  }
}

}  // namespace nexus
