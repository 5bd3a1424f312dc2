// The log: shapes of a line, levels, escaping, what happens when it cannot keep up.
#include "kernel/base/log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "kernel/base/log_format.hpp"
#include "kernel/base/log_queue.hpp"
#include "kernel/base/value.hpp"

using namespace nexus;

namespace {

// 2026-11-21T08:00:00.123Z
constexpr auto kWhen =
    std::chrono::system_clock::time_point(std::chrono::milliseconds(1795248000123));

std::string text_line(std::string_view text, std::initializer_list<LogField> fields = {}) {
  const std::string line = format_log_line(false, kWhen, LogLevel::info, "session", text, fields);
  const std::string head = "2026-11-21T08:00:00.123Z INFO  session  ";
  REQUIRE(line.starts_with(head));
  return line.substr(head.size());
}

// Collects lines; the log's thread writes, the test reads after flush() or the log's end.
struct Collector {
  std::mutex mutex;
  std::vector<std::string> lines;
  LogOptions options() {
    LogOptions options;
    options.sink = [this](std::string_view line) {
      const std::lock_guard lock(mutex);
      lines.emplace_back(line);
    };
    return options;
  }
};

class TemporaryFolder {
 public:
  TemporaryFolder() { REQUIRE(mkdtemp(path_.data()) != nullptr); }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_ = std::filesystem::temp_directory_path() / "nexus-XXXXXX";
};

std::string content(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

}  // namespace

TEST_CASE("log: a text line") {
  CHECK(text_line("joined", {{"session", uint64_t{9007199254740992}},
                             {"realm", "realm1"},
                             {"delta", -3},
                             {"tls", true}}) ==
        "joined session=9007199254740992 realm=realm1 delta=-3 tls=true");
  CHECK(format_log_line(false, kWhen, LogLevel::warning, "authenticator.ticket", "x", {}) ==
        "2026-11-21T08:00:00.123Z WARN  authenticator.ticket x");
}

TEST_CASE("log: a JSON line is JSON, with numbers as numbers") {
  const std::string line =
      format_log_line(true, kWhen, LogLevel::error, "session", "said \"hi\"\n",
                      {{"session", uint64_t{UINT64_MAX}}, {"authid", "\x01\xff"}, {"delta", -3}});
  CHECK(line ==
        "{\"time\":\"2026-11-21T08:00:00.123Z\",\"level\":\"error\",\"area\":\"session\","
        "\"text\":\"said \\\"hi\\\"\\n\",\"session\":18446744073709551615,"
        "\"authid\":\"\\u0001\xef\xbf\xbd\",\"delta\":-3}");
  CHECK(from_json(line));
}

TEST_CASE("log: hostile text cannot forge a line, a field or a colour") {
  CHECK(text_line("a\nb\rc\x1b[31m\x7f") == "a\\nb\\x0dc\\x1b[31m\\x7f");
  CHECK(text_line("x", {{"authid", "joe realm=admin"}}) == "x authid=\"joe realm=admin\"");
  CHECK(text_line("x", {{"authid", "joe\" realm=\"admin"}}) ==
        "x authid=\"joe\\\" realm=\\\"admin\"");
  CHECK(text_line("x", {{"authid", "a=b"}}) == "x authid=\"a=b\"");
  CHECK(text_line("x", {{"authid", ""}}) == "x authid=\"\"");
  CHECK(text_line("x", {{"authid", "a\\nb"}}) == "x authid=\"a\\\\nb\"");
  CHECK(text_line("\xff\xc3(") == "\\xff\\xc3(");
  CHECK(text_line("\xc2\x9b|\xe2\x80\xa8|\xe2\x80\xae|\xe2\x81\xa6") ==
        "\\xc2\\x9b|\\xe2\\x80\\xa8|\\xe2\\x80\\xae|\\xe2\\x81\\xa6");
  CHECK(text_line("grün €😀") == "grün €😀");
}

TEST_CASE("log: long text is cut between two characters") {
  CHECK(text_line(std::string(kLogTextMax, 'a')) == std::string(kLogTextMax, 'a'));
  CHECK(text_line(std::string(kLogTextMax, 'a') + "b") == std::string(kLogTextMax, 'a') + "…");
  // The two bytes of the last "é" straddle the limit.
  const std::string field = std::string(kLogFieldMax - 1, 'a') + "é";
  CHECK(text_line("x", {{"uri", field}}) ==
        "x uri=\"" + std::string(kLogFieldMax - 1, 'a') + "…\"");
  const std::string json = format_log_line(true, kWhen, LogLevel::info, "a", field + field, {});
  CHECK(from_json(json));
}

TEST_CASE("log: levels of areas, and of what is below them") {
  Collector collector;
  LogOptions options = collector.options();
  options.levels = "session=debug, authenticator=off,authenticator.ticket=trace";
  const Log log(options);
  CHECK(log.enabled(LogLevel::info, "other"));
  CHECK_FALSE(log.enabled(LogLevel::debug, "other"));
  CHECK(log.enabled(LogLevel::debug, "session"));
  CHECK_FALSE(log.enabled(LogLevel::trace, "session"));
  CHECK_FALSE(log.enabled(LogLevel::debug, "sessions"));
  CHECK_FALSE(log.enabled(LogLevel::error, "authenticator.cryptosign"));
  CHECK(log.enabled(LogLevel::trace, "authenticator.ticket"));
  CHECK_FALSE(Log().enabled(LogLevel::error, "session"));
}

TEST_CASE("log: names of levels") {
  LogLevel level = LogLevel::off;
  CHECK(parse_log_level("trace", &level));
  CHECK(level == LogLevel::trace);
  CHECK(parse_log_level("warn", &level));
  CHECK(level == LogLevel::warning);
  CHECK(parse_log_level("off", &level));
  CHECK(level == LogLevel::off);
  CHECK_FALSE(parse_log_level("loud", &level));
  CHECK_FALSE(parse_log_level("", &level));
  CHECK(check_log_levels("").is_ok());
  CHECK(check_log_levels("a=debug, b.c=off").is_ok());
  for (const char* bad : {"a", "a=loud", "=debug", "a=debug b=off"}) {
    CHECK(check_log_levels(bad).code() == NX_E_CONFIG);
    CHECK(check_log_levels(bad).text().find(bad) != std::string::npos);
  }
}

TEST_CASE("log: lines of one thread keep their order, and flush waits for all of them") {
  Collector collector;
  Log log(collector.options());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 500; ++i) log.info("test", "line", {{"thread", t}, {"i", i}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  log.write(LogLevel::debug, "test", "too quiet");
  log.flush();
  REQUIRE(log.dropped() == 0);
  const std::lock_guard lock(collector.mutex);
  REQUIRE(collector.lines.size() == 2000);
  int next[4] = {};
  for (const std::string& line : collector.lines) {
    const int thread = line[line.find("thread=") + 7] - '0';
    CHECK(std::stoi(line.substr(line.find("i=") + 2)) == next[thread]++);
  }
}

TEST_CASE("log: nobody waits for a slow writer, and what is lost is counted and reported") {
  std::mutex mutex;
  std::condition_variable changed;
  bool inside = false;
  bool open = false;
  std::vector<std::string> lines;
  LogOptions options;
  options.queue_lines = 8;
  options.sink = [&](std::string_view line) {
    std::unique_lock lock(mutex);
    inside = true;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
    lines.emplace_back(line);
  };
  {
    Log log(options);
    log.info("test", "first");
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return inside; });
    lock.unlock();
    // The writer holds the first line and stands still: eight fit, five do not.
    for (int i = 0; i < 13; ++i) log.info("test", "line");
    CHECK(log.dropped() == 5);
    lock.lock();
    open = true;
    changed.notify_all();
  }
  REQUIRE(lines.size() == 10);
  CHECK(lines[9].find(" WARN  log      lines were dropped count=5 total=5") != std::string::npos);
}

TEST_CASE("log: reopen after rotation loses nothing and mixes nothing up") {
  TemporaryFolder folder;
  LogOptions options;
  options.path = folder.file("log");
  const std::string rotated = folder.file("log.1");
  Log log(options);
  CHECK(log.problem().empty());
  // Many times, because the writer may or may not be asleep when it is told to reopen.
  for (int i = 0; i < 200; ++i) {
    log.info("test", "before");
    log.flush();
    REQUIRE(std::rename(options.path.c_str(), rotated.c_str()) == 0);
    log.info("test", "between");
    log.flush();
    log.reopen();
    log.info("test", "after");
    log.flush();
    REQUIRE(content(rotated).ends_with("between\n"));
    REQUIRE(content(rotated).find("before\n") != std::string::npos);
    REQUIRE(content(options.path).ends_with("after\n"));
    REQUIRE(content(options.path).find("between") == std::string::npos);
  }
}

TEST_CASE("log: a file that cannot be opened is a problem that can be asked for") {
  TemporaryFolder folder;
  LogOptions options;
  options.path = folder.file("none") + "/log";
  options.level = LogLevel::off;
  CHECK(Log(options).problem().find("cannot open the log file") == 0);
}

TEST_CASE("log: a reader that went away costs lines, not the process") {
  TemporaryFolder folder;
  LogOptions options;
  options.path = folder.file("pipe");
  REQUIRE(mkfifo(options.path.c_str(), 0600) == 0);
  const int reader = open(options.path.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  Log log(options);
  REQUIRE(log.problem().empty());
  log.info("test", "read");
  log.flush();
  char text[256];
  const ssize_t size = read(reader, text, sizeof text);
  REQUIRE(size > 0);
  CHECK(std::string_view(text, static_cast<size_t>(size)).ends_with("read\n"));
  close(reader);
  log.info("test", "lost");
  log.flush();
  CHECK(log.dropped() == 1);
}

TEST_CASE("the log's queue: full means full, and it goes round") {
  LogQueue queue(4);
  std::string line;
  CHECK_FALSE(queue.pop(line));
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 4; ++i) CHECK(queue.push(std::to_string(i)));
    std::string one_more = "kept";
    CHECK_FALSE(queue.push(std::move(one_more)));
    CHECK(one_more == "kept");
    for (int i = 0; i < 4; ++i) {
      REQUIRE(queue.pop(line));
      CHECK(line == std::to_string(i));
    }
    CHECK_FALSE(queue.pop(line));
  }
}

TEST_CASE("log: what happens over and over is said once, and then counted for each cause") {
  Collector collector;
  {
    LogOptions options = collector.options();
    options.repeat_after = std::chrono::hours(1);
    Log log(options);
    for (int i = 0; i < 1000; ++i) {
      log.limited(LogLevel::error, "loop", "accept", "no descriptors", {{"try", i}});
      log.limited(LogLevel::error, "loop", "other", "something else");
      log.limited(LogLevel::debug, "loop", "quiet", "below the level");
    }
    log.flush();
    const std::lock_guard lock(collector.mutex);
    REQUIRE(collector.lines.size() == 2);
    CHECK(collector.lines[0].ends_with("no descriptors try=0"));
    CHECK(collector.lines[1].ends_with("something else"));
  }
  // What was counted is said when the log ends, if not before.
  REQUIRE(collector.lines.size() == 4);
  int found = 0;
  for (const std::string& line : collector.lines) {
    found += line.ends_with("no descriptors repeated=999") ? 1 : 0;
    found += line.ends_with("something else repeated=999") ? 1 : 0;
  }
  CHECK(found == 2);
}

TEST_CASE("log: the number of those that were left out comes when their time is up") {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> lines;
  LogOptions options;
  options.repeat_after = std::chrono::milliseconds(10);
  options.sink = [&](std::string_view line) {
    const std::lock_guard lock(mutex);
    lines.emplace_back(line);
    changed.notify_all();
  };
  Log log(options);
  // Until one is late enough to be a first one again, which nobody can be sure of on a busy
  // machine: all that is asked is that none is lost.
  for (int i = 0; i < 100; ++i) log.limited(LogLevel::error, "loop", "accept", "no descriptors");
  std::unique_lock lock(mutex);
  const auto said = [&] {
    uint64_t sum = 0;
    for (const std::string& line : lines) {
      const size_t at = line.find(" repeated=");
      sum += at == std::string::npos ? 1 : std::stoul(line.substr(at + 10));
    }
    return sum;
  };
  REQUIRE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return said() == 100; }));
  CHECK(lines.size() < 100);
}

TEST_CASE("log: causes that somebody makes up fill neither the memory nor the log") {
  Collector collector;
  {
    LogOptions options = collector.options();
    options.repeat_after = std::chrono::hours(1);
    options.queue_lines = 1 << 16;
    Log log(options);
    for (int i = 0; i < 20000; ++i) {
      log.limited(LogLevel::info, "session", std::to_string(i), "refused");
    }
    log.flush();
    const std::lock_guard lock(collector.mutex);
    CHECK(collector.lines.size() <= 1025);
  }
  CHECK(collector.lines.back().ends_with("refused repeated=18975"));
}
