// Statistics, addresses, results and the loop; see selftest.hpp. The expected values come from the
// definitions, not from running the code.
#include "bench/selftest.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "bench/address.hpp"
#include "bench/engine.hpp"
#include "bench/error.hpp"
#include "bench/link.hpp"
#include "bench/report.hpp"
#include "bench/stats.hpp"

namespace bench {

void Checks::expect(bool condition, const char* what, int line) {
  ++made_;
  if (condition) return;
  ++failed_;
  std::fprintf(stderr, "selftest:%d: failed: %s\n", line, what);
}

void Checks::equal(const std::string& got, const std::string& wanted, const char* what, int line) {
  expect(got == wanted, what, line);
  if (got == wanted) return;
  for (const std::string* text : {&got, &wanted}) {
    std::fputs(text == &got ? "  got    " : "  wanted ", stderr);
    for (const char c : *text) std::fprintf(stderr, "%02x ", static_cast<unsigned char>(c));
    std::fputs("\n", stderr);
  }
}

namespace {

bool close_to(uint64_t got, double wanted) {
  return std::fabs(static_cast<double>(got) - wanted) <= wanted / 100 + 1;
}

// Messages of ten bytes; what arrives is kept.
class TenBytes : public Socket {
 public:
  using Socket::Socket;
  std::string seen;
  int messages = 0;
  bool was_lost = false;

 protected:
  size_t received(const uint8_t* data, size_t size) override {
    const size_t used = size / 10 * 10;
    seen.append(reinterpret_cast<const char*>(data), used);
    messages += static_cast<int>(used / 10);
    return used;
  }
  void lost() override { was_lost = true; }
};

bool parses(const char* url, Carrier carrier, const char* host, uint16_t port, const char* path) {
  Address a;
  return parse_url(url, a) && a.carrier == carrier && a.host == host && a.port == port &&
         a.path == path;
}

void check_addresses(Checks& checks) {
  EXPECT(parses("ws://127.0.0.1:43211/", Carrier::kWebsocket, "127.0.0.1", 43211, "/"));
  EXPECT(parses("ws://[::1]:80", Carrier::kWebsocket, "::1", 80, "/"));
  EXPECT(parses("ws://host:8080/ws", Carrier::kWebsocket, "host", 8080, "/ws"));
  EXPECT(parses("rs://127.0.0.1:43213", Carrier::kRawsocket, "127.0.0.1", 43213, ""));
  EXPECT(parses("rs+unix:///tmp/x", Carrier::kUnix, "", 0, "/tmp/x"));
  EXPECT(parses("rs+unix:/tmp/x", Carrier::kUnix, "", 0, "/tmp/x"));
  EXPECT(parses("unix:/tmp/x", Carrier::kUnix, "", 0, "/tmp/x"));
  EXPECT(parses("unix:@x", Carrier::kUnix, "", 0, "@x"));
  Address a;
  for (const char* bad : {"", "ws://", "ws://host/", "ws://host:/", "ws://host:70000/", "rs://:0",
                          "http://host:80/", "unix:"})
    EXPECT(!parse_url(bad, a));
  EQUAL(std::string(find_url("listening on ws://127.0.0.1:1/")), "ws://127.0.0.1:1/");
  EQUAL(std::string(find_url("raw: rs://127.0.0.1:2, 3 more")), "rs://127.0.0.1:2");
  EQUAL(std::string(find_url("at rs+unix:///tmp/x")), "rs+unix:///tmp/x");
  EQUAL(std::string(find_url("listening on rs+unix:/tmp/x\n")), "rs+unix:/tmp/x");
  EQUAL(std::string(find_url("no address here")), "");
}

}  // namespace

void check_statistics(Checks& checks) {
  Histogram h;
  EXPECT(h.percentile(0.5) == 0);
  for (uint64_t n = 1; n <= 1000; ++n) h.record(n * 1000);
  EXPECT(h.count() == 1000 && h.max() == 1000000);
  EXPECT(close_to(h.percentile(0.5), 500e3));
  EXPECT(close_to(h.percentile(0.9), 900e3));
  EXPECT(close_to(h.percentile(0.99), 990e3));
  EXPECT(h.percentile(1) == 1000000);
  Histogram small;  // below 128 every value has a bucket of its own
  for (uint64_t n = 0; n < 128; ++n) small.record(n);
  EXPECT(small.percentile(0.5) == 63 && small.percentile(0.25) == 31);
  Histogram wide;
  for (const uint64_t ns : {uint64_t{3}, uint64_t{4000000000}, UINT64_MAX}) wide.record(ns);
  EXPECT(wide.percentile(0.3) == 3 && close_to(wide.percentile(0.6), 4e9));
  EXPECT(wide.max() == UINT64_MAX);
  h.merge(small);
  EXPECT(h.count() == 1128 && h.max() == 1000000 && h.percentile(0.01) < 128);
  EXPECT(median({}) == 0 && median({7}) == 7 && median({9, 1, 5}) == 5 &&
         median({4, 1, 2, 9}) == 3);

  Reading one, two;
  one.operations = 1000, one.cpu_ns = 4000000, one.seconds = 2;
  two.operations = 2000, two.cpu_ns = 4000000, two.seconds = 2;
  const Summary s = summarize({one, two, one});
  EXPECT(s.cpu_us == 4 && s.cpu_us_min == 2 && s.cpu_us_max == 4 && s.per_second == 500);
  EXPECT(s.user_share < 0);

  EQUAL(json_string("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
  EQUAL(json_number(0.125), "0.125");
  EQUAL(json_number(12345678), "12345678");
  EQUAL(json_number(0.0 / 0.0 * 1), "null");
  check_addresses(checks);
}

void check_engine(Checks& checks) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0) fail_errno("socketpair");
  Engine engine;
  TenBytes left(engine, fds[0]), right(engine, fds[1]);
  const std::string text = "0123456789abcdefghijABCDEFGHIJ";
  for (const char c : text) {  // one byte in each turn: every message arrives in ten pieces
    left.out().append(&c, 1);
    engine.turn(0);
  }
  engine.run_until([&] { return right.messages == 3; }, 1);
  EQUAL(right.seen, text);

  right.set_reading(false);  // more than the kernel takes at once, while nobody reads
  std::string much(3000000, 'x');
  left.out().append(much.data(), much.size());
  for (int i = 0; i < 5; ++i) engine.turn(0);
  EXPECT(right.messages == 3);
  right.set_reading(true);
  right.seen.clear();
  EXPECT(engine.run_until([&] { return right.seen.size() == much.size(); }, 5));
  EXPECT(right.seen == much);

  left.close("test");
  EXPECT(engine.run_until([&] { return right.was_lost; }, 1));
  EXPECT(!right.open() && !left.was_lost);
}

int selftest() {
  Checks checks;
  check_statistics(checks);
  check_formats(checks);
  check_framing(checks);
  check_engine(checks);
  std::printf("selftest: %d checks, %d failed\n", checks.made(), checks.failed());
  return checks.failed() ? 1 : 0;
}

}  // namespace bench
