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

TEST_CASE("U-13: what is said of a URI names it, and the rule that it breaks") {
  struct Row {
    std::string uri;
    UriCheck check;
    Match match;
    std::string text;
  };
  constexpr UriCheck loose = UriCheck::loose, strict = UriCheck::strict;
  const std::string only_wildcard =
      " has an empty component, which only a pattern with match wildcard may have";
  const Row rows[] = {
      {"", loose, Match::exact, "a URI must not be empty"},
      {"com..a", loose, Match::exact, "\"com..a\"" + only_wildcard},
      {"com.", loose, Match::exact, "\"com.\"" + only_wildcard},
      {".com", loose, Match::prefix,
       "\".com\" has an empty component, which with match prefix only the last one may be"},
      {"com a", loose, Match::exact, "\"com a\" has a space in it (byte 3)"},
      {"com#", loose, Match::wildcard, "\"com#\" has a # in it (byte 3)"},
      {"c\tm", loose, Match::exact,
       "\"c\tm\" has white space or a control character in it (byte 1)"},
      {"com.Ab", strict, Match::exact,
       "\"com.Ab\" has \"A\" in it (byte 4); this realm takes lower-case letters, digits, _ and "
       "dots only"},
      {"com.\xc3\xa4", strict, Match::exact,
       "\"com.\xc3\xa4\" has \"\xc3\xa4\" in it (byte 4); this realm takes lower-case letters, "
       "digits, _ and dots only"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.uri);
    CHECK_FALSE(valid_uri(row.uri, row.check, row.match));
    CHECK(uri_mistake(row.uri, row.check, row.match) == row.text);
  }
  // Bounded, however long it is.
  const std::string much(5000, 'a');
  CHECK(uri_mistake(much, loose) ==
        "\"" + much.substr(0, kShownUri) + "…\" has 5000 bytes, a URI has at most 1024");
  CHECK(reserved_mistake("wamp." + much).size() < 200);
}
