// Random values and random damage, from a seeded generator. Header only, any thread.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "tests/support/serializers.hpp"

namespace nexus::test {

// A value, held as plainly as can be: nothing here is shared with the code under test.
struct Node {
  uint32_t kind = NX_NULL;
  int64_t i = 0;
  uint64_t u = 0;
  double d = 0;
  std::string text;
  std::vector<std::string> keys;
  std::vector<Node> items;
};

// What Tracer would write for it.
inline std::string text_of(const Node& node) {
  switch (node.kind) {
    case NX_NULL:
      return "null";
    case NX_BOOL:
      return node.i != 0 ? "true" : "false";
    case NX_INT:
      return "i" + std::to_string(node.i);
    case NX_UINT:
      return "u" + std::to_string(node.u);
    case NX_DOUBLE:
      return Tracer::real(node.d);
    case NX_STRING:
      return Tracer::quoted(node.text);
    case NX_BINARY:
      return "b\"" + hex(node.text) + '"';
    default:
      break;
  }
  std::string out;
  for (size_t i = 0; i < node.items.size(); ++i) {
    if (i != 0) out += ' ';
    if (node.kind == NX_DICT) out += Tracer::quoted(node.keys[i]) + ' ';
    out += text_of(node.items[i]);
  }
  return node.kind == NX_DICT ? "{" + out + "}" : "[" + out + "]";
}

// Feeds the value to a sink, with or without telling it how many entries there are.
inline nx_status feed(const Node& node, const nx_value_sink& sink, void* user, bool counts) {
  const uint64_t count = counts ? node.items.size() : NX_COUNT_UNKNOWN;
  switch (node.kind) {
    case NX_NULL:
      return sink.on_null(user);
    case NX_BOOL:
      return sink.on_bool(user, static_cast<uint32_t>(node.i));
    case NX_INT:
      return sink.on_int(user, node.i);
    case NX_UINT:
      return sink.on_uint(user, node.u);
    case NX_DOUBLE:
      return sink.on_double(user, node.d);
    case NX_STRING:
      return sink.on_string(user, to_nx(node.text));
    case NX_BINARY:
      return sink.on_binary(user, to_nx(as_bytes(node.text)));
    default:
      break;
  }
  const bool dict = node.kind == NX_DICT;
  nx_status status = dict ? sink.dict_begin(user, count) : sink.list_begin(user, count);
  for (size_t i = 0; i < node.items.size() && status == NX_OK; ++i) {
    if (dict) status = sink.dict_key(user, to_nx(node.keys[i]));
    if (status == NX_OK) status = feed(node.items[i], sink, user, counts);
  }
  if (status != NX_OK) return status;
  return dict ? sink.dict_end(user) : sink.list_end(user);
}

inline std::string random_text(std::mt19937& random) {
  static const std::string kPieces[] = {"a",
                                        "key",
                                        "\n",
                                        "\"",
                                        "\\",
                                        "/",
                                        "\x01",
                                        "\xc3\xa9",
                                        std::string(1, '\0'),
                                        "\x7f",
                                        " ",
                                        "\xe2\x82\xac",
                                        "\xf0\x9f\x98\x80",
                                        "{[",
                                        ":,",
                                        "0123456789abcdef"};
  std::string text;
  size_t pieces = random() % 8;
  if (random() % 20 == 0) pieces = random() % 80;
  for (size_t i = 0; i < pieces; ++i) text += kPieces[random() % std::size(kPieces)];
  return text;
}

inline Node random_node(std::mt19937& random, int levels) {
  Node node;
  constexpr uint32_t kKinds[] = {NX_NULL,   NX_BOOL,   NX_INT,    NX_INT,  NX_UINT, NX_DOUBLE,
                                 NX_STRING, NX_STRING, NX_BINARY, NX_LIST, NX_DICT};
  node.kind = kKinds[random() % (levels > 0 ? std::size(kKinds) : std::size(kKinds) - 2)];
  uint64_t bits = uint64_t{random()} << 32;
  bits |= random();
  switch (node.kind) {
    case NX_BOOL:
      node.i = static_cast<int64_t>(bits % 2);
      break;
    case NX_INT:
      node.i = static_cast<int64_t>(bits) >> random() % 64;  // all lengths alike
      break;
    case NX_UINT:
      node.u = bits | uint64_t{1} << 63;
      break;
    case NX_DOUBLE:
      node.d = std::bit_cast<double>(bits);
      if (!std::isfinite(node.d) || random() % 2 == 0) node.d = static_cast<double>(node.i % 1000);
      break;
    case NX_STRING:
      node.text = random_text(random);
      if (!node.text.empty() && node.text[0] == 0) node.text[0] = 'N';  // JSON could not say it
      break;
    case NX_BINARY:
      for (size_t size = random() % 40; node.text.size() < size;) {
        node.text += static_cast<char>(random());
      }
      break;
    case NX_LIST:
    case NX_DICT: {
      const size_t most = random() % 10 == 0 ? 40 : 6;
      for (size_t size = random() % most; node.items.size() < size;) {
        if (node.kind == NX_DICT) node.keys.push_back(random_text(random));
        node.items.push_back(random_node(random, levels - 1));
      }
      break;
    }
    default:
      break;
  }
  return node;
}

// A list of up to ten values.
inline Node random_message(std::mt19937& random) {
  Node node;
  node.kind = NX_LIST;
  for (size_t size = random() % 11; node.items.size() < size;) {
    node.items.push_back(random_node(random, 4));
  }
  return node;
}

// Changes, removes, repeats or inserts a little.
inline void damage_bytes(std::string& bytes, std::mt19937& random) {
  if (bytes.empty()) return;
  const size_t at = random() % bytes.size();
  switch (random() % 5) {
    case 0:
      bytes[at] = static_cast<char>(random());
      break;
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
      break;
    case 2:
      bytes.erase(at, 1 + random() % 3);
      break;
    case 3:
      bytes.insert(at, bytes.substr(at, 1 + random() % 5));
      break;
    default:
      bytes.insert(at, 1, static_cast<char>(random()));
  }
}

}  // namespace nexus::test
