// URI rules, and matching of one URI against one pattern.
#include "kernel/message/uri.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace nexus;

TEST_CASE("U-10: loose URIs refuse white space, '#' and empty components") {
  for (const char* good : {"a", "com.example.topic", "com.Ex-ample.t!", "com.\xc3\xa4.x", "1.2"}) {
    INFO(good);
    CHECK(valid_uri(good, UriCheck::loose));
  }
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "a b", "a#b", "a.\tb", "a\n", "com..x"}) {
    INFO(bad);
    CHECK_FALSE(valid_uri(bad, UriCheck::loose));
  }
}

TEST_CASE("U-10: strict URIs know lower case, digits and underscore only") {
  CHECK(valid_uri("com.my_app.topic1", UriCheck::strict));
  for (const char* bad : {"Com.x", "com.my-app", "com.\xc3\xa4", "com.x!"}) {
    INFO(bad);
    CHECK_FALSE(valid_uri(bad, UriCheck::strict));
  }
}

TEST_CASE("U-11: prefixes may end in an empty component, wildcards may have them anywhere") {
  CHECK(valid_uri("com.example.", UriCheck::loose, Match::prefix));
  CHECK(valid_uri("", UriCheck::loose, Match::prefix));
  CHECK_FALSE(valid_uri("com..x", UriCheck::loose, Match::prefix));
  CHECK_FALSE(valid_uri(".x", UriCheck::loose, Match::prefix));
  for (const char* good : {"com..x", "..x", "a..", "a.b.", ".", ".."}) {
    INFO(good);
    CHECK(valid_uri(good, UriCheck::loose, Match::wildcard));
  }
  CHECK_FALSE(valid_uri("", UriCheck::loose, Match::wildcard));
}

TEST_CASE("U-12: a URI has at most 1024 bytes") {
  CHECK(valid_uri(std::string(1024, 'a'), UriCheck::loose));
  CHECK_FALSE(valid_uri(std::string(1025, 'a'), UriCheck::loose));
}

TEST_CASE("U-14: wamp is reserved as a component, not as a prefix of bytes") {
  CHECK(reserved_uri("wamp"));
  CHECK(reserved_uri("wamp.session.count"));
  CHECK_FALSE(reserved_uri("wampy.x"));
  CHECK_FALSE(reserved_uri("com.wamp.x"));
}

TEST_CASE("P-16, P-17: a URI under a prefix or a wildcard") {
  CHECK(uri_matches("com.myapp.topic.emergency-low", "com.myapp.topic.emergency", Match::prefix));
  CHECK(uri_matches("com.myapp.topic.emergency.11", "com.myapp.topic.emergency", Match::prefix));
  CHECK_FALSE(uri_matches("com.myapp.topic", "com.myapp.topic.emergency", Match::prefix));
  CHECK(uri_matches("anything", "", Match::prefix));
  CHECK(uri_matches("com.myapp.foo.userevent", "com.myapp..userevent", Match::wildcard));
  CHECK_FALSE(uri_matches("com.myapp.foo.bar.userevent", "com.myapp..userevent", Match::wildcard));
  CHECK_FALSE(uri_matches("com.myapp.foo", "com.myapp..userevent", Match::wildcard));
  CHECK(uri_matches("a.b.c", "..c", Match::wildcard));
  CHECK(uri_matches("a.b.c", "a..", Match::wildcard));
  CHECK_FALSE(uri_matches("a.b", "a..", Match::wildcard));
}
