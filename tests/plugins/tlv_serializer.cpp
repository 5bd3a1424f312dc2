// Serializer "tlv": the simplest format that can say everything, written with the SDK's C++ layer
// to show that the layer can, and to give tests a fourth format that no other code knows.
//
//   n t f           null, true, false
//   i u d + 8 bytes int64, uint64 (above INT64_MAX), double; little endian, as this machine is
//   s b + size + …  UTF-8 text and bytes; the size is a uint32
//   l … e           list of values        m … e   dict: each key an "s", then its value
#include "nexus/cpp/fake_json.hpp"  // for is_utf8()
#include "nexus/cpp/serializer.hpp"

namespace {

using namespace nexus::sdk;

// Reads one value after the other; what is wrong ends in NX_E_MALFORMED.
class Reader {
 public:
  Reader(nx_bytes bytes, uint32_t max_depth, uint32_t max_text)
      : rest_(text_of(bytes)), max_depth_(max_depth), max_text_(max_text) {}
  bool at_end() const { return rest_.empty(); }
  const char* position() const { return rest_.data(); }

  // Reports the next value to a Sink-like target.
  template <typename Target>
  nx_status read(Target&& to, uint32_t depth) {
    char tag = 0;
    if (!take(tag)) return NX_E_MALFORMED;
    switch (tag) {
      case 'n':
        return to.on_null();
      case 't':
      case 'f':
        return to.on_bool(tag == 't');
      case 'i': {
        int64_t value = 0;
        return take(value) ? to.on_int(value) : NX_E_MALFORMED;
      }
      case 'u': {
        uint64_t value = 0;
        return take(value) && value > INT64_MAX ? to.on_uint(value) : NX_E_MALFORMED;
      }
      case 'd': {
        double value = 0;
        return take(value) ? to.on_double(value) : NX_E_MALFORMED;
      }
      case 's': {
        std::string_view text;
        return take_text(text) && fake::is_utf8(text) ? to.on_string(text) : NX_E_MALFORMED;
      }
      case 'b': {
        std::string_view text;
        return take_text(text) ? to.on_binary(bytes_of(text)) : NX_E_MALFORMED;
      }
      case 'l':
      case 'm':
        return depth > max_depth_ ? NX_E_MALFORMED : read_items(to, tag == 'm', depth);
      default:
        return NX_E_MALFORMED;
    }
  }

  bool take_end() {
    if (rest_.empty() || rest_[0] != 'e') return false;
    rest_.remove_prefix(1);
    return true;
  }

  template <typename T>
  bool take(T& out) {
    if (rest_.size() < sizeof(T)) return false;
    std::memcpy(&out, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return true;
  }

 private:
  bool take_text(std::string_view& out) {
    uint32_t size = 0;
    if (!take(size) || size > rest_.size() || size > max_text_) return false;
    out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }

  template <typename Target>
  nx_status read_items(Target& to, bool is_dict, uint32_t depth) {
    nx_status status = is_dict ? to.dict_begin() : to.list_begin();
    while (status == NX_OK && !take_end()) {
      if (is_dict) {
        char tag = 0;
        std::string_view key;
        if (!take(tag) || tag != 's' || !take_text(key) || !fake::is_utf8(key)) {
          return NX_E_MALFORMED;
        }
        status = to.dict_key(key);
      }
      if (status == NX_OK) status = read(to, depth + 1);
    }
    if (status != NX_OK) return status;
    return is_dict ? to.dict_end() : to.list_end();
  }

  std::string_view rest_;
  uint32_t max_depth_;
  uint32_t max_text_;
};

// Fills one nx_element with the outermost value that it is told about.
struct ElementSink {
  nx_element& out;
  uint32_t depth = 0;

  nx_status set(uint32_t kind) {
    if (depth == 0) out.kind = kind;
    if (depth == 1) ++out.count;
    return NX_OK;
  }
  nx_status on_null() { return set(NX_NULL); }
  nx_status on_bool(bool value) {
    if (depth == 0) out.number.i = value ? 1 : 0;
    return set(NX_BOOL);
  }
  nx_status on_int(int64_t value) {
    if (depth == 0) out.number.i = value;
    return set(NX_INT);
  }
  nx_status on_uint(uint64_t value) {
    if (depth == 0) out.number.u = value;
    return set(NX_UINT);
  }
  nx_status on_double(double value) {
    if (depth == 0) out.number.d = value;
    return set(NX_DOUBLE);
  }
  nx_status on_string(std::string_view value) {
    if (depth == 0) out.text = bytes_of(value);
    return set(NX_STRING);
  }
  nx_status on_binary(nx_bytes value) {
    if (depth == 0) out.text = value;
    return set(NX_BINARY);
  }
  nx_status list_begin() { return set(NX_LIST), ++depth, NX_OK; }
  nx_status list_end() { return --depth, NX_OK; }
  nx_status dict_begin() { return set(NX_DICT), ++depth, NX_OK; }
  nx_status dict_key(std::string_view) { return NX_OK; }
  nx_status dict_end() { return --depth, NX_OK; }
};

class Tlv;

class Emitter {
 public:
  Emitter(Tlv&, nx_writer& out) noexcept : out_(&out) {}
  nx_status on_null() { return append(*out_, "n"); }
  nx_status on_bool(bool value) { return append(*out_, value ? "t" : "f"); }
  nx_status on_int(int64_t value) { return number('i', value); }
  nx_status on_uint(uint64_t value) { return number('u', value); }
  nx_status on_double(double value) { return number('d', value); }
  nx_status on_string(std::string_view value) { return text('s', value); }
  nx_status on_binary(nx_bytes value) { return text('b', text_of(value)); }
  nx_status list_begin(uint64_t) { return append(*out_, "l"); }
  nx_status list_end() { return append(*out_, "e"); }
  nx_status dict_begin(uint64_t) { return append(*out_, "m"); }
  nx_status dict_key(std::string_view key) { return text('s', key); }
  nx_status dict_end() { return append(*out_, "e"); }
  nx_status raw(nx_bytes value) { return append(*out_, value); }

 private:
  template <typename T>
  nx_status number(char tag, T value) {
    char bytes[1 + sizeof(T)] = {tag};
    std::memcpy(bytes + 1, &value, sizeof value);
    return append(*out_, std::string_view(bytes, sizeof bytes));
  }
  nx_status text(char tag, std::string_view value) {
    if (value.size() > UINT32_MAX) return NX_E_UNREPRESENTABLE;
    const nx_status status = number(tag, static_cast<uint32_t>(value.size()));
    return status == NX_OK ? append(*out_, value) : status;
  }

  nx_writer* out_;
};

class Tlv : public Serializer<Tlv, Emitter> {
 public:
  static constexpr std::string_view kName = "tlv";
  static constexpr std::string_view kHelp = "For tests: tag, length, value.";
  static constexpr std::string_view kFormat = "tlv", kSubprotocol = "wamp.2.tlv";
  static constexpr uint32_t kRawsocketId = 15, kFlags = 0;
  static constexpr nx_option kOptions[] = {
      option::size("max_text", "0", "Longest text that is taken; 0 = any.", 0, UINT32_MAX),
  };
  using Serializer::Serializer;

  void configure(const Section& section) override {
    const auto given = static_cast<uint32_t>(section.size("max_text"));
    if (given != 0) max_text_ = given;
  }

  nx_status split(nx_bytes message, const nx_limits& limits, nx_writer&, nx_element* out,
                  uint32_t capacity, uint32_t& count) {
    Reader reader(message, limits.max_depth, max_text_);
    char tag = 0;
    if (!reader.take(tag) || tag != 'l') throw Error(NX_E_MALFORMED, "not a list");
    for (count = 0; !reader.take_end(); ++count) {
      if (count == capacity) throw Error(NX_E_MALFORMED, "too many elements");
      out[count] = nx_element{};
      const char* begin = reader.position();
      const nx_status status = reader.read(ElementSink{out[count]}, 2);
      if (status < 0) return status;
      out[count].span = bytes_of({begin, static_cast<size_t>(reader.position() - begin)});
    }
    return reader.at_end() ? NX_OK : NX_E_MALFORMED;
  }

  nx_status walk(nx_bytes value, const nx_limits& limits, nx_writer&, const Sink& sink) {
    Reader reader(value, limits.max_depth, max_text_);
    const nx_status status = reader.read(sink, 1);
    return status < 0 || reader.at_end() ? status : NX_E_MALFORMED;
  }

 private:
  uint32_t max_text_ = UINT32_MAX;
};

}  // namespace

NX_CPP_PLUGIN("test-serializer-tlv", "1.0.0", "nexus tests", "Apache-2.0", Tlv)
