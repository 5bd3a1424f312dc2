// All emitters: calls in an order that makes no value are refused, and so is what does not fit.
// Main thread.
#include <catch2/catch.hpp>

#include "tests/support/serializers.hpp"

using namespace nexus;
using namespace nexus::test;

TEST_CASE("emit: calls that make no value are refused") {
  for (const Codec* codec : all_codecs()) {
    INFO(codec->name());
    using Sink = const nx_value_sink&;
    const auto status = [&](auto feed) { return codec->emit(feed).status; };
    CHECK(status([](Sink s, void* u) { return s.list_end(u); }) == NX_E_STATE);
    CHECK(status([](Sink s, void* u) { return s.dict_end(u); }) == NX_E_STATE);
    CHECK(status([](Sink s, void* u) { return s.dict_key(u, {"k", 1}); }) == NX_E_STATE);
    CHECK(status([](Sink s, void* u) { return s.on_null(u) == NX_OK ? s.on_null(u) : NX_OK; }) ==
          NX_E_STATE);
    for (const uint64_t count : {uint64_t{1}, uint64_t{NX_COUNT_UNKNOWN}}) {
      CHECK(status([=](Sink s, void* u) {
              s.list_begin(u, count);
              return s.dict_end(u);
            }) == NX_E_STATE);
      CHECK(status([=](Sink s, void* u) {
              s.list_begin(u, count);
              return s.dict_key(u, {"k", 1});
            }) == NX_E_STATE);
      CHECK(status([=](Sink s, void* u) {
              s.dict_begin(u, count);
              return s.on_int(u, 1);
            }) == NX_E_STATE);
      CHECK(status([=](Sink s, void* u) {
              s.dict_begin(u, count);
              return s.list_begin(u, 0);
            }) == NX_E_STATE);
      CHECK(status([=](Sink s, void* u) {
              s.dict_begin(u, count);
              s.dict_key(u, {"k", 1});
              return s.dict_end(u);
            }) == NX_E_STATE);
      CHECK(status([=](Sink s, void* u) {
              s.dict_begin(u, count);
              s.dict_key(u, {"k", 1});
              return s.dict_key(u, {"l", 1});
            }) == NX_E_STATE);
      CHECK(status([=](Sink s, void* u) {
              s.list_begin(u, count);
              s.on_null(u);
              s.list_end(u);
              return s.list_end(u);
            }) == NX_E_STATE);
    }
    CHECK(codec->emit([&](Sink, void* u) {
                 return codec->table().emit_raw(u, {nullptr, 0});
               })
              .status == NX_E_INVALID);
  }
}

TEST_CASE("emit: a count that was promised has to be kept where the format writes it") {
  for (const Codec* codec : {&msgpack_codec(), &cbor_codec()}) {
    INFO(codec->name());
    using Sink = const nx_value_sink&;
    const auto status = [&](auto feed) { return codec->emit(feed).status; };
    CHECK(status([](Sink s, void* u) {
            s.list_begin(u, 2);
            s.on_null(u);
            return s.list_end(u);
          }) == NX_E_STATE);
    CHECK(status([](Sink s, void* u) {
            s.list_begin(u, 1);
            s.on_null(u);
            return s.on_null(u);
          }) == NX_E_STATE);
    CHECK(status([](Sink s, void* u) {
            s.dict_begin(u, 1);
            return s.dict_end(u);
          }) == NX_E_STATE);
    CHECK(status([](Sink s, void* u) {
            s.dict_begin(u, 0);
            return s.dict_key(u, {"k", 1});
          }) == NX_E_STATE);
    CHECK(status([](Sink s, void* u) { return s.list_begin(u, uint64_t{UINT32_MAX} + 1); }) ==
          NX_E_LIMIT);
  }
}

TEST_CASE("emit: 128 levels, and not one more") {
  for (const Codec* codec : all_codecs()) {
    for (const bool dicts : {false, true}) {
      INFO(codec->name());
      const auto nest = [&](int levels) {
        return codec->emit([&](const nx_value_sink& s, void* u) {
          nx_status status = NX_OK;
          for (int i = 0; i < levels && status == NX_OK; ++i) {
            if (dicts) {
              status = s.dict_begin(u, NX_COUNT_UNKNOWN);
              if (status == NX_OK) status = s.dict_key(u, {"k", 1});
            } else {
              status = s.list_begin(u, NX_COUNT_UNKNOWN);
            }
          }
          if (status == NX_OK) status = s.on_null(u);
          for (int i = 0; i < levels && status == NX_OK; ++i) {
            status = dicts ? s.dict_end(u) : s.list_end(u);
          }
          return status;
        });
      };
      const Outcome deep = nest(128);
      REQUIRE(deep.ok());
      CHECK(codec->trace(deep.text, 128).ok());
      CHECK(nest(129).status == NX_E_LIMIT);
    }
  }
}

TEST_CASE("emit: a writer that is full is an error at every byte") {
  for (const Codec* codec : all_codecs()) {
    INFO(codec->name());
    const auto feed = [](const nx_value_sink& s, void* u) {
      const std::string text(40, 't');
      for (const nx_status status :
           {s.list_begin(u, NX_COUNT_UNKNOWN), s.on_string(u, to_nx(text)),
            s.on_string(u, {"\n\n\n", 3}), s.on_binary(u, to_nx(as_bytes(text))),
            s.dict_begin(u, NX_COUNT_UNKNOWN), s.dict_key(u, to_nx(text)), s.on_double(u, 0.1),
            s.dict_key(u, {"k", 1}), s.on_int(u, INT64_MIN), s.dict_end(u), s.on_bool(u, 1),
            s.list_end(u)}) {
        if (status != NX_OK) return status;
      }
      return NX_OK;
    };
    const Outcome whole = codec->emit(feed);
    REQUIRE(whole.ok());
    for (size_t limit = 0; limit < whole.text.size(); ++limit) {
      CHECK(codec->emit(feed, limit).status == NX_E_LIMIT);
    }
  }
}

TEST_CASE("emit: a value goes behind what is in the writer, known count or not") {
  for (const Codec* codec : all_codecs()) {
    for (const uint64_t count : {uint64_t{20}, uint64_t{NX_COUNT_UNKNOWN}}) {
      INFO(codec->name());
      Writer out;
      out.append(as_bytes("before"));
      alignas(std::max_align_t) std::array<unsigned char, NX_EMITTER_MAX> state{};
      codec->table().emit_begin(nullptr, state.data(), &out);
      const nx_value_sink& s = *codec->table().emit;
      s.list_begin(state.data(), count);
      for (int i = 0; i < 20; ++i) s.on_int(state.data(), 1000 + i);
      REQUIRE(s.list_end(state.data()) == NX_OK);
      CHECK(out.text().substr(0, 6) == "before");
      const Outcome back = codec->trace(out.text().substr(6));
      CHECK(back.text.substr(0, 13) == "[i1000 i1001 ");
    }
  }
}
