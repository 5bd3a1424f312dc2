#include "kernel/message/code.hpp"

#include "kernel/message/table.hpp"

namespace nexus {

std::string_view code_name(Code code) {
  const Layout* layout = find_layout(static_cast<uint64_t>(code));
  return layout == nullptr ? std::string_view{} : layout->name;
}

std::string_view match_name(Match match) {
  switch (match) {
    case Match::exact:
      return "exact";
    case Match::prefix:
      return "prefix";
    case Match::wildcard:
      return "wildcard";
  }
  return {};
}

std::string_view invoke_name(Invoke invoke) {
  switch (invoke) {
    case Invoke::single:
      return "single";
    case Invoke::roundrobin:
      return "roundrobin";
    case Invoke::random:
      return "random";
    case Invoke::first:
      return "first";
    case Invoke::last:
      return "last";
    case Invoke::sharded:
      return "sharded";
  }
  return {};
}

std::string_view cancel_mode_name(CancelMode mode) {
  switch (mode) {
    case CancelMode::skip:
      return "skip";
    case CancelMode::kill:
      return "kill";
    case CancelMode::killnowait:
      return "killnowait";
  }
  return {};
}

}  // namespace nexus
