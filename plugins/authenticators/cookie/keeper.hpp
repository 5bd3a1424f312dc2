// Keeper: the thread that writes the cookies down. Loops must not wait for a disk, and many changes
// in a row are one write.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "plugins/authenticators/cookie/cookie_file.hpp"

namespace nexus::cookie {

class Keeper {
 public:
  using Snapshot = std::function<std::vector<Remembered>()>;
  using Complain = std::function<void(const std::string& text)>;

  // Both functions are called on the thread, without a lock of this class but the file's.
  Keeper(CookieFile& file, Snapshot snapshot, Complain complain)
      : file_(file), snapshot_(std::move(snapshot)), complain_(std::move(complain)) {}
  ~Keeper() { stop(); }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  void start();  // [main]
  // Writes what is still to be written, and ends. [main]
  void stop();
  // Something changed that is to be in the file within this time. [any]
  void changed(std::chrono::milliseconds within);
  // Calls fn while nothing is being written. [main]
  void undisturbed(const std::function<void()>& fn);

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  bool write();

  CookieFile& file_;
  const Snapshot snapshot_;
  const Complain complain_;
  std::mutex file_mutex_;  // taken before any other
  std::string complained_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool dirty_ = false, ending_ = false;
  Clock::time_point due_{};
  std::thread thread_;
};

}  // namespace nexus::cookie
