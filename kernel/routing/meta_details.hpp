// What the meta API says about sessions, registrations and subscriptions, in its procedures and in
// its events alike. Any thread; of objects that a lock guards, under that lock.
#pragma once

#include "kernel/base/value.hpp"
#include "kernel/session/info.hpp"
#include "kernel/session/policy.hpp"

namespace nexus {

struct Registration;
struct Subscription;

Value meta_details(const Registration& registration);  // {id, created, uri, match, invoke}
Value meta_details(const Subscription& subscription);  // {id, created, uri, match}
// {session, authid, authrole, authmethod, authprovider, transport?}, and the attributes that the
// realm wants shown. Of the transport only what is nobody's secret: never headers or cookies.
Value meta_details(const SessionInfo& info, const RealmPolicy& policy);

}  // namespace nexus
