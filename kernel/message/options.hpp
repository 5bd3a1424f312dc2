// Options: the keys of Options and Details that the router acts on, with their types checked.
// [loop] One object per loop is used again for every message.
//
// Unknown keys are ignored (U-20), whatever their value is; a known key of the wrong type is a
// violation (U-21); null and JavaScript's `undefined` count as absent (U-22, E-04). The keys of
// each message are one table in options.cpp (M-34).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernel/message/message.hpp"
#include "kernel/message/parse.hpp"

namespace nexus {

// exclude_<attribute> or eligible_<attribute>: any session attribute, as Go nexus has it.
struct AttributeList {
  std::string attribute;  // "authid", "authrole", "org_id"
  bool eligible = false;
  std::vector<std::string> values;
};

// Who may receive a PUBLISH (P-20). Every list is in ascending order.
struct Receivers {
  bool has_exclude = false;
  bool has_eligible = false;
  std::vector<uint64_t> exclude;
  std::vector<uint64_t> eligible;
  std::vector<AttributeList> attributes;

  bool any() const { return has_exclude || has_eligible || !attributes.empty(); }
};

// A string option that is passed on: ppt_* and enc_*.
struct Passthru {
  std::string scheme, serializer, cipher, keyid;  // ppt_*
  bool has_serializer = false, has_cipher = false, has_keyid = false;
  std::string enc_algo, enc_key, enc_serializer;  // Autobahn's form
  bool has_enc_algo = false;

  bool ppt() const { return !scheme.empty(); }
  bool any() const { return ppt() || has_enc_algo; }
  size_t size() const {  // of the text in it
    return scheme.size() + serializer.size() + cipher.size() + keyid.size() + enc_algo.size() +
           enc_key.size() + enc_serializer.size();
  }
};

struct Options {
  bool acknowledge = false;
  bool exclude_me = true;
  bool disclose_me = false;
  bool retain = false;
  bool get_retained = false;
  bool receive_progress = false;
  bool progress = false;
  bool disclose_caller = false;
  bool forward_timeout = false;
  bool force_reregister = false;
  bool acknowledged_delivery = false;
  Match match = Match::exact;
  Invoke invoke = Invoke::single;
  CancelMode mode = CancelMode::killnowait;
  uint64_t timeout_ms = 0;
  uint64_t concurrency = 0;
  bool has_rkey = false;
  bool has_nkey = false;
  bool has_runmode = false;
  std::string rkey, nkey, runmode;
  Receivers receivers;
  Passthru passthru;

  void reset();

 private:
  friend bool parse_options(const Message&, Writer&, Options&, Violation&);
  bool dirty_ = false;
};

// Reads message.options into `out` (reset first). False fills `violation`, naming the key.
// `scratch` is not the one that parse() used: the message's own text lies in that.
bool parse_options(const Message& message, Writer& scratch, Options& out, Violation& violation);

}  // namespace nexus
