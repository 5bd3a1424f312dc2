// NatsLink: a client of nats-server in the plain NATS text protocol. The yardstick.
#pragma once

#include <string>
#include <vector>

#include "bench/address.hpp"
#include "bench/link.hpp"

namespace bench {

class NatsLink : public Link {
 public:
  NatsLink(Engine& engine, const Address& address, LinkEvents& events);

  void subscribe(const std::string& topic, const std::string& match) override;
  void register_procedure(const std::string& procedure) override;
  void prepare_publish(const std::string& topic, size_t payload_size) override;
  void prepare_call(const std::string& procedure, size_t payload_size) override;
  void prepare_answer(size_t payload_size) override;
  void publish(size_t topic, std::string_view payload) override;
  uint64_t call(std::string_view payload) override;
  void answer(const Call& call, std::string_view payload) override;

 protected:
  size_t received(const uint8_t* data, size_t size) override;

 private:
  // What each of our subscriptions is for; the number of a subscription is its index + 1.
  enum class Use { kEvents, kCalls, kResults };
  void subscribe_for(Use use, const std::string& subject);
  void put(std::initializer_list<std::string_view> parts);
  void handle_line(std::string_view line);
  void handle_message(std::string_view subject, uint64_t subscription, std::string_view reply_to,
                      std::string_view payload);

  std::vector<Use> uses_;
  std::string inbox_;                 // "_INBOX.<n>." in front of a call's number
  std::vector<std::string> publish_;  // "PUB <topic> <size>\r\n"
  std::string call_;                  // "PUB <procedure> _INBOX.<n>."
  std::string size_;                  // " <size>\r\n" of a call or an answer
  uint64_t last_call_ = 0;
};

// The parts of "MSG <subject> <sid> [reply-to] <#bytes>", without the line's end.
struct NatsHead {
  std::string_view subject, reply_to;
  uint64_t subscription = 0, size = 0;
};

// False if it is no MSG line.
bool read_nats_head(std::string_view line, NatsHead& out);

}  // namespace bench
