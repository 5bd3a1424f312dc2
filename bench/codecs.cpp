// nexus-bench-codecs: what splitting, walking and writing a message costs in each serializer, and
// beside them what msgpack-c and Poco's JSON take to read and write the same. Main thread.
//
// The serializers are linked in and called through their tables, as the router calls them. CPU time
// of this thread, the best of several rounds: what else the machine does only ever adds.
#include <Poco/JSON/Parser.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <msgpack.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/base/bytes.hpp"
#include "kernel/base/json.hpp"
#include "kernel/base/value.hpp"
#include "kernel/base/writer.hpp"
#include "nexus/nx_plugin.h"
#include "nexus/nx_serializer.h"

extern "C" {
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_json(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_msgpack(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_cbor(void);
const nx_plugin_entry* nexus_plugin_entry_v1_nexus_serializer_ubjson(void);
}

namespace {

using namespace nexus;

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "nexus-bench-codecs: %s\n", why.c_str());
  std::exit(1);
}

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Nanoseconds of one call; `seconds` is what all rounds together may take.
double measure(double seconds, const std::function<void()>& call) {
  constexpr int kRounds = 7;
  size_t count = 1;
  double took = 0;
  for (;; count *= 2) {
    const double begin = cpu_seconds();
    for (size_t i = 0; i < count; ++i) call();
    took = cpu_seconds() - begin;
    if (took >= seconds / kRounds) break;
  }
  double best = took;
  for (int round = 1; round < kRounds; ++round) {
    const double begin = cpu_seconds();
    for (size_t i = 0; i < count; ++i) call();
    best = std::min(best, cpu_seconds() - begin);
  }
  return best / static_cast<double>(count) * 1e9;
}

struct Codec {
  const nx_component* component;
  void* self = nullptr;
  const nx_serializer_v1* table = nullptr;
};

Codec load(const nx_plugin_entry* entry, uint32_t index = 0) {
  Codec codec{entry->components[index]};
  nx_error error = make_error();
  if (codec.component->create(nullptr, &codec.self, &error) != NX_OK) stop(error.text);
  codec.table = static_cast<const nx_serializer_v1*>(
      codec.component->interface(codec.self, NX_SERIALIZER_V1));
  return codec;
}

// The calls that make a value, to be made again: emit without what finding the value costs.
class Tape {
 public:
  explicit Tape(const Value& value) { record(value); }
  nx_status play(const nx_value_sink& sink, void* user) const {
    nx_status status = NX_OK;
    for (const Step& step : steps_) {
      if (status == NX_OK) status = step(sink, user);
    }
    return status;
  }

 private:
  struct Step {
    uint32_t kind;
    bool end;
    bool key;
    uint64_t bits;
    std::string text;
    nx_status operator()(const nx_value_sink& s, void* user) const {
      const nx_str view{text.data(), text.size()};
      if (key) return s.dict_key(user, view);
      switch (kind) {
        case NX_NULL:
          return s.on_null(user);
        case NX_BOOL:
          return s.on_bool(user, static_cast<uint32_t>(bits));
        case NX_INT:
          return s.on_int(user, static_cast<int64_t>(bits));
        case NX_DOUBLE: {
          double value;
          std::memcpy(&value, &bits, sizeof value);
          return s.on_double(user, value);
        }
        case NX_STRING:
          return s.on_string(user, view);
        case NX_LIST:
          return end ? s.list_end(user) : s.list_begin(user, bits);
        default:
          return end ? s.dict_end(user) : s.dict_begin(user, bits);
      }
    }
  };

  void add(uint32_t kind, uint64_t bits, std::string_view text = {}, bool end = false,
           bool key = false) {
    steps_.push_back({kind, end, key, bits, std::string(text)});
  }
  void record(const Value& value) {
    const uint32_t kind = value.kind();
    uint64_t bits = 0;
    switch (kind) {
      case NX_NULL:
        return add(kind, 0);
      case NX_BOOL:
        return add(kind, value.as_bool() ? 1u : 0u);
      case NX_INT:
        return add(kind, static_cast<uint64_t>(value.as_int()));
      case NX_DOUBLE: {
        const double number = value.as_double();
        std::memcpy(&bits, &number, sizeof bits);
        return add(kind, bits);
      }
      case NX_STRING:
        return add(kind, 0, value.as_string());
      default:
        break;
    }
    add(kind, value.size());
    for (size_t i = 0; i < value.size(); ++i) {
      if (kind == NX_DICT) add(kind, 0, value.key_at(i), false, true);
      record(value.at(i));
    }
    add(kind, 0, {}, true);
  }

  std::vector<Step> steps_;
};

// A sink that takes everything and does nothing.
const nx_value_sink kNothing = {
    sizeof(nx_value_sink),
    0,
    [](void*) -> nx_status { return NX_OK; },
    [](void*, uint32_t) -> nx_status { return NX_OK; },
    [](void*, int64_t) -> nx_status { return NX_OK; },
    [](void*, uint64_t) -> nx_status { return NX_OK; },
    [](void*, double) -> nx_status { return NX_OK; },
    [](void*, nx_str) -> nx_status { return NX_OK; },
    [](void*, nx_bytes) -> nx_status { return NX_OK; },
    [](void*, uint64_t) -> nx_status { return NX_OK; },
    [](void*) -> nx_status { return NX_OK; },
    [](void*, uint64_t) -> nx_status { return NX_OK; },
    [](void*, nx_str) -> nx_status { return NX_OK; },
    [](void*) -> nx_status { return NX_OK; },
};

struct Sample {
  const char* name;
  std::string json;
};

std::vector<Sample> samples() {
  std::string numbers = "[36,1,2,{},[";
  for (int i = 0; i < 500; ++i) {
    if (i != 0) numbers += ',';
    numbers += std::to_string(i * 7919);
    numbers += ',';
    numbers += std::to_string(i);
    numbers += ".25";
  }
  std::string escapes = R"([36,1,2,{},[")";
  for (int i = 0; i < 200; ++i) escapes += R"(one \"word\"\n)";
  return {{"EVENT, 64 bytes of text",
           R"([36,5512315355,4429313566,{},[")" + std::string(64, 'x') + "\"]]"},
          {"CALL, 200 bytes",
           R"([48,7814135,{"receive_progress":true,"timeout":30000},"com.example.orders.create",)"
           R"([1234,"customer-77",true],{"items":[{"sku":"A-100","count":2},{"sku":"B-200",)"
           R"("count":1}],"note":null,"total":129.95}])"},
          {"EVENT, 16 KiB of text", "[36,1,2,{},[\"" + std::string(16384, 'x') + "\"]]"},
          {"EVENT, 1,000 numbers", numbers + "]]"},
          {"EVENT, 2 KiB with escapes", escapes + "\"]]"}};
}

void row(const char* name, size_t size, double split, double walk, double emit) {
  const auto cell = [](double value) {
    return value < 0 ? std::string("-") : std::to_string(static_cast<long>(value + 0.5));
  };
  std::printf("  %-12s %8zu %9s %9s %9s\n", name, size, cell(split).c_str(), cell(walk).c_str(),
              cell(emit).c_str());
}

void measure_codec(const Codec& codec, const Tape& tape, double seconds) {
  Writer out;
  alignas(std::max_align_t) std::array<unsigned char, NX_EMITTER_MAX> state{};
  const auto emit = [&] {
    out.clear();
    std::memset(state.data(), 0, codec.table->emitter_size);
    codec.table->emit_begin(codec.self, state.data(), &out);
    if (tape.play(*codec.table->emit, state.data()) != NX_OK) stop("emit fails");
  };
  const double emit_ns = measure(seconds, emit);
  const std::string bytes(out.text());
  const nx_bytes message = to_nx(as_bytes(bytes));
  const nx_limits limits{sizeof limits, 64};
  Writer scratch;
  nx_error error = make_error();
  const double split_ns = measure(seconds, [&] {
    nx_element elements[8];
    uint32_t count = 0;
    scratch.clear();
    if (codec.table->split(codec.self, message, &limits, &scratch, elements, 8, &count, &error) !=
        NX_OK) {
      stop(error.text);
    }
  });
  const double walk_ns = measure(seconds, [&] {
    scratch.clear();
    if (codec.table->walk(codec.self, message, &limits, &scratch, &kNothing, nullptr, &error) !=
        NX_OK) {
      stop(error.text);
    }
  });
  row(std::string(to_view(codec.table->name)).c_str(), bytes.size(), split_ns, walk_ns, emit_ns);
}

void measure_msgpack_c(const std::string& bytes, double seconds) {
  const double read = measure(seconds, [&] { msgpack::unpack(bytes.data(), bytes.size()); });
  const msgpack::object_handle handle = msgpack::unpack(bytes.data(), bytes.size());
  msgpack::sbuffer buffer;
  const double write = measure(seconds, [&] {
    buffer.clear();
    msgpack::pack(buffer, handle.get());
  });
  row("msgpack-c", buffer.size(), -1, read, write);
}

void measure_poco(const std::string& json, double seconds) {
  const double read = measure(seconds, [&] { Poco::JSON::Parser().parse(json); });
  Poco::JSON::Parser parser;
  const Poco::Dynamic::Var value = parser.parse(json);
  std::string text;
  const double write = measure(seconds, [&] {
    std::ostringstream out;
    Poco::JSON::Stringifier::stringify(value, out);
    text = out.str();
  });
  row("Poco JSON", text.size(), -1, read, write);
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 0.3;
  if (argc == 2 && std::string_view(argv[1]) == "--quick") {
    seconds = 0.001;
  } else if (argc != 1) {
    stop("usage: nexus-bench-codecs [--quick]");
  }
  const std::array codecs = {load(nexus_plugin_entry_v1_nexus_serializer_json()),
                             load(nexus_plugin_entry_v1_nexus_serializer_msgpack()),
                             load(nexus_plugin_entry_v1_nexus_serializer_cbor()),
                             load(nexus_plugin_entry_v1_nexus_serializer_ubjson(), 0),
                             load(nexus_plugin_entry_v1_nexus_serializer_ubjson(), 1)};
  std::printf("nanoseconds of CPU; the libraries read into a tree where ours walk\n");
  for (const Sample& sample : samples()) {
    auto value = from_json(sample.json);
    if (!value) stop(value.status().text());
    const Tape tape(value.value());
    std::printf("\n%s\n  %-12s %8s %9s %9s %9s\n", sample.name, "", "bytes", "split", "walk",
                "emit");
    for (const Codec& codec : codecs) measure_codec(codec, tape, seconds);
    Writer packed;
    alignas(std::max_align_t) std::array<unsigned char, NX_EMITTER_MAX> state{};
    codecs[1].table->emit_begin(codecs[1].self, state.data(), &packed);
    tape.play(*codecs[1].table->emit, state.data());
    measure_msgpack_c(std::string(packed.text()), seconds);
    measure_poco(sample.json, seconds);
  }
  return 0;
}
