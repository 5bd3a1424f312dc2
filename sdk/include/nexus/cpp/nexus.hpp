// The whole C++ layer, but for the fakes that unit tests use (fake_host.hpp).
#ifndef NEXUS_CPP_NEXUS_HPP
#define NEXUS_CPP_NEXUS_HPP

#include "nexus/cpp/authenticator.hpp"
#include "nexus/cpp/authorizer.hpp"
#include "nexus/cpp/base.hpp"
#include "nexus/cpp/buffer.hpp"
#include "nexus/cpp/component.hpp"
#include "nexus/cpp/host.hpp"
#include "nexus/cpp/options.hpp"
#include "nexus/cpp/serializer.hpp"
#include "nexus/cpp/transport.hpp"
#include "nexus/cpp/value.hpp"
#include "nexus/cpp/watch.hpp"

#endif
