// The results as JSON; see report.hpp. The shape is described in docs/benchmarks.md.
#include <cmath>
#include <cstdio>

#include "bench/report.hpp"

namespace bench {

namespace {

// A JSON object in the making.
class Object {
 public:
  Object& raw(const std::string& name, const std::string& json) {
    text_ += (text_.empty() ? "" : ",") + json_string(name) + ":" + json;
    return *this;
  }
  Object& add(const std::string& name, const std::string& value) {
    return raw(name, json_string(value));
  }
  Object& add(const std::string& name, double value) { return raw(name, json_number(value)); }
  std::string text() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

template <class Items, class Function>
std::string array_of(const Items& items, Function to_json) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "\n  " : ",\n  ") + to_json(item);
  return "[" + text + "]";
}

std::string latency_json(const Histogram& latency) {
  const auto us = [](uint64_t ns) { return static_cast<double>(ns) / 1e3; };
  return Object()
      .add("p50", us(latency.percentile(0.5)))
      .add("p90", us(latency.percentile(0.9)))
      .add("p99", us(latency.percentile(0.99)))
      .add("max", us(latency.max()))
      .text();
}

std::string row_json(const Row& row) {
  Object o;
  o.add("scenario", row.scenario).add("subject", row.subject).add("transport", row.transport);
  const Summary& s = row.summary;
  if (!row.operation.empty()) {
    o.add("operation", row.operation).add("rounds", s.rounds).add("cpu_us", s.cpu_us);
    o.add("cpu_us_min", s.cpu_us_min).add("cpu_us_max", s.cpu_us_max);
    o.raw("user_share", s.user_share < 0 ? "null" : json_number(s.user_share));
    o.add("per_second", s.per_second).add("own_cpu_us", s.own_us);
    o.add("resident_bytes", static_cast<double>(s.resident));
    o.raw("latency_us", s.latency.count() ? latency_json(s.latency) : "null");
  }
  Object figures;
  for (const Figure& figure : row.figures)
    figures.raw(figure.name, Object().add("value", figure.value).add("unit", figure.unit).text());
  return o.raw("figures", figures.text()).text();
}

std::string target_json(const Target& t) {
  return Object()
      .add("scenario", t.scenario)
      .add("transport", t.transport)
      .add("text", t.text)
      .add("value", t.value)
      .add("limit", t.limit)
      .add("unit", t.unit)
      .raw("met", t.met() ? "true" : "false")
      .text();
}

}  // namespace

std::string json_string(const std::string& text) {
  std::string json = "\"";
  for (const char c : text) {
    char escaped[8];
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::snprintf(escaped, sizeof(escaped), "\\u%04x", static_cast<unsigned char>(c));
      json += escaped;
    } else {
      json += c;
    }
  }
  return json + '"';
}

std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  // Whole numbers as such: a count of bytes is not 1.2e+07.
  char text[40];
  const bool whole = std::fabs(value) < 1e15 && std::floor(value) == value;
  std::snprintf(text, sizeof(text), whole ? "%.0f" : "%.6g", value);
  return text;
}

std::string Report::to_json(
    const std::vector<std::pair<std::string, std::string>>& settings) const {
  Object all, set;
  for (const auto& [name, json] : settings) set.raw(name, json);
  all.add("version", 1).raw("settings", set.text());
  all.raw("rows", array_of(rows_, row_json)).raw("targets", array_of(targets_, target_json));
  all.raw("failures", array_of(failures_, [](const auto& failure) {
            return Object().add("scenario", failure.first).add("why", failure.second).text();
          }));
  all.raw("notes", array_of(notes_, json_string));
  return all.text() + "\n";
}

}  // namespace bench
