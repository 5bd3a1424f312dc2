// Message: one WAMP message, cut into its fields but with options and payload left as the bytes
// that arrived. [loop] A Message borrows from the read buffer and lives for one delivery.
#pragma once

#include <string>
#include <string_view>

#include "kernel/message/code.hpp"
#include "kernel/message/serializer.hpp"

namespace nexus {

// Arguments and ArgumentsKw, encoded in `format`. Absent ones have no bytes: an empty ArgumentsKw,
// and an empty Arguments without ArgumentsKw, count as absent (U-23).
struct Payload {
  const Serializer* format = nullptr;
  Bytes args;
  Bytes kwargs;
  bool opaque = false;  // `args` is one string or binary in place of the list (enc_algo, X-06)
  // Not empty: why nobody is to get it (NX_UNFIT). The request fails, the session goes on.
  std::string_view unfit;

  uint32_t count() const { return !kwargs.empty() ? 2 : !args.empty() ? 1 : 0; }
  size_t size() const { return args.size() + kwargs.size(); }
};

struct Message {
  Code code{};
  uint64_t request = 0;  // the first id: Request, or Session / Subscription where that comes first
  uint64_t id = 0;  // the second id: Subscription, Registration, Publication; ERROR: REQUEST.Type
  bool has_options = false;  // Options / Details / Extra is there and not empty
  Bytes options;             // its bytes
  bool has_uri = false;
  std::string_view uri;  // Realm, Topic, Procedure, Reason, Error, AuthMethod or Signature
  Payload payload;
};

}  // namespace nexus
