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

TEST_CASE("U-01: a value is an integer, or a double that is one") {
  CHECK(Value::integer(-5).whole() == -5);
  CHECK(Value::real(9007199254740992.0).whole() == int64_t{1} << 53);
  CHECK(Value::real(-4294967296.0).whole() == -4294967296);
  CHECK(Value::real(-0.0).whole() == 0);
  for (const Value& none :
       {Value(), Value::null(), Value::boolean(true), Value::real(0.5), Value::string("1"),
        Value::real(9007199254740994.0), Value::real(1e300), Value::real(-1e300),
        Value::real(std::nan("")), Value::real(HUGE_VAL), Value::unsigned_integer(UINT64_MAX)}) {
    CHECK_FALSE(none.whole());
  }
}

TEST_CASE("E-04: what no value can be is refused, kept as a place, or left out") {
  // {"a": <other>, "b": [<other>, 1], "c": undefined, <no key>: {"x": 1}, "d": {<no key>: 2,
  // "e": 1.0}}
  const auto feed = [](const nx_value_sink& sink, void* user) -> nx_status {
    const auto all = [](std::initializer_list<nx_status> answers) {
      for (const nx_status answer : answers) {
        if (answer != NX_OK) return answer;
      }
      return nx_status{NX_OK};
    };
    return all({sink.list_begin(user, 1),
                sink.dict_begin(user, 5),
                sink.dict_key(user, to_nx("a")),
                sink.on_other(user, NX_OTHER_VALUE),
                sink.dict_key(user, to_nx("b")),
                sink.list_begin(user, 2),
                sink.on_other(user, NX_OTHER_VALUE),
                sink.on_int(user, 1),
                sink.list_end(user),
                sink.dict_key(user, to_nx("c")),
                sink.on_other(user, NX_OTHER_UNDEFINED),
                sink.dict_key_other(user),
                sink.dict_begin(user, 1),
                sink.dict_key(user, to_nx("x")),
                sink.on_int(user, 1),
                sink.dict_end(user),
                sink.dict_key(user, to_nx("d")),
                sink.dict_begin(user, 2),
                sink.dict_key_other(user),
                sink.on_int(user, 2),
                sink.dict_key(user, to_nx("e")),
                sink.on_double(user, 1.0),
                sink.dict_end(user),
                sink.dict_end(user),
                sink.list_end(user)});
  };
  const auto build = [&](ValueBuilder::Policy policy) {
    ValueBuilder builder(64, 1000, policy);
    CHECK(feed(ValueBuilder::sink(), &builder) == NX_OK);
    CHECK(builder.met_others());
    return builder.take();
  };
  const Value dropped = build({.others = Others::drop, .whole_numbers = true});
  CHECK(to_json(dropped) == R"([{"b":[null,1],"d":{"e":1}}])");
  const Value kept = build({.others = Others::keep});
  CHECK(kept.at(0).find("a").is(NX_OTHER));
  CHECK(kept.at(0).find("b").at(0).is(NX_OTHER));
  CHECK(kept.at(0).size() == 3);
  CHECK(kept.at(0).find("d").find("e").is(NX_DOUBLE));
  CHECK(to_json(kept.without_others()) == R"([{"b":[null,1],"d":{"e":1.0}}])");
  CHECK_FALSE(Value::other() == Value::other());
  // Nobody can write it.
  ValueBuilder again;
  CHECK(kept.walk(ValueBuilder::sink(), &again) == NX_E_UNREPRESENTABLE);
  ValueBuilder refusing;
  CHECK(feed(ValueBuilder::sink(), &refusing) == NX_E_UNREPRESENTABLE);
  // A key of the first level has to be a string, whatever is done about the others.
  ValueBuilder strict(64, 1000, {.others = Others::drop});
  CHECK(ValueBuilder::sink().dict_begin(&strict, 1) == NX_OK);
  CHECK(ValueBuilder::sink().dict_key_other(&strict) == NX_E_MALFORMED);
}

TEST_CASE("A sink that was compiled before on_other cannot have what it tells of") {
  nx_value_sink old = ValueBuilder::sink();
  ValueBuilder builder(64, 1000, {.others = Others::drop});
  CHECK(nx_sink_other(&old, &builder, NX_OTHER_VALUE) == NX_OK);
  old.struct_size = offsetof(nx_value_sink, on_other);
  CHECK(nx_sink_other(&old, &builder, NX_OTHER_VALUE) == NX_E_UNREPRESENTABLE);
  CHECK(nx_sink_key_other(&old, &builder) == NX_E_UNREPRESENTABLE);
}
