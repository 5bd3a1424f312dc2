// A WAMP session of the load generator; see wamp.hpp.
#include "bench/wamp.hpp"

#include <cstring>

#include "bench/error.hpp"

namespace bench {

namespace {

enum : uint64_t {
  kWelcome = 2,
  kAbort = 3,
  kGoodbye = 6,
  kError = 8,
  kPublish = 16,
  kSubscribe = 32,
  kSubscribed = 33,
  kEvent = 36,
  kCall = 48,
  kResult = 50,
  kRegister = 64,
  kRegistered = 65,
  kInvocation = 68,
  kYield = 70,
};

uint32_t next_mask() {
  static uint32_t mask = 0x9e3779b9;
  mask = mask * 1664525 + 1013904223;
  return mask | 0x01010101;  // no byte of it is zero
}

}  // namespace

WampLink::WampLink(Engine& engine, const Address& address, Format format, const std::string& realm,
                   LinkEvents& events, const ConnectOptions& options)
    : Link(engine, connect_to(address, options), events),
      address_(address),
      realm_(realm),
      format_(format),
      mask_(next_mask()),
      framer_(address.carrier, format, mask_) {
  const std::string opening = make_opening(address, format);
  out().append(opening.data(), opening.size());
}

void WampLink::send(std::string_view message) {
  uint8_t* to = framer_.begin(out(), message.size());
  std::memcpy(to, message.data(), message.size());
  framer_.finish(to, message.size());
}

void WampLink::send(const Template& t, uint64_t id, std::string_view payload) {
  uint8_t digits[20];
  const size_t width = put_uint(format_, digits, id);
  const size_t size = t.head.size() + width + t.middle.size() + payload.size() + t.tail.size();
  uint8_t* const message = framer_.begin(out(), size);
  uint8_t* to = message;
  const auto put = [&to](const void* from, size_t count) {
    std::memcpy(to, from, count);
    to += count;
  };
  put(t.head.data(), t.head.size());
  put(digits, width);
  put(t.middle.data(), t.middle.size());
  put(payload.data(), payload.size());
  put(t.tail.data(), t.tail.size());
  framer_.finish(message, size);
}

void WampLink::subscribe(const std::string& topic, const std::string& match) {
  ++waiting_;
  send(make_request(format_, kSubscribe, ++last_request_, topic, match));
}

void WampLink::register_procedure(const std::string& procedure) {
  ++waiting_;
  send(make_request(format_, kRegister, ++last_request_, procedure));
}

WampLink::Prepared& WampLink::prepared(size_t payload_size) {
  if (!prepared_) prepared_ = std::make_unique<Prepared>();
  payload_size_ = payload_size;
  return *prepared_;
}

void WampLink::prepare_publish(const std::string& topic, size_t payload_size) {
  Prepared& p = prepared(payload_size);
  p.publish.push_back(make_template(format_, kPublish, topic, payload_size));
}

void WampLink::prepare_call(const std::string& procedure, size_t payload_size) {
  prepared(payload_size).call = make_template(format_, kCall, procedure, payload_size);
}

void WampLink::prepare_answer(size_t payload_size) {
  prepared(payload_size).yield = make_template(format_, kYield, {}, payload_size);
}

void WampLink::prepare_progressive(const std::string& procedure, size_t payload_size) {
  Prepared& p = prepared(payload_size);
  p.call = make_template(format_, kCall, procedure, payload_size, "receive_progress");
  p.yield = make_template(format_, kYield, {}, payload_size);
  p.progress = make_template(format_, kYield, {}, payload_size, "progress");
}

void WampLink::publish(size_t topic, std::string_view payload) {
  send(prepared_->publish[topic], ++last_request_, payload);
}

uint64_t WampLink::call(std::string_view payload) {
  send(prepared_->call, ++last_request_, payload);
  return last_request_;
}

void WampLink::answer(const Call& call, std::string_view payload) {
  send(prepared_->yield, call.id, payload);
}

void WampLink::answer_progress(const Call& call, std::string_view payload) {
  send(prepared_->progress, call.id, payload);
}

size_t WampLink::received(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  if (!opened_) {
    const size_t used = read_opening_answer(address_, format_, rest);
    if (used == 0) return 0;
    opened_ = true;
    rest.remove_prefix(used);
    send(make_hello(format_, realm_));
  }
  Frame frame;
  while (size_t used = read_frame(address_.carrier, rest, frame)) {
    rest.remove_prefix(used);
    switch (frame.kind) {
      case Frame::kMessage:
        if (frame.first) {
          handle_message(frame.content);
        } else {
          fragments_ += frame.content;
          handle_message(fragments_);
          fragments_.clear();
        }
        break;
      case Frame::kPart:
        fragments_ += frame.content;
        break;
      case Frame::kPing:
        put_pong(address_.carrier, out(), frame.content, mask_);
        break;
      case Frame::kPong:
        break;
      case Frame::kClose:
        close("the router sent a close frame");
        return size;
    }
    if (!open()) return size;
  }
  return size - rest.size();
}

void WampLink::handle_message(std::string_view message) {
  Head head;
  if (!read_head(format_, message, head)) throw Failure("the router sent no WAMP message");
  switch (head.type) {
    case kEvent:
      events_.on_event(*this, payload_of(message));
      break;
    case kInvocation:
      events_.on_call(*this, {head.first, {}, payload_of(message)});
      break;
    case kResult:
      events_.on_result(*this, head.first, payload_of(message), true);
      break;
    default:
      handle_rare(head, message);
  }
}

void WampLink::handle_rare(const Head& head, std::string_view message) {
  switch (head.type) {
    case kWelcome:
      joined_ = true;
      break;
    case kSubscribed:
    case kRegistered:
      --waiting_;
      break;
    case kError:
      if (head.first == kCall) {
        events_.on_result(*this, head.second, {}, false);
        break;
      }
      throw Failure("refused: " + std::string(message.substr(0, 200)));
    case kAbort:
    case kGoodbye:
      close("the router said " + std::string(message.substr(0, 200)));
      break;
    default:
      break;  // PUBLISHED, INTERRUPT and others that nobody here asked for
  }
}

// Payloads come last in a message, so nothing before them has to be parsed. A router that spells
// it differently (spaces, empty kwargs) costs a search instead.
std::string_view WampLink::payload_of(std::string_view message) const {
  const std::string_view found = trailing_text(format_, message, payload_size_);
  if (found.starts_with(kMarker)) return found;
  const size_t at = message.find(kMarker);
  return at == message.npos ? std::string_view() : message.substr(at, payload_size_);
}

}  // namespace bench
