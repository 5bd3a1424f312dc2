// Realms that nobody can join by what their authenticators say of themselves. [main]
//
// Only what is certain is a mistake: where an authenticator tells nothing, or where something may
// change while the router runs, or where another realm may send clients here, there is a way in, or
// it is worth a warning.
#include <algorithm>

#include "kernel/routing/router.hpp"

namespace nexus {
namespace {

// What all listeners together offer.
struct Offers {
  bool confidential = false;
  bool local = false;
  bool certificates = false;
};

// Why an authenticator lets nobody in; empty: it may let somebody in.
struct Obstacle {
  std::string why;
  bool certain = true;      // else it can go while the router runs
  bool local_only = false;  // clients on this machine it does let in
};

Obstacle obstacle_of(const AuthenticatorHandle& handle, const Offers& offers) {
  if ((handle.limits & NX_AUTH_ONLY_RETURNING) != 0) {
    return {"lets in only who has joined it by another authenticator before"};
  }
  if ((handle.limits & NX_AUTH_ONLY_CERTIFICATE) != 0 && !offers.certificates) {
    return {
        "takes clients with a TLS certificate only, and no listener asks for one (tls.client_ca, "
        "tls.client_certificate)"};
  }
  if ((handle.limits & NX_AUTH_KNOWS_NOBODY) != 0) return {"knows nobody yet", false};
  if ((handle.limits & NX_AUTH_ONLY_CONFIDENTIAL) != 0 && !offers.confidential) {
    const std::string why =
        "takes nobody over a connection that others can listen to, and no listener has TLS "
        "(tls.certificate there, or allow_plaintext here)";
    return {why, true, offers.local};
  }
  return {};
}

}  // namespace

void RouterImpl::check_ways_in(std::vector<ConfigMistake>& mistakes) {
  Offers offers;
  // Without listeners, or with some that are wrong, nobody knows what they would offer.
  bool unknown = transports_.empty() ||
                 std::any_of(mistakes.begin(), mistakes.end(), [](const ConfigMistake& one) {
                   return one.path.starts_with("transports.");
                 });
  for (const Transport& transport : transports_) {
    const ListenerOffers* const here = listen_claims_.offers(transport.instance->section());
    unknown = unknown || here == nullptr;
    if (here == nullptr) continue;
    offers.confidential |= here->confidential;
    offers.local |= here->local;
    offers.certificates |= here->certificates;
  }
  if (unknown) offers = {true, true, true};
  const std::vector<WaysIn> all = std::exchange(ways_in_, {});
  for (const WaysIn& realm : all) {
    if (!realm.complete) continue;
    std::string reasons;
    bool certain = true, local = false, open = false;
    for (const AuthenticatorHandle& handle : realm.authenticators) {
      const Obstacle obstacle = obstacle_of(handle, offers);
      open = open || obstacle.why.empty();
      certain = certain && obstacle.certain;
      local = local || obstacle.local_only;
      const std::string label =
          handle.section.substr(std::min(handle.section.rfind('.') + 1, handle.section.size()));
      reasons += (reasons.empty() ? "" : "; ") + label + " " + obstacle.why;
    }
    if (open) continue;
    const bool sent_here = std::any_of(all.begin(), all.end(), [&](const WaysIn& other) {
      return other.path != realm.path &&
             (!other.complete ||
              std::any_of(other.authenticators.begin(), other.authenticators.end(),
                          [](const AuthenticatorHandle& handle) {
                            return (handle.limits & NX_AUTH_ONLY_HERE) == 0;
                          }));
    });
    const bool doubtful = !certain || local || sent_here || environment_.closed_realms;
    const std::string who =
        local ? "only clients on this machine can join the realm" : "nobody can join the realm";
    (doubtful ? warnings_ : mistakes)
        .push_back(
            {realm.path + ".authenticators",
             who + (sent_here ? ", unless another realm's authenticator sends them here: " : ": ") +
                 reasons});
  }
}

}  // namespace nexus
