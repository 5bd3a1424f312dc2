// Reflection: what the sessions of one realm say about the procedures, topics and errors that they
// provide or use, for others to read.
//
// The specification has names for it and nothing else; docs/features.md says what this router
// makes of them. A description belongs to the session that gave it and goes with that session.
// Several sessions may describe one URI, as several may register it: shown is the description of
// the one who came first, so that nobody can talk over somebody else.
//
// Reached from every loop. While nothing is described, a session that leaves takes no lock here.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernel/base/text_hash.hpp"
#include "kernel/routing/meta_events.hpp"
#include "kernel/session/ports.hpp"

namespace nexus {

enum class Described : uint8_t { procedure, topic, error };
inline constexpr size_t kDescribedKinds = 3;
std::string_view described_name(Described kind);  // "procedure", "topic", "error"

// A description as its session wrote it. Immutable.
struct Description {
  const Serializer* format = nullptr;
  std::vector<uint8_t> bytes;  // one value
};
using DescriptionPtr = std::shared_ptr<const Description>;

class Reflection {
 public:
  Reflection(const RealmPolicy& policy, MetaEvents& events) : policy_(policy), events_(events) {}

  enum class Defined : uint8_t {
    made,       // the URI had no description
    changed,    // what is shown has changed
    unchanged,  // nobody sees a difference
    too_many,   // the session has as many as it may have
    no_room,    // the realm has
  };
  // What is shown of a URI.
  struct Shown {
    DescriptionPtr description;  // null: it is not described
    int64_t created_ms = 0;      // since when it is described, by anybody
    std::vector<uint64_t> sessions;
  };

  // All of them [any].
  Defined define(uint64_t session, Described kind, std::string_view uri, DescriptionPtr text);
  bool undefine(uint64_t session, Described kind, std::string_view uri);  // false: it had none
  Shown find(Described kind, std::string_view uri);
  std::vector<std::string> list(Described kind);  // URIs, in their order
  // The session has ended: what it has described goes. Noted for the meta events if `tell`.
  void leave(uint64_t session, bool tell);

 private:
  struct Holder {
    uint64_t session = 0;
    DescriptionPtr text;
  };
  struct Definition {
    int64_t created_ms = 0;
    std::vector<Holder> holders;  // the first one's is shown
  };
  struct Key {
    Described kind;
    std::string uri;
  };
  using Table = std::unordered_map<std::string, Definition, TextHash, std::equal_to<>>;

  // mutex_ is held.
  bool remove(uint64_t session, Described kind, const std::string& uri, bool tell);
  void note_defined(Described kind, std::string_view uri, bool made);
  static uint64_t cost(std::string_view uri, const Description& text);

  const RealmPolicy& policy_;
  MetaEvents& events_;
  std::atomic<uint64_t> count_{0};  // of holders; changed under mutex_

  std::mutex mutex_;
  // Guarded by mutex_.
  std::array<Table, kDescribedKinds> tables_;
  std::unordered_map<uint64_t, std::vector<Key>> by_session_;
  uint64_t bytes_ = 0;
};

}  // namespace nexus
