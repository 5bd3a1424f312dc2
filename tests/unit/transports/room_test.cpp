// How large a message may be before its session is established (S-06): transports ask before they
// make room, so that a stranger cannot make the router buffer much.
#include <catch2/catch.hpp>

#include "rawsocket_peer.hpp"
#include "websocket_peer.hpp"

using namespace transports_test;

namespace {

struct Binary : WebSocketRig {
  Binary() : WebSocketRig(R"({"listen":":0"})") { open("wamp.2.cbor"); }
};

}  // namespace

TEST_CASE("S-06: what the router has no room for yet ends the connection at its header") {
  {
    Binary rig;
    rig.host.message_limit_now = 5000;
    rig.feed(frame(2, std::string(5000, 'm')));
    CHECK(rig.session().messages.size() == 1);
    rig.feed(frame(2, std::string(5001, 'm')).substr(0, 8));
    CHECK(rig.failed_with(1009));
    CHECK(rig.session().closed_reason == NX_CLOSED_TOO_LARGE);
  }
  {  // fragments are added up
    Binary rig;
    rig.host.message_limit_now = 5000;
    rig.feed(frame(2, std::string(3000, 'm'), 0) + frame(0, std::string(2001, 'm')).substr(0, 8));
    CHECK(rig.failed_with(1009));
  }
  {  // the HELLO before it in the same packet makes it welcome
    Binary rig;
    rig.host.message_limit_now = 1000;
    rig.session().take = [&rig](nx_session&, const nx_bytes*, uint32_t count) {
      rig.host.message_limit_now = UINT64_MAX;
      return count;
    };
    rig.feed(frame(2, "[1]") + frame(2, std::string(5000, 'm')));
    CHECK(rig.session().messages.size() == 2);
  }
}

TEST_CASE("S-06: a frame that the router has no room for yet ends the connection at its header") {
  for (const int type : {0, 1}) {  // messages, and pings as well
    RawSocketRig rig;
    rig.open();
    rig.host.message_limit_now = 5000;
    rig.feed(raw_frame(0, std::string(5000, 'm')));
    CHECK(rig.session().messages.size() == 1);
    rig.feed(raw_frame(type, std::string(5001, 'm')).substr(0, 4));
    CHECK(rig.session().closed_reason == NX_CLOSED_TOO_LARGE);
  }
  // What comes before it in the same packet is told first, and may make it welcome.
  RawSocketRig rig;
  rig.open();
  rig.host.message_limit_now = 1000;
  rig.session().take = [&rig](nx_session&, const nx_bytes*, uint32_t count) {
    rig.host.message_limit_now = UINT64_MAX;
    return count;
  };
  rig.feed(raw_frame(0, "[1]") + raw_frame(0, std::string(5000, 'm')));
  CHECK(rig.session().messages.size() == 2);
  CHECK(rig.session().closed == 0);
}
