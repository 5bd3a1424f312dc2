// Which authenticators look after cookies, and whether one of them knows a cookie: asked by
// transports before a session, and so a realm, is there. [main] where they come, [loop] else.
#include "kernel/plugin/barrier.hpp"
#include "kernel/routing/router.hpp"

namespace nexus {

void RouterImpl::add_cookie_keeper(const Instance& instance, const std::shared_ptr<void>& user,
                                   std::vector<ConfigMistake>& mistakes) {
  if (instance.interface_of(NX_COOKIES_V1, sizeof(uint32_t)) == nullptr) return;
  const auto* table = static_cast<const nx_cookies_v1*>(
      instance.interface_of(NX_COOKIES_V1, sizeof(nx_cookies_v1)));
  if (table == nullptr || table->known == nullptr) {
    mistakes.push_back({instance.section(), "has no usable interface " NX_COOKIES_V1});
    return;
  }
  auto all = std::make_shared<CookieKeepers>();
  const std::shared_ptr<const CookieKeepers> before = cookie_keepers();
  for (const CookieKeeper& one : *before) {
    if (!one.user.expired()) all->push_back(one);
  }
  all->push_back({table, instance.self(), user});
  const std::lock_guard lock(cookies_mutex_);
  cookie_keepers_ = std::move(all);
}

std::shared_ptr<const RouterImpl::CookieKeepers> RouterImpl::cookie_keepers() const {
  const std::lock_guard lock(cookies_mutex_);
  return cookie_keepers_;
}

bool RouterImpl::cookie_known(std::string_view cookie) {
  bool anybody = false;
  // Kept alive meanwhile: a realm may be added on another thread.
  const std::shared_ptr<const CookieKeepers> keepers = cookie_keepers();
  for (const CookieKeeper& one : *keepers) {
    const std::shared_ptr<void> user = one.user.lock();
    if (user == nullptr) continue;  // its realm is gone
    anybody = true;
    if (call_plugin_or<uint32_t>(0, [&] { return one.table->known(one.self, to_nx(cookie)); }) !=
        0) {
      return true;
    }
  }
  return !anybody;
}

}  // namespace nexus
