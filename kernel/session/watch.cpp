#include "kernel/session/watch.hpp"

#include "kernel/plugin/barrier.hpp"
#include "kernel/session/session.hpp"

namespace nexus {
namespace {

// What the views of an nx_session_seen point into, kept while plugins look at it.
struct Seen {
  explicit Seen(const Session& session) : info(session.info()), peer(session.peer()) {
    view.struct_size = sizeof view;
    view.session = info->id;
    view.realm = to_nx(info->realm);
    view.authid = to_nx(info->authid);
    view.authrole = to_nx(info->authrole);
    view.authmethod = to_nx(info->authmethod);
    view.authprovider = to_nx(info->authprovider);
    view.authextra = info->authextra.get();
    view.attributes = info->attributes.get();
    view.peer = &peer;
  }
  Seen(const Seen&) = delete;
  Seen& operator=(const Seen&) = delete;

  const SessionInfoPtr info;
  const nx_peer peer;
  nx_session_seen view{};
};

// What a plugin throws is its loss: there is nobody to tell, and nothing depends on it.
template <typename Fn>
void tell(const Session& session, const RealmPolicy& policy, const char* what, Fn&& fn) {
  for (const WatcherHandle& watcher : policy.watchers) {
    const Status status = call_plugin(what, [&](nx_error*) {
      fn(watcher);
      return NX_OK;
    });
    if (!status) {
      session.shard().log.limited(LogLevel::error, "plugin", policy.uri + " " + status.text(),
                                  status.text(), {{"realm", policy.uri}});
    }
  }
}

}  // namespace

void tell_joined(const Session& session, const RealmPolicy& policy) {
  const Seen seen(session);
  tell(session, policy, "joined()",
       [&](const WatcherHandle& watcher) { watcher.table->joined(watcher.self, &seen.view); });
}

void tell_left(const Session& session, const RealmPolicy& policy, uint32_t how,
               std::string_view uri) {
  const Seen seen(session);
  tell(session, policy, "left()", [&](const WatcherHandle& watcher) {
    watcher.table->left(watcher.self, &seen.view, how, to_nx(uri));
  });
}

}  // namespace nexus
