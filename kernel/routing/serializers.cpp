// The section serializers: options of the formats, and that no two of them are taken for each
// other. [main]
#include <map>

#include "kernel/routing/router.hpp"

namespace nexus {
namespace {

// Behind a subprotocol: frames carry several messages (E-12).
constexpr std::string_view kBatched = ".batched";

std::string described(const Component& component) {
  return "serializer '" + std::string(component.name()) + "' (" + component.file + ")";
}

// What of two serializers a client, or a listener's option, could not tell apart; or empty.
std::string what_is_the_same(const nx_serializer_v1& a, const nx_serializer_v1& b,
                             bool one_plugin) {
  if (to_view(a.name) == to_view(b.name)) {
    return "the format name '" + std::string(to_view(a.name)) + "'";
  }
  // Two dialects of one plugin may share what clients ask for: the listener's option `serializers`
  // chooses, as with ubjson and bjdata.
  if (one_plugin) return {};
  if (a.rawsocket_id != 0 && a.rawsocket_id == b.rawsocket_id) {
    return "the RawSocket id " + std::to_string(a.rawsocket_id);
  }
  const std::string_view subprotocol = to_view(a.subprotocol);
  if (!subprotocol.empty() && subprotocol == to_view(b.subprotocol)) {
    return "the WebSocket subprotocol '" + std::string(subprotocol) + "'";
  }
  return {};
}

}  // namespace

std::string RouterImpl::serializer_clash(const Component& component,
                                         const nx_serializer_v1& table) const {
  for (size_t i = 0; i < serializers_.size(); ++i) {
    const Component& other = *serializer_components_[i];
    const std::string same =
        what_is_the_same(table, *serializers_[i].table, component.plugin == other.plugin);
    if (same.empty()) continue;
    return described(component) + " and " + described(other) + " both have " + same +
           "; load only one of the two (plugins.load)";
  }
  if (to_view(table.subprotocol).ends_with(kBatched)) {
    return described(component) + " has the WebSocket subprotocol '" +
           std::string(to_view(table.subprotocol)) +
           "', but names that end in .batched stand for batches of another; report it to its "
           "author";
  }
  return {};
}

void RouterImpl::configure_serializer(const Component& component, const Value& section,
                                      const std::string& path,
                                      std::vector<ConfigMistake>& mistakes) {
  if (serializers_.size() == kMaxSerializers) {
    mistakes.push_back(
        {path, "is one too many: at most " + std::to_string(kMaxSerializers) + " can be loaded"});
    return;
  }
  auto instance = configure_component(NX_KIND_SERIALIZER, section, path, mistakes);
  if (instance == nullptr) return;
  const auto* table = static_cast<const nx_serializer_v1*>(
      instance->interface_of(NX_SERIALIZER_V1, sizeof(nx_serializer_v1)));
  if (table == nullptr || table->emitter_size > NX_EMITTER_MAX) {
    mistakes.push_back({path, "has no usable interface " NX_SERIALIZER_V1});
    return;
  }
  if (std::string clash = serializer_clash(component, *table); !clash.empty()) {
    mistakes.push_back({"plugins", std::move(clash)});
    return;
  }
  Serializer serializer;
  serializer.table = table;
  serializer.self = instance->self();
  serializer.index = static_cast<uint32_t>(serializers_.size());
  serializer.limits.max_depth = policy_.max_depth;
  serializers_.push_back(serializer);
  serializer_components_.push_back(&component);
  instances_.push_back({std::move(instance), {}, true});
}

void RouterImpl::configure_serializers(const Value& config, std::vector<ConfigMistake>& mistakes) {
  struct Section {
    std::string path;
    Value value;
  };
  std::map<std::string, Section, std::less<>> sections;  // by the serializer's name
  Value given = config.find("serializers");
  if (!given) given = Value::dict();
  if (!given.is(NX_DICT)) {
    mistakes.push_back({"serializers", "must hold one section for each: { \"<label>\": { … } }"});
    given = Value::dict();
  }
  for (size_t i = 0; i < given.size(); ++i) {
    const std::string label(given.key_at(i));
    const std::string path = "serializers." + label;
    if (!given.at(i).is(NX_DICT)) {
      mistakes.push_back({path, "must be a section"});
      continue;
    }
    Value value = Value::dict();
    value.set("type", Value::string(label));
    for (size_t k = 0; k < given.at(i).size(); ++k) {
      value.set(given.at(i).key_at(k), given.at(i).at(k));
    }
    const std::string type(value.find("type").as_string());
    if (registry_->find(NX_KIND_SERIALIZER, type) == nullptr) {
      configure_component(NX_KIND_SERIALIZER, value, path, mistakes);  // says so
    } else if (const auto [at, is_new] = sections.try_emplace(type, Section{path, value});
               !is_new) {
      mistakes.push_back({path, "is for serializer '" + type + "', which has the section " +
                                    at->second.path + " already; a serializer has only one"});
    }
  }
  for (const Component& component : registry_->components()) {
    if (component.table->kind != NX_KIND_SERIALIZER) continue;
    const auto found = sections.find(component.name());
    if (found != sections.end()) {
      configure_serializer(component, found->second.value, found->second.path, mistakes);
      continue;
    }
    Value section = Value::dict();
    section.set("type", Value::string(component.name()));
    configure_serializer(component, section, "serializers." + std::string(component.name()),
                         mistakes);
  }
  if (serializers_.empty() && registry_->failed().empty()) {
    mistakes.push_back({"plugins", "no serializer is loaded, so no client could be understood"});
  }
}

}  // namespace nexus
