#include "kernel/plugin/given_text.hpp"

#include "kernel/base/utf8.hpp"
#include "kernel/plugin/host.hpp"

namespace nexus {

const char* text_mistake(nx_str text) {
  if (text.data == nullptr) return text.size == 0 ? nullptr : "is NULL with a length";
  return is_utf8(to_view(text)) ? nullptr : "is not UTF-8";
}

bool accept_text(nx_host* host, std::string_view what, nx_str text) {
  const char* const mistake = text_mistake(text);
  if (mistake == nullptr) return true;
  try {
    log_fault(host, std::string(what) + " " + mistake + "; refused");
  } catch (const std::bad_alloc&) {
    // Refused without a word.
  }
  return false;
}

std::string shown_text(nx_str text) {
  if (text.data == nullptr) return text.size == 0 ? "" : "(NULL with a length)";
  return repaired_utf8(to_view(text));
}

void log_fault(nx_host* host, std::string_view text) {
  if (host == nullptr) return;
  const Host& self = Host::of(host);
  if (self.context.log == nullptr) return;
  try {
    self.context.log->error(self.name, text, {{"section", self.section}});
  } catch (const std::bad_alloc&) {
    // Out of memory: the line is lost, as when the queue is full.
  }
}

}  // namespace nexus
