// nexus.config/1: how a component names every mistake of its section. [main]
#include "kernel/plugin/barrier.hpp"
#include "kernel/plugin/given_text.hpp"
#include "kernel/plugin/host.hpp"
#include "kernel/plugin/options.hpp"
#include "kernel/plugin/services.hpp"

namespace nexus {
namespace {

void add(std::vector<ConfigMistake>* list, nx_str option, nx_str text) {
  if (list == nullptr) return;  // not from inside configure()
  // It counts, however it is written: an operator is better told half of it than nothing.
  list->push_back({one_line(shown_text(option)), one_line(shown_text(text))});
}

void mistake(nx_host* host, nx_str option, nx_str text) {
  add(Host::of(host).mistakes, option, text);
}

void warning(nx_host* host, nx_str option, nx_str text) {
  add(Host::of(host).warnings, option, text);
}

}  // namespace

const nx_host_config_v1* config_service() {
  static const nx_host_config_v1 table = {sizeof(nx_host_config_v1), 0, &mistake, &warning};
  return &table;
}

}  // namespace nexus
