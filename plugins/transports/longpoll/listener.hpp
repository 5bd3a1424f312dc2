// The long-poll component's instance: one listener with its configuration. [main], but for
// recognize().
#pragma once

#include <memory>

#include "plugins/support/stream_listener.hpp"
#include "plugins/transports/longpoll/hub.hpp"

namespace nexus::longpoll {

class Listener : public support::StreamListener {
 public:
  explicit Listener(const support::Services& services);
  ~Listener() override;

  nx_status configure(const nx_value* section, nx_error* error);
  std::string takes() const;  // for nx_listen_options.shares_as
  nx_status listen(nx_error* error);
  // nx_stream_handler.recognize. [loop]
  uint32_t recognize(const uint8_t* data, uint64_t size) const;

  const std::shared_ptr<Hub> hub;
};

}  // namespace nexus::longpoll
