// The NATS client protocol, as far as request/reply and publish/subscribe need it; see nats.hpp.
//
// Requests use one wildcard inbox for each caller, as NATS client libraries do, so that a call
// costs the server no subscription.
#include "bench/nats.hpp"

#include <charconv>
#include <cstring>

#include "bench/error.hpp"

namespace bench {

namespace {

constexpr std::string_view kConnect =
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\"name\":\"nexus-bench\","
    "\"lang\":\"c++\",\"version\":\"1\",\"protocol\":1,\"echo\":false}\r\nPING\r\n";

uint64_t read_number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string_view take_word(std::string_view& line) {
  const size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == line.npos ? line.size() : space + 1);
  return word;
}

}  // namespace

bool read_nats_head(std::string_view line, NatsHead& out) {
  if (!line.starts_with("MSG ")) return false;
  line.remove_prefix(4);
  out.subject = take_word(line);
  out.subscription = read_number(take_word(line));
  out.reply_to = take_word(line);
  if (line.empty()) {  // three words: the last one was the size
    out.size = read_number(out.reply_to);
    out.reply_to = {};
  } else {
    out.size = read_number(line);
  }
  return out.subscription != 0;
}

NatsLink::NatsLink(Engine& engine, const Address& address, LinkEvents& events)
    : Link(engine, connect_to(address), events) {
  static uint64_t clients = 0;
  inbox_ = "_INBOX." + std::to_string(++clients) + ".";
  ++waiting_;  // for the PONG
  put({kConnect});
}

void NatsLink::put(std::initializer_list<std::string_view> parts) {
  size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  uint8_t* to = out().extend(size);
  for (const std::string_view part : parts) {
    std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
}

void NatsLink::subscribe_for(Use use, const std::string& subject) {
  uses_.push_back(use);
  ++waiting_;
  put({"SUB ", subject, " ", std::to_string(uses_.size()), "\r\nPING\r\n"});
}

void NatsLink::subscribe(const std::string& topic, const std::string& match) {
  // A WAMP prefix "a.b." is "a.b.>" here; wildcards are not used by a scenario that runs on NATS.
  subscribe_for(Use::kEvents, match == "prefix" ? topic + ">" : topic);
}

void NatsLink::register_procedure(const std::string& procedure) {
  subscribe_for(Use::kCalls, procedure);
}

void NatsLink::prepare_publish(const std::string& topic, size_t payload_size) {
  publish_.push_back("PUB " + topic + " " + std::to_string(payload_size) + "\r\n");
}

void NatsLink::prepare_call(const std::string& procedure, size_t payload_size) {
  call_ = "PUB " + procedure + " " + inbox_;
  size_ = " " + std::to_string(payload_size) + "\r\n";
  subscribe_for(Use::kResults, inbox_ + "*");
}

void NatsLink::prepare_answer(size_t payload_size) {
  size_ = " " + std::to_string(payload_size) + "\r\n";
}

void NatsLink::publish(size_t topic, std::string_view payload) {
  put({publish_[topic], payload, "\r\n"});
}

uint64_t NatsLink::call(std::string_view payload) {
  char digits[20];
  const char* end = std::to_chars(digits, digits + sizeof(digits), ++last_call_).ptr;
  put({call_, {digits, static_cast<size_t>(end - digits)}, size_, payload, "\r\n"});
  return last_call_;
}

void NatsLink::answer(const Call& call, std::string_view payload) {
  put({"PUB ", call.reply_to, size_, payload, "\r\n"});
}

size_t NatsLink::received(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  for (;;) {
    const size_t end = rest.find("\r\n");
    if (end == rest.npos) break;
    const std::string_view line = rest.substr(0, end);
    NatsHead head;
    if (!read_nats_head(line, head)) {
      rest.remove_prefix(end + 2);
      handle_line(line);
      continue;
    }
    const size_t whole = end + 2 + head.size + 2;
    if (rest.size() < whole) break;
    handle_message(head.subject, head.subscription, head.reply_to, rest.substr(end + 2, head.size));
    rest.remove_prefix(whole);
  }
  return size - rest.size();
}

void NatsLink::handle_line(std::string_view line) {
  if (line.starts_with("PING")) {
    put({"PONG\r\n"});
  } else if (line.starts_with("PONG")) {
    joined_ = true;
    --waiting_;
  } else if (line.starts_with("-ERR")) {
    throw Failure("nats-server: " + std::string(line));
  }
}

void NatsLink::handle_message(std::string_view subject, uint64_t subscription,
                              std::string_view reply_to, std::string_view payload) {
  if (subscription > uses_.size()) throw Failure("nats-server: message for nobody");
  switch (uses_[subscription - 1]) {
    case Use::kEvents:
      events_.on_event(*this, payload);
      break;
    case Use::kCalls:
      events_.on_call(*this, {0, reply_to, payload});
      break;
    case Use::kResults:
      events_.on_result(*this, read_number(subject.substr(inbox_.size())), payload, true);
      break;
  }
}

}  // namespace bench
