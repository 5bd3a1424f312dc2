// Settings: the option tables of the router's own sections, and policies made of checked sections.
// [main] The tables serve the checker, `nexusd --describe-config` and docs/configuration.md alike.
#pragma once

#include <string>
#include <vector>

#include "kernel/base/value.hpp"
#include "kernel/nexus.hpp"
#include "kernel/session/policy.hpp"

namespace nexus {

OptionTable router_table();
OptionTable plugins_table();
OptionTable serializer_table();  // the keys of serializers.<label> that are not the component's
OptionTable transport_table();   // the keys of transports.<label> that are not the component's
OptionTable realm_table();       // realms.<label>
OptionTable realm_template_table();
OptionTable component_table();  // realms.<label>.authenticators.<label>, …authorizers.<label>

OptionTable history_table();  // realms.<label>.history.<label>
OptionTable role_table();     // realms.<label>.roles.<authrole>

RouterPolicy make_router_policy(const Value& checked);
RealmPolicy make_realm_policy(const Value& checked);
HistoryPolicy make_history_policy(const Value& checked);
RolePolicy make_role_policy(std::string_view authrole, const Value& checked,
                            const RealmPolicy& realm);

}  // namespace nexus
