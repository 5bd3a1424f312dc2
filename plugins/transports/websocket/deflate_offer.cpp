// Negotiation of permessage-deflate: the grammar of Sec-WebSocket-Extensions (RFC 6455, 9.1) and
// the parameters of RFC 7692, 7.1. [loop]
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
  // A token or a token in quotes; empty when there is none.
  std::string_view value() {
    if (text_.empty() || text_.front() != '"') return token();
    text_.remove_prefix(1);
    const std::string_view inner = token();
    return accept('"') ? inner : std::string_view{};
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
    const std::string_view value = has_value ? reader.value() : std::string_view{};
    if (has_value && value.empty()) return false;
    read_parameter(parameter, has_value, value, offer);
  }
  return true;
}

DeflateAgreement agree(const Offer& offer, const DeflateOptions& options) {
  DeflateAgreement out;
  // zlib cannot write raw deflate with a window of 256 bytes.
  if (offer.server_bits == 8) return out;
  out.on = true;
  out.server_takeover = options.context_takeover && !offer.server_no_takeover;
  out.client_takeover = options.context_takeover && !offer.client_no_takeover;
  out.server_bits = options.window_bits;
  if (offer.server_bits != 0) out.server_bits = std::min(out.server_bits, offer.server_bits);
  out.response = "permessage-deflate";
  if (!out.server_takeover) out.response += "; server_no_context_takeover";
  if (!out.client_takeover) out.response += "; client_no_context_takeover";
  if (out.server_bits < 15) {
    out.response += "; server_max_window_bits=" + std::to_string(out.server_bits);
  }
  // A client that does not mention its window cannot be told to make it smaller.
  if (offer.client_bits_known && options.window_bits < 15) {
    out.client_bits = options.window_bits;
    if (offer.client_bits != 0) out.client_bits = std::min(out.client_bits, offer.client_bits);
    out.response += "; client_max_window_bits=" + std::to_string(out.client_bits);
  }
  return out;
}

}  // namespace

DeflateAgreement negotiate_deflate(std::string_view offers, const DeflateOptions& options,
                                   bool* malformed) {
  DeflateAgreement agreed;
  *malformed = false;
  OfferReader reader(offers);
  while (!reader.at_end()) {
    if (reader.accept(',')) continue;  // empty list elements are legal
    Offer offer;
    if (!read_offer(reader, offer) || !(reader.at_end() || reader.accept(','))) {
      *malformed = true;
      return {};
    }
    if (offer.usable && !agreed.on) agreed = agree(offer, options);
  }
  return agreed;
}

}  // namespace nexus::websocket
