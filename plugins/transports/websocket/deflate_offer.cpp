// Negotiation of permessage-deflate: the grammar of Sec-WebSocket-Extensions (RFC 6455, 9.1) and
// the parameters of RFC 7692, 7.1. [loop]
#include <algorithm>
#include <string>

#include "plugins/support/http_request.hpp"
#include "plugins/support/text.hpp"
#include "plugins/transports/websocket/deflate.hpp"

namespace nexus::websocket {
namespace {

using support::is_token;

// Reads the header from left to right: extension *( "," extension ), extension = token *( ";"
// param ), param = token [ "=" ( token | quoted token ) ].
class OfferReader {
 public:
  explicit OfferReader(std::string_view text) : text_(text) { skip_space(); }

  bool at_end() const { return text_.empty(); }
  bool accept(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    skip_space();
    return true;
  }
  // Empty when there is none.
  std::string_view token() {
    size_t size = 0;
    while (size < text_.size() && is_token(text_.substr(size, 1))) ++size;
    return take(size);
  }
  // A token or a token in quotes, where a backslash makes the next character stand for itself;
  // empty when there is none.
  std::string value() {
    if (text_.empty() || text_.front() != '"') return std::string(token());
    std::string inner;
    for (size_t at = 1; at < text_.size(); ++at) {
      if (text_[at] == '"') {
        take(at + 1);
        return is_token(inner) ? inner : std::string();
      }
      if (text_[at] == '\\' && ++at == text_.size()) break;
      inner += text_[at];
    }
    return {};
  }

 private:
  std::string_view take(size_t size) {
    const std::string_view taken = text_.substr(0, size);
    text_.remove_prefix(size);
    skip_space();
    return taken;
  }
  void skip_space() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t')) {
      text_.remove_prefix(1);
    }
  }
  std::string_view text_;
};

struct Offer {
  bool usable = true;
  bool server_no_takeover = false;
  bool client_no_takeover = false;
  bool client_bits_known = false;
  uint8_t server_bits = 0;  // 0 = not mentioned
  uint8_t client_bits = 0;
};

// "8" to "15" without leading zeros; 0 for anything else.
uint8_t window_bits(std::string_view text) {
  if (text.size() == 1 && (text[0] == '8' || text[0] == '9')) {
    return static_cast<uint8_t>(text[0] - '0');
  }
  if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') {
    return static_cast<uint8_t>(10 + text[1] - '0');
  }
  return 0;
}

// An unknown, repeated or badly valued parameter makes the offer one to be declined.
void read_parameter(std::string_view name, bool has_value, std::string_view value, Offer& offer) {
  const auto flag = [&](bool& seen) {
    if (seen || has_value) offer.usable = false;
    seen = true;
  };
  const auto bits = [&](uint8_t& seen) {
    if (seen != 0) offer.usable = false;
    seen = window_bits(value);
    if (seen == 0) offer.usable = false;
  };
  if (name == "server_no_context_takeover") {
    flag(offer.server_no_takeover);
  } else if (name == "client_no_context_takeover") {
    flag(offer.client_no_takeover);
  } else if (name == "server_max_window_bits") {
    bits(offer.server_bits);
  } else if (name == "client_max_window_bits") {
    if (offer.client_bits_known) offer.usable = false;
    offer.client_bits_known = true;
    if (has_value) bits(offer.client_bits);
  } else {
    offer.usable = false;
  }
}

bool read_offer(OfferReader& reader, Offer& offer) {
  const std::string_view name = reader.token();
  if (name.empty()) return false;
  if (!support::equal_ignoring_case(name, "permessage-deflate")) offer.usable = false;
  while (reader.accept(';')) {
    const std::string_view parameter = reader.token();
    if (parameter.empty()) return false;
    const bool has_value = reader.accept('=');
    const std::string value = has_value ? reader.value() : std::string();
    if (has_value && value.empty()) return false;
    read_parameter(parameter, has_value, value, offer);
  }
  return true;
}

// `on` stays false when the offer cannot be kept. Nothing is asked of the client that it has not
// offered: some take what they do not expect for a failure, or do not do it.
DeflateAgreement agree(const Offer& offer, const DeflateOptions& options, MemoryBudget& budget) {
  DeflateAgreement out;
  // zlib cannot write raw deflate with a window of 256 bytes.
  if (offer.server_bits == 8) return out;
  out.server_takeover = options.context_takeover && !offer.server_no_takeover;
  out.client_takeover = !offer.client_no_takeover;
  out.server_bits = options.window_bits;
  if (offer.server_bits != 0) out.server_bits = std::min(out.server_bits, offer.server_bits);
  // A client that does not mention its window cannot be told to make it smaller.
  if (offer.client_bits_known) {
    out.client_bits = options.window_bits;
    if (offer.client_bits != 0) out.client_bits = std::min(out.client_bits, offer.client_bits);
  }

  const uint64_t to_read = out.client_takeover ? inflater_memory(out.client_bits) : 0;
  const uint64_t to_write = out.server_takeover ? deflater_memory(out.server_bits) : 0;
  out.on = out.memory.take(budget, to_read + to_write);
  if (!out.on && out.server_takeover) {  // which the router may drop as it likes
    out.server_takeover = false;
    out.on = out.memory.take(budget, to_read);
    out.short_of_memory = true;
  }
  if (!out.on) {
    out.short_of_memory = true;
    return out;
  }

  out.response = "permessage-deflate";
  if (!out.server_takeover) out.response += "; server_no_context_takeover";
  if (!out.client_takeover) out.response += "; client_no_context_takeover";
  // An offer with this is accepted by saying it as well, 15 included (RFC 7692, 7.1.2.1).
  if (offer.server_bits != 0) {
    out.response += "; server_max_window_bits=" + std::to_string(out.server_bits);
  }
  if (offer.client_bits_known && out.client_bits < 15) {
    out.response += "; client_max_window_bits=" + std::to_string(out.client_bits);
  }
  return out;
}

}  // namespace

DeflateAgreement negotiate_deflate(std::string_view offers, const DeflateOptions& options,
                                   MemoryBudget& budget, bool* malformed) {
  DeflateAgreement agreed;
  bool short_of_memory = false;
  *malformed = false;
  OfferReader reader(offers);
  while (!reader.at_end()) {
    if (reader.accept(',')) continue;  // empty list elements are legal
    Offer offer;
    if (!read_offer(reader, offer) || !(reader.at_end() || reader.accept(','))) {
      *malformed = true;
      return {};
    }
    if (!offer.usable || agreed.on) continue;
    agreed = agree(offer, options, budget);
    short_of_memory = short_of_memory || agreed.short_of_memory;
  }
  agreed.short_of_memory = short_of_memory;
  return agreed;
}

}  // namespace nexus::websocket
