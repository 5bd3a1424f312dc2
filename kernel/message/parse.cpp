#include "kernel/message/parse.hpp"

#include "kernel/base/status.hpp"
#include "kernel/base/whole_number.hpp"
#include "kernel/message/table.hpp"

namespace nexus {
namespace {

// U-01. JSON says itself what is an integer; the other formats have clients that write a float.
bool float_as_id(const nx_element& element, bool text, int64_t* out) {
  return element.kind == NX_DOUBLE && !text && whole_number(element.number.d, out);
}

inline bool read_id(const nx_element& element, int64_t lowest, bool text, uint64_t* out) {
  int64_t id = 0;
  if (element.kind == NX_INT) {
    id = element.number.i;
  } else if (!float_as_id(element, text, &id)) {
    return false;
  }
  if (id < lowest || id > static_cast<int64_t>(kMaxId)) return false;
  *out = static_cast<uint64_t>(id);
  return true;
}

// Returns what the field should have been, or null when it is right.
const char* read_field(Field field, const nx_element& element, bool text, Message& out) {
  if (element.kind == NX_UNFIT) {
    // A callee's Details are passed on like its payload (M-08), so they share its fate.
    const bool data = field == Field::args || field == Field::kwargs ||
                      (field == Field::dict && out.code == Code::error);
    if (!data) return "text of UTF-8 that is not nested too deeply";
    if (field != Field::dict) out.payload.args = to_view(element.span);
    out.payload.unfit = as_text(element.text);
    return nullptr;
  }
  switch (field) {
    case Field::request:
      return read_id(element, 1, text, &out.request) ? nullptr : "an id from 1 to 2^53";
    case Field::request_or_zero:
      return read_id(element, 0, text, &out.request) ? nullptr : "an id from 0 to 2^53";
    case Field::second:
      return read_id(element, 1, text, &out.id) ? nullptr : "an id from 1 to 2^53";
    case Field::type:
      return read_id(element, 1, text, &out.id) ? nullptr : "a message code";
    case Field::dict:
      if (element.kind != NX_DICT) return "a dict";
      out.has_options = element.count != 0;
      out.options = to_view(element.span);
      return nullptr;
    case Field::realm:
      if (element.kind == NX_NULL) return nullptr;
      [[fallthrough]];
    case Field::uri:
      if (element.kind != NX_STRING) return "a string";
      out.has_uri = true;
      out.uri = as_text(element.text);
      return nullptr;
    case Field::args:
      // Some clients write null for what they leave out (U-22).
      if (element.kind == NX_NULL) return nullptr;
      if (element.kind == NX_LIST) {
        out.payload.args = to_view(element.span);
        return nullptr;
      }
      // Legal only beside enc_algo, which the options tell later.
      if (element.kind == NX_BINARY || element.kind == NX_STRING || element.kind == NX_OTHER) {
        out.payload.args = to_view(element.span);
        out.payload.opaque = true;
        return nullptr;
      }
      return "a list";
    case Field::kwargs:
      if (element.kind == NX_NULL) return nullptr;
      if (element.kind != NX_DICT) return "a dict";
      if (element.count != 0) out.payload.kwargs = to_view(element.span);
      return nullptr;
    case Field::none:
      break;
  }
  return "nothing";
}

bool fail(Violation& violation, std::string text) {
  violation.text = std::move(text);
  return false;
}

}  // namespace

bool parse(const Serializer& format, Bytes bytes, Writer& scratch, Message& out,
           Violation& violation) {
  nx_element elements[kMaxElements];
  uint32_t count = 0;
  scratch.clear();
  // Not zeroed: the struct is large, and this is the hot path.
  nx_error error;
  error.struct_size = sizeof error;
  error.text[0] = error.uri[0] = 0;
  if (format.split(bytes, scratch, elements, kMaxElements, &count, &error) != NX_OK) {
    return fail(violation, std::string("not a valid ") + std::string(format.name()) +
                               " message: " + error.text);
  }
  if (count == 0) return fail(violation, "empty message");
  if (elements[0].kind != NX_INT || elements[0].number.i < 1) {
    return fail(violation, "the first element of a message must be its code");
  }
  const auto code = static_cast<uint64_t>(elements[0].number.i);
  const Layout* layout = find_layout(code);
  if (layout == nullptr) return fail(violation, "unknown message code " + std::to_string(code));

  out = Message{};
  out.code = layout->code;
  out.payload.format = &format;
  uint32_t at = 1;
  uint32_t args_count = 0;
  for (const Field field : layout->fields) {
    if (field == Field::none || at == count) break;
    const char* wanted = read_field(field, elements[at], format.is_text(), out);
    if (wanted != nullptr) {
      return fail(violation, std::string(layout->name) + "." + std::string(layout->names[at - 1]) +
                                 " must be " + wanted);
    }
    if (field == Field::args) args_count = elements[at].count;
    ++at;
  }
  if (at != count) return fail(violation, std::string(layout->name) + " has too many elements");
  if (at - 1 < layout->required) {
    return fail(violation, std::string(layout->name) + " has too few elements");
  }
  Payload& payload = out.payload;
  if (payload.opaque && (!payload.kwargs.empty() || !payload.unfit.empty())) {
    return fail(violation, std::string(layout->name) + ".Arguments must be a list");
  }
  if (!payload.opaque && args_count == 0 && payload.kwargs.empty() && payload.unfit.empty()) {
    payload.args = {};
  }
  return true;
}

}  // namespace nexus
