// Value and ValueBuilder: kinds, limits, equality, sharing between threads.
#include "kernel/base/value.hpp"

#include <catch2/catch.hpp>
#include <thread>

using namespace nexus;

namespace {

Value nested_list(uint32_t levels) {
  Value value = Value::list();
  for (uint32_t i = 1; i < levels; ++i) {
    Value outer = Value::list();
    if (!outer.append(std::move(value))) return {};
    value = std::move(outer);
  }
  return value;
}

Value sample() {
  Value list = Value::list();
  list.append(Value::null());
  list.append(Value::boolean(true));
  list.append(Value::integer(-7));
  list.append(Value::unsigned_integer(UINT64_MAX));
  list.append(Value::real(2.5));
  list.append(Value::string("text"));
  list.append(Value::binary(as_bytes("\x01\x02")));
  Value dict = Value::dict();
  dict.set("list", std::move(list));
  dict.set("empty", Value::dict());
  return dict;
}

}  // namespace

TEST_CASE("no value differs from null, and reads as null") {
  const Value none;
  CHECK_FALSE(none);
  CHECK(none.kind() == NX_NULL);
  CHECK_FALSE(none.is(NX_NULL));
  CHECK(Value::null());
  CHECK(Value::null().is(NX_NULL));
  CHECK_FALSE(none == Value::null());
  CHECK(none == Value());
}

TEST_CASE("each kind reads back, and as another kind gives the fallback") {
  CHECK(Value::boolean(true).as_bool());
  CHECK(Value::integer(1).as_bool(true));
  CHECK_FALSE(Value::integer(1).as_bool(false));

  CHECK(Value::integer(INT64_MIN).as_int() == INT64_MIN);
  CHECK(Value::real(5.0).as_int(3) == 3);
  CHECK(Value::unsigned_integer(UINT64_MAX).as_int(3) == 3);

  CHECK(Value::unsigned_integer(5).is(NX_INT));
  CHECK(Value::unsigned_integer(INT64_MAX).is(NX_INT));
  CHECK(Value::unsigned_integer(uint64_t{1} << 63).is(NX_UINT));
  CHECK(Value::unsigned_integer(UINT64_MAX).as_uint() == UINT64_MAX);
  CHECK(Value::integer(-1).as_uint(9) == 9);
  CHECK(Value::integer(8).as_uint(9) == 8);

  CHECK(Value::integer(-2).as_double() == -2.0);
  CHECK(Value::real(0.5).as_double() == 0.5);
  CHECK(Value::string("0.5").as_double(7) == 7);

  CHECK(Value::string("grün").as_string() == "grün");
  CHECK(Value::integer(1).as_string("none") == "none");
  CHECK(as_text(Value::binary(as_bytes("ab")).as_binary()) == "ab");
  CHECK(Value::string("ab").as_binary().empty());
}

TEST_CASE("lists and dicts keep their order, access out of range gives no value") {
  const Value dict = sample();
  REQUIRE(dict.size() == 2);
  CHECK(dict.key_at(0) == "list");
  CHECK(dict.key_at(1) == "empty");
  CHECK(dict.key_at(2).empty());
  CHECK_FALSE(dict.at(2));
  CHECK_FALSE(dict.find("none"));
  const Value list = dict.find("list");
  CHECK(list.size() == 7);
  CHECK(list.at(5).as_string() == "text");
  CHECK_FALSE(list.at(7));
  CHECK_FALSE(list.find("list"));
  CHECK(Value::string("abc").size() == 0);
}

TEST_CASE("duplicate keys: append keeps them, find and set mean the last") {
  Value dict = Value::dict();
  dict.append("a", Value::integer(1));
  dict.append("a", Value::integer(2));
  CHECK(dict.size() == 2);
  CHECK(dict.find("a").as_int() == 2);
  dict.set("a", Value::integer(3));
  CHECK(dict.size() == 2);
  CHECK(dict.at(0).as_int() == 1);
  CHECK(dict.find("a").as_int() == 3);
}

TEST_CASE("a container with a second handle is not changed any more") {
  Value list = Value::list();
  CHECK(list.append(Value::integer(1)));
  {
    const Value other = list;
    CHECK_FALSE(list.append(Value::integer(2)));
    CHECK(other.size() == 1);
  }
  CHECK(list.append(Value::integer(2)));
  CHECK_FALSE(list.append(list));  // the copy is a second handle, so there are no cycles
  CHECK_FALSE(list.append(Value()));
  CHECK_FALSE(list.set("key", Value::null()));
  CHECK_FALSE(Value::integer(1).append(Value::null()));
}

TEST_CASE("nesting is limited, so that freeing a tree may recurse") {
  CHECK(nested_list(kMaxValueDepth));
  CHECK_FALSE(nested_list(kMaxValueDepth + 1));
  Value dict = Value::dict();
  CHECK(dict.set("ok", nested_list(kMaxValueDepth - 1)));
  CHECK_FALSE(dict.set("deep", nested_list(kMaxValueDepth)));
  CHECK(dict.size() == 1);
}

TEST_CASE("equality is deep, knows kinds, and ignores the order of keys") {
  CHECK(sample() == sample());
  CHECK_FALSE(Value::integer(1) == Value::real(1.0));
  CHECK_FALSE(Value::string("a") == Value::binary(as_bytes("a")));
  Value ab = Value::dict();
  ab.append("a", Value::integer(1));
  ab.append("b", Value::integer(2));
  Value ba = Value::dict();
  ba.append("b", Value::integer(2));
  ba.append("a", Value::integer(1));
  CHECK(ab == ba);
  ba.set("a", Value::integer(2));
  CHECK_FALSE(ab == ba);
  Value aa = Value::dict();
  aa.append("a", Value::integer(1));
  aa.append("a", Value::integer(1));
  CHECK_FALSE(ab == aa);
}

TEST_CASE("a walk into a builder gives the same tree") {
  const Value before = sample();
  ValueBuilder builder;
  REQUIRE(before.walk(ValueBuilder::sink(), &builder) == NX_OK);
  CHECK(builder.take() == before);
  CHECK_FALSE(builder.take());
}

TEST_CASE("a walk stops at the first status that is not NX_OK and returns it") {
  nx_value_sink sink = ValueBuilder::sink();
  sink.on_double = [](void*, double) -> nx_status { return NX_E_UNREPRESENTABLE; };
  sink.on_string = [](void*, nx_str) -> nx_status {
    FAIL("called after the failure");
    return NX_OK;
  };
  ValueBuilder builder;
  CHECK(sample().walk(sink, &builder) == NX_E_UNREPRESENTABLE);
  CHECK_FALSE(builder.take());
}

TEST_CASE("the builder refuses what is too deep or too much") {
  const nx_value_sink& sink = ValueBuilder::sink();
  SECTION("depth") {
    ValueBuilder builder(3);
    for (int i = 0; i < 3; ++i) CHECK(sink.list_begin(&builder, 1) == NX_OK);
    CHECK(sink.dict_begin(&builder, 1) == NX_E_LIMIT);
    CHECK(sink.on_null(&builder) == NX_OK);
  }
  SECTION("depth beyond what a Value can have") {
    ValueBuilder builder(UINT32_MAX);
    for (uint32_t i = 0; i < kMaxValueDepth; ++i) {
      REQUIRE(sink.list_begin(&builder, NX_COUNT_UNKNOWN) == NX_OK);
    }
    CHECK(sink.list_begin(&builder, NX_COUNT_UNKNOWN) == NX_E_LIMIT);
    for (uint32_t i = 0; i < kMaxValueDepth; ++i) REQUIRE(sink.list_end(&builder) == NX_OK);
    CHECK(builder.take() == nested_list(kMaxValueDepth));
  }
  SECTION("number of values") {
    ValueBuilder builder(64, 3);
    CHECK(sink.list_begin(&builder, UINT64_MAX - 1) == NX_OK);
    CHECK(sink.on_null(&builder) == NX_OK);
    CHECK(sink.on_null(&builder) == NX_OK);
    CHECK(sink.on_null(&builder) == NX_E_LIMIT);
  }
}

TEST_CASE("the builder refuses calls out of order") {
  const nx_value_sink& sink = ValueBuilder::sink();
  ValueBuilder builder;
  const nx_str key = to_nx(std::string_view("key"));
  CHECK(sink.list_end(&builder) == NX_E_STATE);
  CHECK(sink.dict_key(&builder, key) == NX_E_STATE);
  CHECK(sink.dict_begin(&builder, 0) == NX_OK);
  CHECK(sink.on_null(&builder) == NX_E_STATE);  // no key
  CHECK(sink.list_end(&builder) == NX_E_STATE);
  CHECK(sink.dict_key(&builder, key) == NX_OK);
  CHECK(sink.dict_key(&builder, key) == NX_E_STATE);
  CHECK(sink.dict_end(&builder) == NX_E_STATE);  // a key without its value
  CHECK_FALSE(builder.take());
  CHECK(sink.on_uint(&builder, 5) == NX_OK);
  CHECK(sink.dict_end(&builder) == NX_OK);
  CHECK(sink.on_null(&builder) == NX_E_STATE);  // a second root
  CHECK(builder.take().find("key").is(NX_INT));
}

TEST_CASE("handles may be copied and dropped on many threads") {
  const Value shared = sample();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([copy = shared] {
      for (int i = 0; i < 2000; ++i) {
        const Value again = copy;
        const Value inner = again.find("list").at(5);
        if (inner.as_string() != "text") std::abort();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(shared == sample());
}
