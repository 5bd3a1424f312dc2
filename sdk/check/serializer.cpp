// Serializers: what was written is read back as it was; hostile bytes end in an error, inside the
// buffers that were given. Plays a loop.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <random>

#include "checks.hpp"

namespace check {
namespace {

using nexus::sdk::bytes_of;
using nexus::sdk::text_of;
using nexus::sdk::Value;
using nexus::sdk::view;
namespace fake = nexus::sdk::fake;

constexpr uint32_t kDepth = 64;
constexpr uint32_t kCapacity = 16;
constexpr int kMutants = 20000;

// Values that every format should say; a format that cannot say one answers NX_E_UNREPRESENTABLE.
const char* const kValues[] = {
    "null",
    "true",
    "false",
    "0",
    "-1",
    "23",
    "255",
    "256",
    "65536",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "-1.5",
    "3.141592653589793",
    "1e300",
    R"("")",
    R"("a")",
    R"("\"\\\/\b\f\n\r\t")",
    R"("\u007f\u0080\u07ff\u0800\uffff\ud83d\ude00")",
    "[]",
    "{}",
    R"([1, [2, [3, []]], {}])",
    R"({"a": 1, "": {"b": [true, null]}, "\u00e4": "\u00f6"})",
    R"("\u0000AAEC/w==")",  // binary
    R"({"x": "\u0000", "y": ["\u0000AA=="]})",
};

// A message as a WAMP router sees one, with escapes and nesting.
const char* const kMessage =
    R"([32, 9007199254740992, {"match": "prefix", "n": [1, 2.5, {"k": null}]}, "com.\u00e4.\"x\"",
        ["\u0000AAEC/w==", -7], {"kw": true}])";

// Output memory with a limit, and a canary behind it.
class Memory : public nx_writer {
 public:
  explicit Memory(size_t limit = SIZE_MAX) : nx_writer{}, limit_(limit) {
    struct_size = sizeof(nx_writer);
    grow = [](nx_writer* writer, uint64_t need) -> nx_status {
      auto& self = *static_cast<Memory*>(writer);
      if (need > self.limit_ || self.size > self.limit_ - need) return NX_E_LIMIT;
      self.bytes_.resize(static_cast<size_t>(self.size + need) + kCanary.size());
      self.data = reinterpret_cast<uint8_t*>(self.bytes_.data());
      self.capacity = self.size + need;
      std::memcpy(self.data + self.capacity, kCanary.data(), kCanary.size());
      return NX_OK;
    };
  }
  bool intact() const {
    return size <= capacity &&
           (data == nullptr || std::memcmp(data + capacity, kCanary.data(), kCanary.size()) == 0);
  }
  std::string text() const {
    return {reinterpret_cast<const char*>(data), static_cast<size_t>(size)};
  }

 private:
  static constexpr std::string_view kCanary = "0123456789abcdef";
  const size_t limit_;
  std::string bytes_;
};

// Bytes that end where the readable memory ends: reading one further is a crash, not a surprise.
class Guarded {
 public:
  explicit Guarded(size_t room) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    room_ = (room + page - 1) / page * page;
    void* mapped =
        mmap(nullptr, room_ + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    memory_ = static_cast<uint8_t*>(mapped);
    mprotect(memory_ + room_, page, PROT_NONE);
  }
  nx_bytes put(const std::string& bytes) {
    uint8_t* at = memory_ + room_ - bytes.size();
    std::memcpy(at, bytes.data(), bytes.size());
    return {at, bytes.size()};
  }

 private:
  uint8_t* memory_;
  size_t room_;
};

class SerializerCheck {
 public:
  SerializerCheck(Running& running, Report& report)
      : self_(running.self()),
        table_(running.table<nx_serializer_v1>(NX_SERIALIZER_V1)),
        report_(report),
        guarded_(1u << 16) {}

  bool check_table() {
    return report_.require(table_.name.size > 0, "it has no name") &&
           report_.require(table_.rawsocket_id <= 15, "rawsocket_id is above 15") &&
           report_.require(table_.emitter_size <= NX_EMITTER_MAX,
                           "emitter_size is above NX_EMITTER_MAX") &&
           report_.require(table_.subprotocol.size > 0 || table_.rawsocket_id > 0,
                           "neither a subprotocol nor a rawsocket_id: nothing can use it");
  }

  nx_status emit(const Value& value, Memory& out) {
    alignas(std::max_align_t) uint8_t state[NX_EMITTER_MAX] = {};
    table_.emit_begin(self_, state, &out);
    return fake::values_table.walk(value.get(), table_.emit, state);
  }
  nx_status walk(nx_bytes bytes, fake::JsonWriter& out) {
    Memory scratch;
    const nx_limits limits{sizeof(nx_limits), kDepth};
    const nx_status status =
        table_.walk(self_, bytes, &limits, &scratch, &fake::JsonWriter::sink(), &out, error());
    intact_ = intact_ && scratch.intact();
    return status;
  }
  nx_status split(nx_bytes message, uint32_t capacity, uint32_t depth = kDepth) {
    Memory scratch;
    const nx_limits limits{sizeof(nx_limits), depth};
    count_ = 0;
    std::memset(elements_, 0xAB, sizeof elements_);
    const nx_status status =
        table_.split(self_, message, &limits, &scratch, elements_, capacity, &count_, error());
    texts_.clear();
    for (uint32_t i = 0; status == NX_OK && i < count_ && i < capacity; ++i) {
      const bool has_text = elements_[i].kind == NX_STRING || elements_[i].kind == NX_BINARY;
      texts_.emplace_back(has_text ? text_of(elements_[i].text) : std::string_view());
    }
    intact_ = intact_ && scratch.intact();
    return status;
  }

  bool check_round_trips() {
    int said = 0;
    for (const char* json : kValues) {
      const Value value = fake::values().from_json(json);
      Memory out;
      const nx_status emitted = emit(value, out);
      if (emitted == NX_E_UNREPRESENTABLE) {
        report_.note(std::string("cannot say ") + json);
        continue;
      }
      fake::JsonWriter read;
      const nx_status walked =
          emitted == NX_OK ? walk(guarded_.put(out.text()), read) : NX_E_INTERNAL;
      if (!report_.require(emitted == NX_OK && walked == NX_OK,
                           std::string("cannot write and read ") + json + " (" +
                               std::to_string(emitted) + ", " + std::to_string(walked) + ")") ||
          !report_.require(read.text == value.to_json(),
                           std::string("reads ") + value.to_json() + " back as " + read.text)) {
        return false;
      }
      ++said;
    }
    report_.pass("writes and reads back " + std::to_string(said) + " values");
    return check_not_finite();
  }

  bool check_split() {
    const Value message = fake::values().from_json(kMessage);
    Memory out;
    if (!report_.require(emit(message, out) == NX_OK, "cannot write a whole message")) return false;
    message_ = out.text();
    const nx_bytes bytes = guarded_.put(message_);
    if (!report_.require(split(bytes, kCapacity) == NX_OK, "split() refuses what it wrote")) {
      return false;
    }
    const uint32_t kinds[] = {NX_INT, NX_INT, NX_DICT, NX_STRING, NX_LIST, NX_DICT};
    if (!report_.require(count_ == 6, "split() finds " + std::to_string(count_) + " of 6")) {
      return false;
    }
    for (uint32_t i = 0; i < 6; ++i) {
      fake::JsonWriter read;
      const nx_element& element = elements_[i];
      if (!report_.require(element.kind == kinds[i],
                           "split() mistakes the kind of element " + std::to_string(i)) ||
          !report_.require(lies_in(element.span, bytes), "a span lies outside of the message") ||
          !report_.require(
              walk(element.span, read) == NX_OK && read.text == message.at(i).to_json(),
              "walk() of element " + std::to_string(i) + " reads " + read.text)) {
        return false;
      }
    }
    return report_.require(elements_[0].number.i == 32 && elements_[1].number.i == int64_t{1} << 53,
                           "split() decodes an integer wrongly") &&
           report_.require(texts_[3] == message.at(3).as_string(),
                           "split() decodes the string as '" + texts_[3] + "'") &&
           report_.require(elements_[2].count == 2 && elements_[4].count == 2,
                           "split() counts the entries of a container wrongly") &&
           check_capacity(bytes) && check_raw(message);
  }

  // Every prefix, trailing bytes, and many mutants of a good message.
  bool check_hostile() {
    for (size_t size = 0; size < message_.size(); ++size) {
      if (!report_.require(split(guarded_.put(message_.substr(0, size)), kCapacity) < 0,
                           "split() takes the first " + std::to_string(size) + " of " +
                               std::to_string(message_.size()) + " bytes for a whole message")) {
        return false;
      }
    }
    if (!report_.require(split(guarded_.put(message_ + message_), kCapacity) < 0,
                         "split() takes two messages for one") ||
        !report_.require(split(guarded_.put(message_ + '\0'), kCapacity) < 0,
                         "split() does not mind a byte behind the message")) {
      return false;
    }
    report_.pass("refuses truncated messages and trailing bytes");

    std::mt19937_64 random(20240229);
    int taken = 0;
    for (int i = 0; i < kMutants; ++i) {
      std::string bytes = message_;
      for (uint64_t changes = random() % 4 + 1; changes > 0; --changes) mutate(bytes, random);
      const nx_bytes input = guarded_.put(bytes);
      const nx_status status = split(input, kCapacity);
      if (!check_mutant(status, input)) return false;
      taken += status == NX_OK ? 1 : 0;
      fake::JsonWriter ignored;
      walk(guarded_.put(bytes.substr(random() % (bytes.size() + 1))), ignored);
    }
    if (!report_.require(intact_, "writes behind the room that it made in the scratch memory")) {
      return false;
    }
    report_.pass("survives " + std::to_string(kMutants) + " mutants (" + std::to_string(taken) +
                 " of them are good messages)");
    return true;
  }

  bool check_depth() {
    Value nested = fake::values().list().done();
    for (int depth = 1; depth < 100; ++depth) nested = fake::values().list().add(nested).done();
    Memory out;
    if (!report_.require(emit(nested, out) == NX_OK, "cannot write 100 nested lists")) return false;
    const std::string bytes = out.text();
    fake::JsonWriter ignored;
    const nx_status deep = split(guarded_.put(bytes), kCapacity, 99);
    if (!report_.require(deep < 0 || (count_ == 1 && elements_[0].kind == NX_UNFIT),
                         "split() does not keep max_depth: 100 levels pass with 99") ||
        !check_unfit() ||
        !report_.require(
            split(guarded_.put(bytes), kCapacity, 100) == NX_OK && elements_[0].kind == NX_LIST,
            "split() counts max_depth wrongly: 100 levels do not pass with 100") ||
        !report_.require(walk(guarded_.put(bytes), ignored) < 0,
                         "walk() does not keep max_depth")) {
      return false;
    }
    // The opening bytes of a list, ten thousand times: no stack may run out.
    for (const size_t opening : {size_t{1}, size_t{2}, size_t{3}, size_t{5}}) {
      std::string bomb;
      while (bomb.size() < 50000) bomb += bytes.substr(0, opening);
      split(guarded_.put(bomb), kCapacity);
      walk(guarded_.put(bomb), ignored);
    }
    report_.pass("keeps max_depth");
    return true;
  }

  bool check_limits() {
    const Value message = fake::values().from_json(kMessage);
    for (size_t limit = 0; limit < message_.size(); ++limit) {
      Memory out(limit);
      const nx_status status = emit(message, out);
      if (!report_.require(status == NX_E_LIMIT && out.intact(),
                           "does not stop writing when the writer says NX_E_LIMIT")) {
        return false;
      }
    }
    report_.pass("stops writing at the writer's limit");
    return true;
  }

 private:
  // Every other time NULL, as the router does where nobody reads the text.
  nx_error* error() {
    error_ = nexus::sdk::make_error();
    with_error_ = !with_error_;
    return with_error_ ? &error_ : nullptr;
  }

  static bool lies_in(nx_bytes part, nx_bytes whole) {
    return part.data >= whole.data && part.size <= whole.size &&
           part.data + part.size <= whole.data + whole.size;
  }

  bool check_not_finite() {
    for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
      Memory out;
      const nx_status status = emit(fake::values().real(value), out);
      if (!report_.require(status == NX_OK || status == NX_E_UNREPRESENTABLE,
                           "answers " + std::to_string(status) +
                               " to a double that is not "
                               "finite")) {
        return false;
      }
    }
    return true;
  }

  bool check_capacity(nx_bytes bytes) {
    if (!report_.require(split(bytes, 5) == NX_E_MALFORMED,
                         "split() does not refuse more elements than there is room for") ||
        !report_.require(split(bytes, 6) == NX_OK, "split() refuses a message that just fits")) {
      return false;
    }
    for (const char* json : {"{}", "5", R"("text")", "null"}) {
      Memory out;
      emit(fake::values().from_json(json), out);
      if (!report_.require(split(guarded_.put(out.text()), kCapacity) < 0,
                           std::string("split() takes ") + json + " for a message")) {
        return false;
      }
    }
    report_.pass("splits a message into its elements");
    return true;
  }

  // A list whose items are written raw must be the list written whole.
  bool check_raw(const Value& message) {
    Memory out;
    alignas(std::max_align_t) uint8_t state[NX_EMITTER_MAX] = {};
    table_.emit_begin(self_, state, &out);
    nx_status status = table_.emit->list_begin(state, message.size());
    for (size_t i = 0; i < message.size() && status == NX_OK; ++i) {
      Memory item;
      emit(Value(message.at(i)), item);
      status = table_.emit_raw(state, bytes_of(item.text()));
    }
    if (status == NX_OK) status = table_.emit->list_end(state);
    fake::JsonWriter read;
    if (!report_.require(status == NX_OK && walk(guarded_.put(out.text()), read) == NX_OK &&
                             read.text == message.to_json(),
                         "a list of raw values is not read back: " + read.text)) {
      return false;
    }
    report_.pass("takes encoded values as they are");
    return true;
  }

  // Elements that nobody is to get say why.
  bool check_unfit() {
    for (uint32_t i = 0; i < count_; ++i) {
      const nx_element& element = elements_[i];
      if (element.kind == NX_UNFIT &&
          !report_.require(element.text.size != 0 && fake::is_utf8(text_of(element.text)),
                           "split() answers NX_UNFIT without a text that says why")) {
        return false;
      }
    }
    return true;
  }

  bool check_mutant(nx_status status, nx_bytes input) {
    if (status < 0) return true;
    if (!report_.require(status == NX_OK && count_ <= kCapacity,
                         "split() answered " + std::to_string(status) + " with " +
                             std::to_string(count_) + " elements") ||
        !check_unfit()) {
      return false;
    }
    for (uint32_t i = 0; i < count_; ++i) {
      const uint32_t kind = elements_[i].kind;
      if (!report_.require(kind >= NX_NULL && kind <= NX_UNFIT && lies_in(elements_[i].span, input),
                           "split() answers a span outside of the message, or an unknown kind") ||
          !report_.require(kind != NX_STRING || fake::is_utf8(texts_[i]),
                           "split() lets a string pass that is not UTF-8")) {
        return false;
      }
      fake::JsonWriter ignored;
      if (kind == NX_UNFIT) continue;
      const nx_status walked = walk(elements_[i].span, ignored);
      if (!report_.require(walked == NX_OK || walked == NX_E_UNREPRESENTABLE,
                           "walk() refuses (" + std::to_string(walked) +
                               ") an element that split() took for good")) {
        return false;
      }
    }
    return true;
  }

  static void mutate(std::string& bytes, std::mt19937_64& random) {
    if (bytes.empty()) return;
    const size_t at = random() % bytes.size();
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        break;
      case 2:
        bytes.erase(at, random() % 4 + 1);
        break;
      default:
        bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 8));
    }
  }

  void* self_;
  const nx_serializer_v1& table_;
  Report& report_;
  Guarded guarded_;
  nx_element elements_[kCapacity] = {};
  uint32_t count_ = 0;
  std::vector<std::string> texts_;
  std::string message_;
  nx_error error_{};
  bool with_error_ = false;
  bool intact_ = true;
};

}  // namespace

void check_serializer(const Choice& choice, const nx_component& component, Report& report) {
  Running running(choice, component, report);
  if (!running.ok()) return;
  const fake::OnLoop on_loop;
  SerializerCheck check(running, report);
  check.check_table() && check.check_round_trips() && check.check_split() &&
      check.check_hostile() && check.check_depth() && check.check_limits();
}

}  // namespace check
