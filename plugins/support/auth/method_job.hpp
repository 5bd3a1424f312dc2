// MethodAuthenticator::Job: for the files of MethodAuthenticator only.
#pragma once

#include <memory>

#include "plugins/support/auth/method.hpp"

namespace nexus::auth {

// What is done away from the loop, by a procedure, or after a while: a look-up after HELLO, or a
// verdict after AUTHENTICATE.
struct MethodAuthenticator::Job {
  MethodAuthenticator& self;
  sdk::PendingAuth pending;
  std::unique_ptr<Attempt> attempt;
  sdk::Value question{};  // what a procedure is asked about HELLO; empty: none is
  bool answered = false;  // AUTHENTICATE has come, with these
  Secret signature{};
  sdk::Value extra{};
};

}  // namespace nexus::auth
