#include "kernel/routing/stored_event.hpp"

#include <algorithm>
#include <chrono>

namespace nexus {

StoredEvent::StoredEvent(uint64_t id, std::string_view uri, const Options& options,
                         const Payload& payload, const SessionInfo* publisher, bool is_disclosed,
                         int64_t timestamp, uint64_t since)
    : publication(id),
      topic(uri),
      timestamp_ms(timestamp),
      kept_since_ms(since),
      receivers(options.receivers),
      passthru(options.passthru),
      exclude_me(options.exclude_me),
      has_rkey(options.has_rkey),
      rkey(options.rkey),
      disclosed(is_disclosed && publisher != nullptr),
      payload_(payload) {
  if (publisher != nullptr) publisher_id = publisher->id;
  if (disclosed) {
    publisher_authid = publisher->authid;
    publisher_authrole = publisher->authrole;
  }
  bytes_ = BufferRef::allocate(payload.size());
  if (bytes_) {
    const Bytes args = payload.args;
    const Bytes kwargs = payload.kwargs;
    if (!args.empty()) std::memcpy(bytes_.data(), args.data(), args.size());
    if (!kwargs.empty()) std::memcpy(bytes_.data() + args.size(), kwargs.data(), kwargs.size());
    payload_.args = {bytes_.data(), args.size()};
    payload_.kwargs = {bytes_.data() + args.size(), kwargs.size()};
  } else {
    payload_.args = payload_.kwargs = {};
  }
  size_ = sizeof *this + topic.size() + payload.size() +
          (receivers.exclude.size() + receivers.eligible.size()) * sizeof(uint64_t);
  for (const AttributeList& list : receivers.attributes) {
    size_ += sizeof list + list.attribute.size();
    for (const std::string& value : list.values) size_ += sizeof value + value.size();
  }
}

int64_t epoch_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

bool may_receive(const Receivers& wanted, const SessionInfo& session, bool empty_means_all) {
  const auto contains = [](const auto& list, const auto& value) {
    return std::binary_search(list.begin(), list.end(), value);
  };
  if (wanted.has_exclude && contains(wanted.exclude, session.id)) return false;
  if (wanted.has_eligible && !(wanted.eligible.empty() && empty_means_all) &&
      !contains(wanted.eligible, session.id)) {
    return false;
  }
  for (const AttributeList& list : wanted.attributes) {
    if (list.eligible && list.values.empty() && empty_means_all) continue;
    bool listed = false;
    if (list.attribute == "authid") {
      listed = contains(list.values, session.authid);
    } else if (list.attribute == "authrole") {
      listed = contains(list.values, session.authrole);
    } else if (list.attribute == "authmethod") {
      listed = contains(list.values, session.authmethod);
    } else if (list.attribute == "authprovider") {
      listed = contains(list.values, session.authprovider);
    } else {
      // Any other key of HELLO.Details; one that the session does not have is in no list.
      const Value attribute = session.attributes.find(list.attribute);
      listed = attribute.is(NX_STRING) && contains(list.values, attribute.as_string());
    }
    if (listed != list.eligible) return false;
  }
  return true;
}

}  // namespace nexus
