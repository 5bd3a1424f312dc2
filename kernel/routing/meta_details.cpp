#include "kernel/routing/meta_details.hpp"

#include "kernel/routing/history.hpp"
#include "kernel/routing/registration.hpp"
#include "kernel/routing/subscription.hpp"

namespace nexus {
namespace {

template <typename Object>
Value details_of(const Object& object) {
  Value details = Value::dict();
  details.append("id", Value::unsigned_integer(object.id));
  details.append("created", Value::string(format_time(object.created_ms)));
  details.append("uri", Value::string(object.uri));
  details.append("match", Value::string(match_name(object.match)));
  return details;
}

constexpr std::string_view kPublicTransportKeys[] = {"websocket_protocol", "tls_version"};

}  // namespace

Value meta_details(const Subscription& subscription) { return details_of(subscription); }

Value meta_details(const Registration& registration) {
  Value details = details_of(registration);
  details.append("invoke", Value::string(invoke_name(registration.invoke)));
  return details;
}

Value meta_details(const SessionInfo& info, const RealmPolicy& policy) {
  Value details = Value::dict();
  details.append("session", Value::unsigned_integer(info.id));
  details.append("authid", Value::string(info.authid));
  details.append("authrole", Value::string(info.authrole));
  details.append("authmethod", Value::string(info.authmethod));
  details.append("authprovider", Value::string(info.authprovider));
  Value transport = Value::dict();
  for (const std::string_view key : kPublicTransportKeys) {
    if (const Value value = info.transport.find(key)) transport.append(key, value);
  }
  if (transport.size() != 0) details.append("transport", std::move(transport));
  for (const std::string& key : policy.meta_session_details) {
    const Value value = info.attributes.find(key);
    if (value && !details.find(key)) details.append(key, value);
  }
  return details;
}

}  // namespace nexus
