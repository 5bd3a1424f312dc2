// WampLink: a WAMP session over WebSocket or RawSocket, in any of the three formats.
#pragma once

#include <string>
#include <vector>

#include "bench/framing.hpp"
#include "bench/link.hpp"

namespace bench {

class WampLink : public Link {
 public:
  WampLink(Engine& engine, const Address& address, Format format, const std::string& realm,
           LinkEvents& events, const ConnectOptions& options = {});

  void subscribe(const std::string& topic, const std::string& match) override;
  void register_procedure(const std::string& procedure) override;
  void prepare_publish(const std::string& topic, size_t payload_size) override;
  void prepare_call(const std::string& procedure, size_t payload_size) override;
  void prepare_answer(size_t payload_size) override;
  void publish(size_t topic, std::string_view payload) override;
  uint64_t call(std::string_view payload) override;
  void answer(const Call& call, std::string_view payload) override;

  // As prepare_call() and prepare_answer(), with options {receive_progress: true} on the CALL and
  // {progress: true} on a YIELD sent with answer_progress().
  void prepare_progressive(const std::string& procedure, size_t payload_size);
  void answer_progress(const Call& call, std::string_view payload);

 protected:
  size_t received(const uint8_t* data, size_t size) override;

 private:
  // The templates that are in use. An idle session has none and stays small.
  struct Prepared {
    std::vector<Template> publish;
    Template call, yield, progress;
  };
  Prepared& prepared(size_t payload_size);
  void send(std::string_view message);
  void send(const Template& message, uint64_t id, std::string_view payload);
  void handle_message(std::string_view message);
  void handle_rare(const Head& head, std::string_view message);
  std::string_view payload_of(std::string_view message) const;

  const Address& address_;  // outlives every link to it
  const std::string& realm_;
  Format format_;
  uint32_t mask_;
  Framer framer_;
  bool opened_ = false;
  uint64_t last_request_ = 0;
  std::unique_ptr<Prepared> prepared_;
  std::string fragments_;
};

}  // namespace bench
