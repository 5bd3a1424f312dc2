// A long-poll listener on the fake host, with requests and answers as text.
#pragma once

#include "component.hpp"

namespace transports_test {

struct LongPollRig : Rig {
  explicit LongPollRig(const std::string& json = R"({"listen": ":0"})")
      : Rig(nexus_plugin_entry_v1_nexus_transport_longpoll(), json) {}
  ~LongPollRig() {
    // As the router does before it stops.
    for (auto& session : host.sessions) {
      if (session->closed == 0) session->close(NX_CLOSE_NOW);
    }
    host.turn_all();
    for (auto& stream : host.streams) host.drop(*stream);
    host.turn_all();
  }

  static std::string request(std::string_view path, std::string_view body = {},
                             std::string_view headers = {}, std::string_view method = "POST") {
    std::string out(method);
    out += " " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(headers);
    if (!body.empty()) out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return out + "\r\n" + std::string(body);
  }
  void send(nx_stream& stream, std::string_view bytes) {
    host.feed(stream, bytes);
    host.turn_all();
  }
  // What has been answered on a stream since it was last looked at.
  static std::string answer(nx_stream& stream) { return std::exchange(stream.sent, {}); }
  // A request on a stream, and its answer.
  std::string ask(nx_stream& stream, std::string_view bytes) {
    send(stream, bytes);
    return answer(stream);
  }
  // Opens a transport and answers its path.
  std::string open(nx_stream& stream, std::string_view protocol = "wamp.2.json") {
    const std::string text =
        ask(stream, request("/lp/open", "{\"protocols\": [\"" + std::string(protocol) + "\"]}"));
    const size_t at = text.find("\"transport\":\"");
    demand(at != std::string::npos, text.c_str());
    const size_t begin = at + 13;
    return "/lp/" + text.substr(begin, text.find('"', begin) - begin);
  }
  nx_session& session() { return *host.sessions.back(); }
};

inline int status_of(std::string_view answer) {
  return answer.size() < 12 ? 0 : std::atoi(std::string(answer.substr(9, 3)).c_str());
}
inline std::string body_of(std::string_view answer) {
  const size_t end = answer.find("\r\n\r\n");
  return end == std::string_view::npos ? "" : std::string(answer.substr(end + 4));
}

}  // namespace transports_test
