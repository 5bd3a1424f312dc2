#include "plugins/transports/longpoll/connection.hpp"

#include <algorithm>
#include <utility>

#include "plugins/support/forwarded.hpp"
#include "plugins/support/http_message.hpp"
#include "plugins/support/text.hpp"

namespace nexus::longpoll {

using support::HttpRequest;
using support::printable;
using support::to_str;

namespace {

constexpr uint64_t kSmallBody = 1024;  // of requests that have none
// Up to here the time between two requests is enough to read an answer.
constexpr uint64_t kShortAnswer = 16 << 10;
constexpr std::string_view kText = "text/plain; charset=utf-8";

// "192.0.2.1" of "192.0.2.1:5123"; what has no port stays as it is.
std::string host_of(const support::PeerInfo& peer) {
  const bool has_port = (peer.stream_flags & NX_STREAM_UNIX) == 0;
  return has_port ? peer.address.substr(0, peer.address.rfind(':')) : peer.address;
}

bool printable_header(std::string_view value) {
  for (const char c : value) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return value.size() <= 1024;
}

}  // namespace

Connection::Connection(Listener& listener, nx_stream* stream, const nx_stream_info& info,
                       bool over_limit)
    : listener_(listener),
      hub_(listener.hub),
      stream_(stream),
      peer_(info, listener.services.values),
      from_(peer_.address),
      flags_(peer_.stream_flags),
      host_(host_of(peer_)),
      details_(listener.services.values, nullptr),
      over_limit_(over_limit),
      loopback_(support::on_loopback(listener.options.address, peer_.local_address)) {
  number_ = hub_->add(*this);
}

Connection::~Connection() {
  hub_->forget(number_);
  listener_.release();
}

// ---- from the stream ---------------------------------------------------------------------------

uint64_t Connection::received(uint8_t* data, uint64_t size) {
  uint64_t used = 0;
  while (used < size) {
    if (state_ == State::kDone) return size;
    if (state_ == State::kWaiting) break;
    // Empty lines between requests are nobody's request: they start no deadline, and move none.
    if (state_ == State::kHead && scan_.at == 0) {
      used += support::empty_lines(data + used, size - used);
      if (used == size || (size - used == 1 && data[used] == '\r')) break;
    }
    if (!timing_) {
      timing_ = true;
      transfer_ = false;
      asked_ms_ = now_ms();
      set_deadline(config().request_timeout_ms);
    }
    if (state_ == State::kHead) {
      const uint64_t step = read_head(data + used, size - used);
      if (step == 0) break;
      used += step;
      continue;
    }
    used += body_.add(data + used, size - used);
    if (body_.state() != Body::kIncomplete) run();
  }
  if (state_ == State::kWaiting) read(false);
  return state_ == State::kDone ? size : used;
}

void Connection::drained() {
  if (writing_) written();
}

void Connection::closed() {
  if (delivering_ != nullptr) hub_->acknowledge(std::move(delivering_), Delivery::kLost);
  if (polling_) hub_->to_session(exchange(Action::kGone));
}

// ---- a request ---------------------------------------------------------------------------------

uint64_t Connection::read_head(const uint8_t* data, uint64_t size) {
  switch (scan_.scan(data, size, config().max_header_size)) {
    case support::HeadScan::kIncomplete:
      return 0;
    case support::HeadScan::kTooLarge:
      refuse(scan_.too_large_status(data), "the request's head is larger than max_header_size");
      return size;
    case support::HeadScan::kBroken:
      refuse(400, std::string("this is no valid HTTP request: ") + scan_.error);
      return size;
    case support::HeadScan::kComplete:
      break;
  }
  const uint64_t head_size = scan_.at;
  HttpRequest request;
  const char* error =
      request.parse(std::string_view(reinterpret_cast<const char*>(data), head_size));
  head_only_ = request.method == "HEAD";
  if (error != nullptr) {
    refuse(request.error_status, std::string("this is no valid HTTP request: ") + error);
    return size;
  }
  begin_request(request);
  return head_size;
}

void Connection::begin_request(const HttpRequest& request) {
  origin_.clear();
  preflight_ = false;
  outgoing_ = false;
  min_rate_ = 0;
  target_ = Target::kNone;
  old_http_ = request.old();
  keep_alive_ = !request.has_token("connection", "close") &&
                (!old_http_ || request.has_token("connection", "keep-alive"));
  std::string text;
  find_client(request);
  if (const int status = judge(request, text); status != 0) return refuse(status, text);
  read_body(request);
}

// A trusted proxy may bring the requests of several clients over one connection.
void Connection::find_client(const HttpRequest& request) {
  if ((peer_.stream_flags & NX_STREAM_TRUSTED_PROXY) == 0) return;
  const std::string_view client =
      support::forwarded_client(request, [this](std::string_view address) {
        return streams().is_trusted_proxy(stream_, to_str(address)) != 0;
      });
  peer_.address = from_;
  peer_.stream_flags = flags_;
  if (!client.empty()) peer_.set_client(client);
  host_ = client.empty() ? host_of(peer_) : peer_.address;
}

// What is wrong with a request whatever its body is: the status, or 0. Such a connection is closed,
// since nobody knows where the next request begins, or what the client is about.
int Connection::judge(const HttpRequest& request, std::string& text) {
  if (const support::HttpFault fault = support::http_fault(request); fault.status != 0) {
    text = fault.text;
    return fault.status;
  }
  if (over_limit_) {
    text = "this listener has as many connections as it may have";
    return 503;
  }
  const std::string_view origin = request.find("origin");
  if (request.count("origin") > 1 || !printable_header(origin)) {
    text = "one Origin header at the most";
    return 400;
  }
  const bool trusted = (flags_ & NX_STREAM_TRUSTED_PROXY) != 0;
  text = config().pages.refusal(request, loopback_, trusted);
  if (!text.empty()) return 403;
  origin_ = origin;
  if (request.count("expect") != 0 &&
      (request.count("expect") > 1 ||
       !support::equal_ignoring_case(request.find("expect"), "100-continue"))) {
    text = "nothing but 100-continue can be expected";
    return 417;
  }
  if (request.path == "*") {
    text = "asked what is allowed here";
    return 204;
  }
  find_target(request.path);
  if (target_ == Target::kNone) {
    // Not which path: it may hold the id of a session, and this goes to the log.
    text = "there is nothing at this path; clients POST to " + config().path + "/open";
    return 404;
  }
  preflight_ = request.method == "OPTIONS";
  if (request.method != "POST" && !preflight_) {
    text = "everything here is a POST";
    return 405;
  }
  return 0;
}

void Connection::find_target(std::string_view path) {
  const std::string& base = config().path;
  if (path.substr(0, base.size()) != base || path.size() <= base.size() ||
      path[base.size()] != '/') {
    return;
  }
  path.remove_prefix(base.size() + 1);
  if (path == "open") {
    target_ = Target::kOpen;
    return;
  }
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos || !Token::parse(path.substr(0, slash), token_)) return;
  const std::string_view action = path.substr(slash + 1);
  if (action == "receive") target_ = Target::kReceive;
  if (action == "send") target_ = Target::kSend;
  if (action == "close") target_ = Target::kClose;
}

void Connection::read_body(const HttpRequest& request) {
  // A counted batch of one message as large as may be has its count in front.
  const uint64_t limit = preflight_                 ? kSmallBody
                         : target_ == Target::kSend ? hub_->max_message_size + sizeof(uint32_t)
                         : target_ == Target::kOpen ? config().max_header_size
                                                    : kSmallBody;
  switch (body_.begin(request, limit)) {
    case Body::kBroken:
      return refuse(400, std::string("this is no valid HTTP request: ") + body_.error());
    case Body::kTooLarge:
      return too_large();
    case Body::kUnknownCoding:
      return refuse(501, "the only Transfer-Encoding that is known here is chunked");
    case Body::kIncomplete:
    case Body::kComplete:
      break;
  }
  if (preflight_) asked_headers_ = request.find("access-control-request-headers");
  if (preflight_ && !printable_header(asked_headers_)) asked_headers_.clear();
  if (target_ == Target::kOpen) {
    support::DictBuilder details(hub_->services.values);
    support::add_http_details(request, details);
    peer_.add_details(details);
    details_ = details.take();
  }
  state_ = State::kBody;
  if (body_.state() == Body::kComplete) return run();
  if (target_ == Target::kSend) {
    const uint64_t spent = std::min<uint64_t>(now_ms() - asked_ms_, config().request_timeout_ms);
    begin_transfer(config().request_timeout_ms - spent);
  }
  if (request.count("expect") != 0 && !old_http_) {
    const nx_bytes go_on = support::to_bytes("HTTP/1.1 100 Continue\r\n\r\n");
    streams().write(stream_, &go_on, 1, nullptr);
  }
}

// The request is here, or will never be.
void Connection::run() {
  if (body_.state() == Body::kTooLarge) return too_large();
  if (body_.state() == Body::kBroken) {
    return refuse(400, std::string("this is no valid HTTP request: ") + body_.error());
  }
  state_ = State::kWaiting;
  timing_ = transfer_ = false;
  set_deadline(0);
  if (preflight_) return respond(204, {});
  if (target_ == Target::kOpen) return open();
  std::unique_ptr<Exchange> request = exchange(target_ == Target::kSend    ? Action::kSend
                                               : target_ == Target::kClose ? Action::kClose
                                                                           : Action::kReceive);
  request->body = body_.take();
  polling_ = target_ == Target::kReceive;
  hub_->to_session(std::move(request));
}

std::unique_ptr<Exchange> Connection::exchange(Action action) const {
  auto made = std::make_unique<Exchange>();
  made->hub = hub_;
  made->action = action;
  made->token = token_;
  made->loop = hub_->here();
  made->connection = number_;
  made->host = host_;
  return made;
}

// As with every transport, a message that cannot be taken ends the session (T-27).
void Connection::too_large() {
  if (target_ == Target::kSend) hub_->to_session(exchange(Action::kTooLarge));
  refuse(413, "the request's body is too large");
}

// POST <path>/open: {"protocols": ["wamp.2.json", …]} (T-40).
void Connection::open() {
  const nx_host_values_v1& values = *hub_->services.values;
  const std::string body = body_.take();
  nx_error error{};
  error.struct_size = sizeof(error);
  nx_value* parsed = nullptr;
  if (values.from_json(to_str(body), &parsed, &error) != NX_OK) {
    return respond(400, "the body is no JSON; it should be {\"protocols\": [\"wamp.2.json\"]}");
  }
  const support::ValueRef request(&values, parsed);
  const nx_value* list = values.get(request.get(), to_str("protocols"));
  std::vector<std::string> offered;
  for (uint64_t i = 0; list != nullptr && i < values.size(list); ++i) {
    offered.emplace_back(support::to_view(values.as_string(values.at(list, i))));
  }
  if (list == nullptr || values.kind(list) != NX_LIST) {
    return respond(400, "the list \"protocols\" is missing");
  }
  const Format format = hub_->choose(offered);
  if (format.serializer == nullptr) {
    return respond(400, "none of the protocols is known here");
  }
  std::string id;
  const int status = hub_->open(format, peer_.to_abi("longpoll", details_.get()), host_, id);
  details_ = support::ValueRef(&values, nullptr);
  if (status != 200) return respond(status, "the router takes no new sessions now");
  respond(200, "application/json; charset=utf-8",
          "{\"protocol\":\"" + format.protocol + "\",\"transport\":\"" + id + "\"}");
}

// ---- an answer ---------------------------------------------------------------------------------

void Connection::answer(std::unique_ptr<Exchange> exchange) {
  polling_ = false;
  if (state_ != State::kWaiting) {
    return hub_->acknowledge(std::move(exchange), Delivery::kUndelivered);
  }
  const int status = exchange->status;
  if (!exchange->carried.empty()) {
    const std::string content = std::move(exchange->content);
    const char* const type = exchange->content_type;
    delivering_ = std::move(exchange);
    return respond(status, type, content);
  }
  respond(status, status == 404   ? "there is no such session; open a new one"
                  : status == 400 ? "the router does not accept this message"
                  : status == 413 ? "a message is larger than max_message_size"
                  : status == 503 ? "too many requests wait in this session"
                                  : "");
}

// Leaves at once, so that it is known whether the socket has taken it.
void Connection::respond(int status, std::string_view content_type, std::string_view content) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " " + support::http_phrase(status);
  head += "\r\nCache-Control: no-store\r\n";
  if (!origin_.empty()) {
    head += "Access-Control-Allow-Origin: " + origin_ +
            "\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n";
  }
  if (preflight_) {
    head += "Access-Control-Allow-Methods: POST, OPTIONS\r\nAccess-Control-Max-Age: 600\r\n";
    if (!asked_headers_.empty()) head += "Access-Control-Allow-Headers: " + asked_headers_ + "\r\n";
  }
  if (status == 405 || (status == 204 && target_ == Target::kNone))
    head += "Allow: POST, OPTIONS\r\n";
  if (status == 503) head += "Retry-After: 10\r\n";
  if (!keep_alive_) {
    head += "Connection: close\r\n";
  } else if (old_http_) {
    head += "Connection: keep-alive\r\n";
  }
  if (status != 204) {
    if (!content.empty()) {
      head += "Content-Type: " + std::string(content_type.empty() ? kText : content_type) + "\r\n";
    }
    head += "Content-Length: " + std::to_string(content.size()) + "\r\n";
  } else {
    content = {};
  }
  head += "\r\n";
  if (head_only_) content = {};
  const nx_bytes parts[] = {support::to_bytes(head), support::to_bytes(content)};
  state_ = State::kWaiting;
  timing_ = transfer_ = false;
  writing_ = true;
  if (delivering_ != nullptr) {
    outgoing_ = true;
    answer_size_ = content.size();
    begin_ = position();
  }
  if (streams().write(stream_, parts, 2, nullptr) != NX_OK) return;  // closed() follows
  const int64_t left = streams().flush(stream_);
  if (left == 0) return written();
  if (left <= 0) return;
  set_deadline(config().request_timeout_ms);
  if (delivering_ != nullptr) begin_transfer(config().request_timeout_ms);
}

void Connection::refuse(int status, std::string_view text) {
  const bool own_rule = status == 403 || status == 404 || status == 503;
  const uint32_t level = own_rule ? NX_LOG_INFO : NX_LOG_DEBUG;
  if (listener_.services.logs(level)) {
    const std::string cause = peer_.address.substr(0, peer_.address.rfind(':')).append(text);
    listener_.services.limited_log(level, cause,
                                   "refused " + peer_.address + ": " + std::string(text));
  }
  keep_alive_ = false;
  respond(status, text);
}

void Connection::written() {
  writing_ = false;
  const bool long_answer = delivering_ != nullptr && (transfer_ || answer_size_ > kShortAnswer);
  if (delivering_ != nullptr) hub_->acknowledge(std::move(delivering_), Delivery::kTaken);
  if (!keep_alive_) return end(NX_CLOSE_FLUSH, NX_CLOSED_BY_ROUTER, "answered");
  next_request();
  if (!long_answer) return;
  // The socket has it all, but a slow client will be reading for a while before it asks again.
  uint64_t missing = 0;
  position(&missing);
  if (missing != 0) begin_transfer(config().request_timeout_ms);
}

void Connection::next_request() {
  state_ = State::kHead;
  timing_ = transfer_ = false;
  scan_ = support::HeadScan();
  set_deadline(config().http_keepalive_ms);
  read(true);
}

void Connection::read(bool on) {
  if (reads_ == on || state_ == State::kDone) return;
  reads_ = on;
  streams().set_reading(stream_, on ? 1 : 0);
}

void Connection::end(uint32_t how, uint32_t reason, std::string_view text) {
  state_ = State::kDone;
  if (how != NX_CLOSE_NOW && NX_HAS(&streams(), set_min_rate)) {
    streams().set_min_rate(stream_, min_rate_);
  }
  streams().close(stream_, how, reason, to_str(text));
}

// ---- thunks ------------------------------------------------------------------------------------

namespace {

constexpr std::string_view kNoMemory = "out of memory";

}  // namespace

const nx_stream_handler Connection::kHandler = {
    sizeof(nx_stream_handler),
    0,
    [](void* user, nx_stream* stream, const nx_stream_info* info) -> void* {
      auto& listener = *static_cast<Listener*>(user);
      bool over_limit = false;
      if (!listener.admit(&over_limit)) return nullptr;
      try {
        auto* const made = new Connection(listener, stream, *info, over_limit);
        made->set_deadline(listener.options.handshake_timeout_ms);
        return made;
      } catch (...) {
        listener.release();
        return nullptr;
      }
    },
    [](void* connection, uint8_t* data, uint64_t size) -> uint64_t {
      auto& self = *static_cast<Connection*>(connection);
      try {
        return self.received(data, size);
      } catch (...) {
        self.end(NX_CLOSE_NOW, NX_CLOSED_LOST, kNoMemory);
        return size;
      }
    },
    [](void* connection) {
      auto& self = *static_cast<Connection*>(connection);
      try {
        self.drained();
      } catch (...) {
        self.end(NX_CLOSE_NOW, NX_CLOSED_LOST, kNoMemory);
      }
    },
    [](void* connection) {
      auto& self = *static_cast<Connection*>(connection);
      try {
        self.deadline();
      } catch (...) {
        self.end(NX_CLOSE_NOW, NX_CLOSED_LOST, kNoMemory);
      }
    },
    [](void* connection, uint32_t, nx_str) {
      const std::unique_ptr<Connection> self(static_cast<Connection*>(connection));
      try {
        self->closed();
      } catch (...) {  // then the session finds out by its deadline
      }
    },
    nullptr,
    [](void* user, const uint8_t* data, uint64_t size) -> uint32_t {
      return static_cast<const Listener*>(user)->recognize(data, size);
    },
};

}  // namespace nexus::longpoll
