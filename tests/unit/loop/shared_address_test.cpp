// T-63: several listeners at one address, told apart by a connection's first bytes.
#include <atomic>
#include <mutex>

#include "tests/unit/loop/tls_client.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

// A listener for connections that begin with its word. Says its name when it gets one, and echoes.
struct Member {
  explicit Member(std::string a_word) : word(std::move(a_word)) {}

  static uint32_t recognize(void* user, const uint8_t* data, uint64_t size) {
    auto& self = *static_cast<Member*>(user);
    ++self.asked;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (bytes.substr(0, self.word.size()) == self.word) return self.answer;
    return self.word.starts_with(bytes) ? NX_RECOGNIZE_MORE : self.otherwise;
  }
  static const nx_stream_handler kHandler;

  const std::string word;
  std::string name = "<" + word + ">";
  uint32_t answer = NX_RECOGNIZE_EXACT;
  uint32_t otherwise = NX_RECOGNIZE_NO;
  bool refuses = false;
  std::mutex mutex;
  std::string peer;
  std::string binding;
  std::atomic<uint32_t> asked{0};
  std::atomic<uint32_t> accepted{0};
  std::unique_ptr<Listener> listener;
};

const nx_stream_handler Member::kHandler = {
    sizeof(nx_stream_handler),
    0,
    [](void* user, nx_stream* stream, const nx_stream_info* info) -> void* {
      auto& self = *static_cast<Member*>(user);
      {
        const std::lock_guard lock(self.mutex);
        self.peer = to_view(info->address);
        self.binding = as_text(info->tls_exporter);
      }
      ++self.accepted;
      if (self.refuses) return nullptr;
      const nx_bytes hello = to_nx(as_bytes(self.name));
      Stream::of(stream).write(&hello, 1, nullptr);
      return stream;
    },
    [](void* connection, uint8_t* data, uint64_t size) -> uint64_t {
      const nx_bytes part{data, size};
      static_cast<Stream*>(static_cast<nx_stream*>(connection))->write(&part, 1, nullptr);
      return size;
    },
    [](void*) {},
    [](void*) {},
    [](void*, uint32_t, nx_str) {},
    nullptr,
    &Member::recognize,
};

struct Place {
  Place() {
    options.address = "unix:" + folder.path("s");
    harness.log = std::make_unique<Log>(harness.log_options);
  }
  ~Place() { harness.group->stop(); }

  Status open(Member& member) { return open(member, options, member.word); }
  Status open(Member& member, ListenOptions with, std::string takes) {
    with.shares_as = std::move(takes);
    auto opened = Listener::open(*harness.group, with, &Member::kHandler, &member,
                                 harness.log.get(), "member " + member.word);
    if (!opened) return opened.status();
    member.listener = std::move(opened).value();
    return {};
  }
  std::string talk(std::string_view bytes, size_t answer) {
    Client client(options.address);
    REQUIRE(client.connected());
    client.send(bytes);
    return client.receive(answer);
  }

  TempFolder folder;
  Harness harness{2};
  ListenOptions options;
};

}  // namespace

TEST_CASE("T-63: the first bytes choose the listener, which gets them all") {
  Place place;
  Member one("one"), two("two");
  REQUIRE(place.open(one));
  REQUIRE(place.open(two));
  CHECK(two.listener->addresses() == one.listener->addresses());
  for (int i = 0; i < 5; ++i) {
    CHECK(place.talk("one 1", 10) == "<one>one 1");
    CHECK(place.talk("two 22", 11) == "<two>two 22");
  }
  CHECK(one.accepted == 5);
  CHECK(two.accepted == 5);
  const std::lock_guard lock(two.mutex);
  CHECK(two.peer == place.options.address);
}

TEST_CASE("T-63: one byte at a time, and an end right behind the bytes") {
  Place place;
  Member one("one"), two("onions");
  REQUIRE(place.open(one));
  REQUIRE(place.open(two));
  Client slow(place.options.address);
  const std::string word = "onions!";
  for (size_t i = 0; i < word.size(); ++i) {
    const uint32_t asked = one.asked + two.asked;
    slow.send(word.substr(i, 1));
    if (i < 6)
      place.harness.wait([&] { return one.asked + two.asked > asked; }, "the byte to be looked at");
  }
  CHECK(slow.receive(15) == "<onions>onions!");
  Client quick(place.options.address);
  quick.send("one");
  quick.half_close();
  CHECK(quick.receive_all() == "<one>one");
}

TEST_CASE("T-63: nobody's bytes, and none at all, end the connection") {
  Place place;
  place.options.recognize_timeout_ms = 50;
  Member one("one"), two("two");
  REQUIRE(place.open(one));
  REQUIRE(place.open(two));
  CHECK(place.talk("three", 1).empty());
  CHECK_THAT(place.harness.log_text(), Catch::Contains("of no protocol that is served here"));
  Client silent(place.options.address);
  CHECK(silent.receive_all().empty());
  Client half(place.options.address);
  half.send("o");
  CHECK(half.receive_all().empty());
  CHECK(one.accepted + two.accepted == 0);
  place.harness.wait([&] { return place.harness.loop().connections == 0; }, "an empty loop");
}

TEST_CASE("T-63: behind TLS the decrypted bytes decide") {
  Place place;
  const Identity authority = make_identity(place.folder, "authority", nullptr, true);
  const Identity server = make_identity(place.folder, "server", &authority);
  place.options.tls.certificate = server.certificate_file;
  place.options.tls.key = server.key_file;
  Member one("one"), two("two");
  REQUIRE(place.open(one));
  REQUIRE(place.open(two));
  TlsClient client(place.options.address);
  REQUIRE(client.connected());
  REQUIRE(client.send("t"));
  place.harness.wait([&] { return two.asked > 0; }, "the byte to be looked at");
  REQUIRE(client.send("wo"));
  CHECK(client.receive(8) == "<two>two");
  {
    const std::lock_guard lock(two.mutex);
    CHECK(two.binding == client.exporter());
  }
  CHECK(place.talk("one one one", 1).empty());  // no TLS
  CHECK(one.accepted == 0);
}

TEST_CASE("T-63: the highest answer wins, and then who came first") {
  Place place;
  Member one("x"), two("xy"), three("xyz");
  one.answer = NX_RECOGNIZE_FITS;
  three.answer = NX_RECOGNIZE_FITS;
  one.otherwise = three.otherwise = NX_RECOGNIZE_WRONG;
  REQUIRE(place.open(one));
  REQUIRE(place.open(three));
  REQUIRE(place.open(two));
  CHECK(place.talk("xyz", 7) == "<xy>xyz");
  CHECK(place.talk("x--", 6) == "<x>x--");
  CHECK(place.talk("---", 6) == "<x>---");
}

TEST_CASE("T-63: who is alone is not asked, and others may leave") {
  Place place;
  Member one("one"), two("two");
  REQUIRE(place.open(one));
  CHECK(place.talk("two", 8) == "<one>two");
  REQUIRE(place.open(two));
  CHECK(place.talk("two", 8) == "<two>two");
  const uint32_t asked = one.asked;
  CHECK(asked > 0);
  one.listener->close();
  CHECK(place.talk("one", 8) == "<two>one");
  CHECK(one.asked == asked);
  two.listener->close();
  CHECK_FALSE(Client(place.options.address).connected());
  // And again from the beginning.
  REQUIRE(place.open(one));
  CHECK(place.talk("two", 8) == "<one>two");
}

TEST_CASE("T-63: what cannot be shared says why") {
  Place place;
  Member one("one"), two("two");
  REQUIRE(place.open(one));
  Status status = place.open(two, place.options, "one");
  CHECK_THAT(status.text(), Catch::Contains("member one") && Catch::Contains("already takes one"));
  ListenOptions other = place.options;
  other.socket.keepalive_s = 77;
  status = place.open(two, other, "two");
  CHECK_THAT(status.text(), Catch::Contains("member one") && Catch::Contains("tcp_keepalive"));
  status = place.open(two, place.options, "");
  CHECK_THAT(status.text(), Catch::Contains(place.options.address));
  CHECK(status.code() != NX_OK);
  CHECK(place.talk("two", 8) == "<one>two");
  // Port 0 is another port each time.
  ListenOptions tcp;
  tcp.address = "127.0.0.1:0";
  Member three("three"), four("four");
  REQUIRE(place.open(three, tcp, "three"));
  REQUIRE(place.open(four, tcp, "four"));
  CHECK(three.listener->addresses() != four.listener->addresses());
}

TEST_CASE("T-63: limits hold before and after a connection is recognized") {
  Place place;
  place.options.max_unrecognized = 1;
  Member one("one"), two("two");
  REQUIRE(place.open(one));
  ListenOptions limited = place.options;
  limited.max_connections = 1;
  REQUIRE(place.open(two, limited, "two"));
  Client first(place.options.address), second(place.options.address);
  first.send("o");
  second.send("o");
  place.harness.wait([&] { return one.asked >= 2; }, "both to be looked at");
  Client refused(place.options.address);
  CHECK(refused.receive_all().empty());  // nobody waits for its bytes
  first.send("ne");
  CHECK(first.receive(8) == "<one>one");
  Client third(place.options.address);
  third.send("two");
  CHECK(third.receive(8) == "<two>two");
  CHECK(place.talk("two", 1).empty());
  CHECK(two.accepted == 1);
}

TEST_CASE("T-63: a proxy's header comes first, and its clients are counted for all listeners") {
  Place place;
  place.options.trusted_proxies = "unix";
  place.options.proxy_protocol = true;
  place.options.max_per_address = 2;
  Member one("one"), two("two");
  REQUIRE(place.open(one));
  REQUIRE(place.open(two));
  const std::string header = "PROXY TCP4 192.0.2.1 198.51.100.1 5123 443\r\n";
  Client first(place.options.address), second(place.options.address);
  first.send(header + "one");
  CHECK(first.receive(8) == "<one>one");
  second.send(header + "two");
  CHECK(second.receive(8) == "<two>two");
  {
    const std::lock_guard lock(two.mutex);
    CHECK(two.peer == "192.0.2.1:5123");
  }
  Client third(place.options.address);
  third.send(header + "two");
  third.end();
  CHECK(two.accepted == 1);
  CHECK(place.talk("PROXY TCP4 192.0.2.2 198.51.100.1 5123 443\r\ntwo", 8) == "<two>two");

  ListenOptions other = place.options;
  other.trusted_proxies = "";
  other.proxy_protocol = false;
  Member three("three");
  CHECK_THAT(place.open(three, other, "three").text(), Catch::Contains("trusted_proxies"));
}

TEST_CASE("T-63: a listener that drops what it was given") {
  Place place;
  Member one("one"), two("two");
  two.refuses = true;
  REQUIRE(place.open(one));
  REQUIRE(place.open(two));
  CHECK(place.talk("two", 1).empty());
  CHECK(two.accepted == 1);
  CHECK(place.talk("one", 8) == "<one>one");
}

TEST_CASE("T-63: connections that nobody has recognized end with the router") {
  Place place;
  Member one("one"), two("two");
  REQUIRE(place.open(one));
  REQUIRE(place.open(two));
  Client waiting(place.options.address);
  waiting.send("o");
  place.harness.wait([&] { return one.asked > 0; }, "the byte to be looked at");
  one.listener->close();
  two.listener->close();
  place.harness.group->stop();
  CHECK(waiting.receive_all().empty());
}
